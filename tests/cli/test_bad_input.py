from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import main
from bench.host import usable_cores
from bench.options import Tables
from bench.store import RunFolder, Store
from tests.cli.launches import Counted
from tests.cli.process import REAL, Done, call, contents
from tests.fakes import tables as fakes
from tests.fakes.records import put, record, stored

Run = Callable[..., int]

MANY = usable_cores() + 1

SUITE = """
title = "One cell"
target = "cpu"

[[cells]]
runner = ["paddle"]
batch = [1]

[presets.standard]
sessions = 1
samples = 4
min_samples = 4
budget_s = 0.1
warmup_calls = 1
warmup_s = 0.0
warmup_cap_s = 0.1
"""


def complaint(done: Done) -> str:
    """The one line with which a command refused."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: ")
    return line


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with a run in it."""
    put(stored(record("mine"), record("mine", batch=4)), tmp_path / "results")
    return tmp_path / "results"


RUN = "python -m bench run"

FLAGS: dict[str, tuple[list[str], list[str]]] = {
    "unknown variant": (["--variant", "x0_24"], ["no variant 'x0_24'", "did you mean 'x0_25'?"]),
    "unknown runner": (["--runner", "padle"], ["no runner 'padle'", "did you mean 'paddle'?"]),
    "unknown preset": (["--preset", "quik"], ["preset of suite cpu 'quik'", "mean 'quick'?"]),
    "unknown suite": (["--suite", "cqu"], ["no suite 'cqu'", "choose from arm, cpu, gpu"]),
    "suite that is missing": (["--suite", "/no/such.toml"], ["/no/such.toml: there is no such"]),
    "threads above the cores": (
        ["--threads", str(MANY)], [f"--threads {MANY}:", f"ask for at most {MANY - 1}"],
    ),
    "no thread": (["--threads", "0"], ["--threads 0", "whole number from 1", "--threads 1,2"]),
    "threads in words": (["--threads", "1,x"], ["--threads 1,x: 'x'", "--threads 1,2"]),
    "threads below zero": (["--threads", "-1"], ["--threads -1", "whole number from 1"]),
    "half a batch": (["--batch", "1.5"], ["--batch 1.5", "--batch 1,2"]),
    "digits of another script": (["--batch", "²"], ["--batch ²", "whole number"]),
    "two seeds": (["--seed", "1,2"], ["--seed 1,2", "--seed 1"]),
    "no seed": (["--seed", ""], ["--seed", "--seed 1"]),
    "unknown flag": (["--varient", "x0_5"], ["--varient", "--help`"]),
    "half a flag": (["--vari", "x0_5"], ["--vari", "--help`"]),
    "flag without its value": (["--variant"], ["--variant", f"`{RUN} --help`"]),
    "env without =": (["--env", "paddle"], ["--env paddle", "--env paddle=/usr/bin/python3"]),
    "env without a path": (["--env", "paddle="], ["--env paddle=", "NAME=PATH"]),
    "env of an unknown name": (["--env", "padle=/x"], ["environment 'padle'", "mean 'paddle'?"]),
    "weights that are missing": (["--weights", "/no.pdparams"], ["--weights /no.pdparams", "seed"]),
    "models that are missing": (["--models", "/no/such"], ["/no/such/catalog.toml: there is no"]),
    "unknown run": (["--resume", "2024"], ["there is no run '2024'"]),
}  # fmt: skip


@pytest.mark.parametrize(("flags", "told"), FLAGS.values(), ids=FLAGS.keys())
def test_a_flag_that_can_not_be_is_refused_in_one_line_that_names_it_and_a_remedy(
    flags: list[str], told: list[str], results: Path, tmp_path: Path
) -> None:
    before = contents(tmp_path)
    done = call("run", "--results", results, "--cache", tmp_path / "cache", *flags)
    line = complaint(done)
    assert all(part in line for part in told), line
    assert contents(tmp_path) == before


def test_an_unknown_verb_is_refused_with_the_ones_there_are() -> None:
    line = complaint(call("rum"))
    assert "'rum'" in line
    assert "'report'" in line


