from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.devices.host.facts import usable_cores
from tests.cli.process import call, complaint, contents
from tests.fakes.suites import ONE_CELL

Refused = Callable[..., str]
MANY = usable_cores() + 1
RUN = "python -m bench run"
FLAGS: dict[str, tuple[list[str], list[str]]] = {
    "unknown variant": (["--variant", "x0_24"], ["no variant 'x0_24'", "did you mean 'x0_25'?"]),
    "unknown runner": (["--runner", "padle"], ["no runner 'padle'", "did you mean 'paddle'?"]),
    "unknown preset": (["--preset", "quik"], ["suite cpu has no preset 'quik'", "mean 'quick'?"]),
    "unknown suite": (["--suite", "cqu"], ["no suite 'cqu'", "mean 'cpu'? choose from arm, "]),
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
    flags: list[str], told: list[str], results: Path, tmp_path: Path, refused: Refused
) -> None:
    before = contents(tmp_path)
    line = refused("run", "--results", results, "--cache", tmp_path / "cache", *flags)
    assert all(part in line for part in told), line
    assert contents(tmp_path) == before


def test_an_unknown_verb_is_refused_with_the_ones_there_are(refused: Refused) -> None:
    line = refused("rum")
    assert "'rum'" in line
    assert "choose from ab, " in line
    assert ", report, " in line


TOML: dict[str, tuple[str, list[str]]] = {
    "a syntax error": (
        ONE_CELL.replace('"cpu"', '"cpu'),
        ["mine.toml: not TOML", "line 2"],
    ),
    "no TOML at all": ("\0\1", ["mine.toml: not TOML"]),
    "an unknown field": (
        ONE_CELL + "warmups = 3\n",
        ["mine.toml: unknown field 'presets.standard.warmups'"],
    ),
    "a field too few": (
        ONE_CELL.replace('target = "cpu"', ""),
        ["mine.toml: field 'target' is missing"],
    ),
    "a text for a number": (
        ONE_CELL.replace("\nsamples = 9", '\nsamples = "many"'),
        ["mine.toml: field 'presets.standard.samples'"],
    ),
    "a switch for a whole number": (
        ONE_CELL + "laps = true\n",
        ["mine.toml: field 'presets.standard.laps': input should be a valid integer"],
    ),
    "a switch for a number": (
        ONE_CELL + "grow_for_s = true\n",
        ["mine.toml: field 'presets.standard.grow_for_s': input should be a valid number"],
    ),
    "no session": (
        ONE_CELL.replace("sessions = 2", "sessions = 0"),
        ["mine.toml: field 'presets.standard.sessions'"],
    ),
    "an unknown target": (
        ONE_CELL.replace('"cpu"', '"tpu"'),
        ["there is no target 'tpu'", "mean 'cpu'?"],
    ),
    "an unknown runner": (
        ONE_CELL.replace('"paddle"', '"padle"'),
        ["suite mine has no runner 'padle'", "mean 'paddle'?"],
    ),
    "an unknown setting": (
        ONE_CELL.replace("batch = [1]", "batch = [1]\nsettings = { mkldnn = 'on' }"),
        ["runner paddle (suite mine) has no setting 'mkldnn'", "onednn"],
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


def test_one_file_of_weights_is_not_for_several_variants(tmp_path: Path, refused: Refused) -> None:
    weights = tmp_path / "net.pdparams"
    weights.write_bytes(b"weights")
    line = refused("run", "--weights", weights, "--results", tmp_path / "results")
    assert "is one file and 7 variants are asked for" in line
    assert "--variant" in line
    assert not (tmp_path / "results").exists()


NO_GPU = not (Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi"))


@pytest.mark.skipif(not NO_GPU, reason="this machine has an NVIDIA GPU")
def test_a_gpu_suite_without_a_gpu_says_what_is_missing(tmp_path: Path, refused: Refused) -> None:
    line = refused("run", "--suite", "gpu", "--results", tmp_path / "results")
    assert "there is no NVIDIA GPU" in line
    assert "`make bench` measures this machine's CPU" in line
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (
            [],
            [
                "the device program isn't built",
                "no device is there",
                "make agent NDK=",
                "and plug one",
            ],
        ),
        (["--device", "R58M123"], ["the device program isn't built", "make agent NDK="]),
        (["--benchmark-bin", "no/tool"], ["no/tool is no file", "no device is there"]),
        (["--transport", "usb"], ["'--transport': 'usb'", "'direct', 'server'"]),
    ],
    ids=["no device", "no program", "no tool", "no such way"],
)
def test_an_arm_suite_without_a_phone_says_what_is_missing(
    flags: list[str],
    told: list[str],
    tmp_path: Path,
    refused: Refused,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # nothing is installed
    results = str(tmp_path / "results")
    argv = ["run", "--suite", "arm", "--results", results, "--agent", str(tmp_path), *flags]
    line = refused(*argv)
    assert [part for part in told if part not in line] == []
    assert not (tmp_path / "results").exists()