TOML: dict[str, tuple[str, list[str]]] = {
    "a syntax error": (SUITE.replace('"One cell"', '"One cell'), ["mine.toml: not TOML", "line 2"]),
    "no TOML at all": ("\0\1", ["mine.toml: not TOML"]),
    "an unknown field": (
        SUITE + "warmups = 3\n",
        ["mine.toml: unknown field 'presets.standard.warmups'"],
    ),
    "a field too few": (
        SUITE.replace('target = "cpu"', ""),
        ["mine.toml: field 'target' is missing"],
    ),
    "a text for a number": (
        SUITE.replace("samples = 4", 'samples = "many"'),
        ["mine.toml: field 'presets.standard.samples'"],
    ),
    "no session": (
        SUITE.replace("sessions = 1", "sessions = 0"),
        ["mine.toml: field 'presets.standard.sessions'"],
    ),
    "an unknown target": (
        SUITE.replace('"cpu"', '"tpu"'),
        ["mine.toml: field 'target'", "'nvidia-gpu'"],
    ),
    "an unknown runner": (
        SUITE.replace('"paddle"', '"padle"'),
        ["(suite mine) 'padle'", "mean 'paddle'?"],
    ),
    "an unknown setting": (
        SUITE.replace("batch = [1]", "batch = [1]\nsettings = { mkldnn = 'on' }"),
        ["setting of runner paddle (suite mine) 'mkldnn'", "onednn"],
    ),
}


@pytest.mark.parametrize(("text", "told"), TOML.values(), ids=TOML.keys())
@pytest.mark.parametrize("verb", ["run", "plan"])
def test_a_suite_that_can_not_be_read_is_refused_by_its_path_and_fault(
    verb: str, text: str, told: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = tmp_path / "mine.toml"
    suite.write_text(text)
    argv = [verb, "--suite", str(suite), "--results", str(tmp_path / "results")]
    assert main(argv) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    assert [part for part in told if part not in line] == [], line
    assert list(tmp_path.iterdir()) == [suite]


def test_a_suite_with_a_syntax_error_is_refused_in_a_process_too(tmp_path: Path) -> None:
    suite = tmp_path / "mine.toml"
    suite.write_text('title = "half\n')
    assert f"{suite}: not TOML" in complaint(call("plan", "--suite", suite))


def test_one_file_of_weights_is_not_for_several_variants(tmp_path: Path) -> None:
    weights = tmp_path / "net.pdparams"
    weights.write_bytes(b"weights")
    line = complaint(call("run", "--weights", weights, "--results", tmp_path / "results"))
    assert "is one file and 7 variants are asked for" in line
    assert "--variant" in line
    assert not (tmp_path / "results").exists()


def cell_file(results: Path) -> Path:
    return sorted(results.glob("runs/*/*/cells/*.json"))[0]


def truncate(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-40])
    return path


def replace_by_another_kind(path: Path) -> Path:
    path.write_text('{"name": "something", "version": "1.0.0"}')
    return path


def raise_version(path: Path) -> Path:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 2}))
    return path


def give_to_another_cell(path: Path) -> Path:
    return path.rename(path.with_name("x" + path.name))


def make_negative(path: Path) -> Path:
    path.write_text(path.read_text().replace('"load_ns": 90000000', '"load_ns": -1'))
    return path


def empty(path: Path) -> Path:
    path.write_bytes(b"")
    return path


Damage = Callable[[Path], Path]


BROKEN: dict[str, tuple[Damage, str]] = {
    "truncated": (truncate, "not whole JSON"),
    "empty": (empty, "not whole JSON"),
    "foreign": (replace_by_another_kind, "field 'cell_id' is missing"),
    "of another version": (raise_version, "schema version 2, this harness reads 1"),
    "of another cell": (give_to_another_cell, "its name isn't its cell's id"),
    "with a negative duration": (make_negative, "field 'sessions.0.load_ns'"),
}


@pytest.mark.parametrize(("damage", "told"), BROKEN.values(), ids=BROKEN.keys())
def test_a_result_file_that_can_not_be_trusted_is_named_and_left_alone(
    damage: Damage, told: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = damage(cell_file(results))
    before = contents(results)
    for verb in ("report", "models", "plan"):
        assert main([verb, "--results", str(results), "--models", str(fakes.MODELS)]) == 2
        out, err = capsys.readouterr()
        (line,) = err.splitlines()
        assert out == ""
        assert line.startswith(f"bench: {path}: ")
        assert told in line
        assert "move it away and run `python -m bench run --resume 20240501" in line
    assert contents(results) == before


def test_a_truncated_result_file_is_refused_in_a_process_too(results: Path) -> None:
    path = truncate(cell_file(results))
    assert str(path) in complaint(call("--results", results, module="bench.report"))


@pytest.mark.parametrize("name", ["run.json", "amd-epyc-2c-0123abcd.json"])
@pytest.mark.parametrize("damage", [truncate, replace_by_another_kind, raise_version])
def test_a_broken_manifest_or_system_is_named_too(
    name: str, damage: Damage, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = results.rglob(name)
    damage(path)
    assert main(["report", "--results", str(results), "--models", str(fakes.MODELS)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"bench: {path}: ")


def test_a_result_file_that_was_moved_away_no_longer_stops_the_report(results: Path) -> None:
    truncate(cell_file(results)).unlink()
    assert main(["report", "--results", str(results), "--models", str(fakes.MODELS)]) == 0


def test_a_report_needs_a_results_folder(tmp_path: Path) -> None:
    line = complaint(call("report", "--results", tmp_path / "results"))
    assert f"there is no results folder {tmp_path / 'results'}: run `make bench` first" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["run", "report"])
def test_a_results_path_that_is_a_file_is_refused_and_the_file_stays(
    verb: str, tmp_path: Path
) -> None:
    file = tmp_path / "results"
    file.write_text("a person's own")
    assert str(file) in complaint(call(verb, "--results", file))
    assert contents(tmp_path) == {"results": b"a person's own"}


NO_GPU = not (Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi"))


@pytest.mark.skipif(not NO_GPU, reason="this machine has an NVIDIA GPU")
def test_a_gpu_suite_without_a_gpu_says_what_is_missing(tmp_path: Path) -> None:
    line = complaint(call("run", "--suite", "gpu", "--results", tmp_path / "results"))
    assert "there is no NVIDIA GPU" in line
    assert "`make bench` measures this machine's CPU" in line
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ([], ["no phone is named", "there is no adb", "make bench-arm DEVICE=serial"]),
        (["--device", "R58M123"], ["there is no adb", "apt install adb"]),
    ],
    ids=["no device", "no adb"],
)
def test_an_arm_suite_without_a_phone_says_what_is_missing(
    flags: list[str], told: list[str], tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    nothing_installed = {"PATH": str(tmp_path / "bin")}
    results = str(tmp_path / "results")
    argv = ["run", "--suite", "arm", "--results", results, *flags]
    line = complaint(call(*argv, env=nothing_installed))
    assert [part for part in told if part not in line] == []
    assert not (tmp_path / "results").exists()


CLOSED = {
    "plan": ["plan"],
    "models": ["models"],
    "models as json": ["models", "--json"],
    "help": ["--help"],
    "a verb's help": ["run", "--help"],
}


@pytest.mark.parametrize("argv", CLOSED.values(), ids=CLOSED.keys())
def test_a_reader_that_has_left_is_no_error(argv: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", REAL, *argv]
    if argv[-1] != "--help":
        command += ["--results", str(tmp_path / "results")]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            command, stdout=closed, stderr=subprocess.PIPE, text=True, env=kept, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB of its own."""
    folder = tmp_path / "results"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small file system, and not in every container")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def read_only(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A results folder with a run in it that nobody can write."""
    if os.geteuid() == 0:
        folder: Path = request.getfixturevalue("small_disk")
        put(stored(record("mine")), folder)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield folder
        return
    folder = tmp_path / "results"
    put(stored(record("mine")), folder)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


@pytest.mark.parametrize("verb", ["run", "report"])
def test_results_that_can_not_be_written_are_refused_before_anything_is_measured(
    verb: str, read_only: Path, tmp_path: Path
) -> None:
    before = contents(read_only)
    cache = ["--cache", str(tmp_path / "cache")] if verb == "run" else []
    line = complaint(call(verb, "--results", read_only, "--models", fakes.MODELS, *cache))
    assert str(read_only) in line
    assert "can't be written" in line
    assert "--results DIR" in line
    assert contents(read_only) == before
    assert not (tmp_path / "cache").exists()


def measured(run: RunFolder) -> dict[int, int]:
    """The pid of each session that `run` holds, by its place in the order."""
    in_journal = [entry.session for entry in run.journal() if entry.session]
    in_records = [session for done in run.records() for session in done.sessions]
    return {session.order: session.pid for session in (*in_journal, *in_records)}


def test_a_disk_that_fills_up_keeps_what_was_measured_and_resume_finishes(
    plain_run: Run, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ballast = small_disk / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass

    def launching(launch: Counted) -> Tables:
        return replace(fakes.tables(), launch=launch)

    first = Counted(after=5, event=fill)
    assert plain_run(tables=launching(first)) == 2
    (line,) = [text for text in capsys.readouterr().err.splitlines() if "bench:" in text]
    assert str(small_disk) in line
    assert "No space left on device" in line
    assert "kept: free some space, then `python -m bench run --resume" in line

    (run,) = Store(small_disk).runs()
    kept = measured(run)
    assert len(kept) >= 5
    ballast.unlink()
    rest = Counted()
    assert plain_run("--resume", "latest", tables=launching(rest)) == 0
    sessions = measured(run)
    assert len(sessions) == 12
    assert kept.items() <= sessions.items()
    assert len(rest.sessions) == 12 - len(kept)
    assert not [name for name in contents(small_disk) if name.endswith(".tmp")]
