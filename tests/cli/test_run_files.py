"""`bench run MODEL`: nets by their files, without a catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.core.errors import BrokenResult
from bench.environments.specs import ENVIRONMENTS
from bench.experiments.context import Tables
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import Measured
from bench.storage.store import Store
from tests.cli.launches import Counted, interrupt
from tests.cli.outcomes import only_run
from tests.conftest import FAKE_SUITE
from tests.fakes.tables import tables

Run = Callable[..., int]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a net, and no catalogue."""
    folder = tmp_path / "here"
    folder.mkdir()
    plant(folder / "my net.json", "a net")
    monkeypatch.chdir(folder)
    return folder


def plant(path: Path, text: str) -> None:
    path.write_text(text)
    path.with_suffix(".pdiparams").write_text("weights")


@pytest.fixture
def run(here: Path, tmp_path: Path) -> Run:
    def call(*argv: str, verb: str = "run", on: Tables | None = None) -> int:
        places = ["--results", str(tmp_path / "results")]
        places += ["--cache", str(tmp_path / "cache")] if verb == "run" else []
        measuring = ["--no-turns", "--preset", "quick"] if "--resume" not in argv else []
        return main([verb, *argv, *measuring, *places], on or tables(paddle="Ok", other="Ok"))

    return call


def test_a_net_is_measured_on_every_runner_once_and_stands_in_the_table(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("my net.json") == 0
    folder = only_run(tmp_path)
    manifest, records = folder.manifest(), list(folder.records())
    assert (manifest.suite, set(manifest.models)) == ("engines", {"my_net"})
    assert [(it.cell.batch, it.cell.threads, it.cell.runner) for it in records] == [
        (1, 1, "other"), (1, 1, "paddle"),
    ]  # fmt: skip
    assert {s.facts["reference"] for it in records for s in it.sessions} == {"fake 1.0"}
    facts = manifest.models["my_net"]
    assert (facts.title, facts.published, facts.weights) == ("my net", None, "exported")
    assert "| my net " in (tmp_path / "results/report/report.md").read_text()
    assert "my net" in capsys.readouterr().out


def test_a_file_that_fails_or_fits_no_engine_takes_only_its_own_cells(
    run: Run, here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(here / "bad.json", "broken")
    (here / "x.onnx").write_bytes(b"onnx")
    assert run("my net.json", "bad.json", "x.onnx", "--runner", "paddle") == 1
    outcomes = {it.cell.variant: it.outcome for it in only_run(tmp_path).records()}
    assert isinstance(outcomes["my_net"], Measured)
    assert isinstance(failed := outcomes["bad"], Failed)
    assert "this file can't be read" in failed.message
    assert isinstance(skipped := outcomes["x"], Skipped)
    said = "x.onnx is an ONNX file, and no converter makes Paddle's format of it"
    assert skipped.reason == said
    assert said in capsys.readouterr().err
    missing = only_run(tmp_path).manifest().models["x"].missing
    assert missing["costs"].startswith(said)


def test_an_engine_that_nobody_named_and_that_cannot_take_a_net_is_left_out_with_the_reason(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on = tables(paddle="Ok", other="Ok")
    other = replace(on.runners["other"], artifact="onnx")
    formats = {**on.formats, "onnx": replace(on.formats["paddle-pir"], sources=(), importer=None)}
    on = replace(on, runners={**on.runners, "other": other}, formats=formats)
    assert run("my net.json", on=on) == 0
    (record,) = only_run(tmp_path).records()
    assert record.cell.runner == "paddle"
    assert "left out: other: my net.json is a Paddle file" in capsys.readouterr().err
    assert run("my net.json", "--runner", "other", on=on) == 1


def test_an_engine_of_a_python_of_ones_own_that_is_not_given_is_left_out_with_the_flag(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    on = tables(paddle="Ok", other="Ok")
    other = replace(on.runners["other"], env="torch")
    on = replace(on, runners={**on.runners, "other": other})
    assert run("my net.json", on=on) == 0
    (record,) = only_run(tmp_path).records()
    assert record.cell.runner == "paddle"
    assert "left out: other: it takes a Python of your own, by --env torch=PATH" in (
        capsys.readouterr().err
    )


def test_an_engine_whose_environment_cannot_be_had_is_left_out_unless_it_was_named(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(ENVIRONMENTS["lite-x86"], python="3.99")
    monkeypatch.setitem(ENVIRONMENTS, "lite-x86", spec)
    on = tables(paddle="Ok", other="Ok")
    on.runners["other"] = replace(on.runners["other"], env="lite-x86")  # type: ignore[index]
    said = "left out: other: there is no Python 3.99 on this machine: "
    assert run("my net.json", verb="plan", on=on) == 0
    plan = capsys.readouterr().out
    assert said in plan
    assert "1 cell x 2 sessions" in plan
    assert run("my net.json", on=on) == 0
    assert said in capsys.readouterr().err
    assert run("my net.json", "--runner", "paddle,other", on=on) == 1
    records = [it for run in Store(tmp_path / "results").runs() for it in run.records()]
    outcomes = [(it.cell.runner, type(it.outcome)) for it in records]
    assert outcomes == [("paddle", Measured), ("other", Skipped), ("paddle", Measured)]


def test_nets_of_a_catalogue_leave_out_engines_of_a_suite_that_cannot_take_them(
    run: Run, here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "net.onnx").write_bytes(b"onnx")
    (here / "models").mkdir()
    entries = '[models.a]\nexported = "../my net.json"\n[models.x]\nfile = "../net.onnx"\n'
    (here / "models/catalog.toml").write_text(entries)
    flags = ("--models", "models", "--suite", str(FAKE_SUITE))
    said = "paddle: net.onnx is an ONNX file, and no converter makes Paddle's format of it"
    assert run(*flags, verb="plan") == 0
    assert f"left out: {said}" in capsys.readouterr().out
    assert run(*flags) == 0
    assert f"left out: {said}" in capsys.readouterr().err
    assert {it.cell.variant for it in only_run(tmp_path).records()} == {"a"}
    assert run(*flags, "--runner", "paddle", verb="plan") == 0
    assert f"skipped: 2 cells of {said}" in capsys.readouterr().out
    assert run(*flags, "--runner", "paddle") == 1


def test_a_run_of_files_is_resumed_by_naming_them_again(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = replace(tables(), launch=Counted(after=1, event=interrupt))
    assert run("my net.json", on=broken) == 130
    run_id = only_run(tmp_path).path.name
    assert f"run --resume {run_id} 'my net.json' --results" in capsys.readouterr().err
    assert run("--resume", run_id, on=tables()) == 2
    error = capsys.readouterr().err
    assert f"run {run_id} measures my_net, which isn't among the models" in error
    assert f"run --resume {run_id} MODEL" in error
    assert run("--resume", run_id, "my net.json", on=tables()) == 0
    assert only_run(tmp_path).manifest().status == "complete"


def test_an_edited_file_does_not_resume_a_run(
    run: Run, here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("my net.json", on=replace(tables(), launch=Counted(1, interrupt))) == 130
    plant(here / "my net.json", "another net")
    assert run("--resume", "latest", "my net.json", on=tables()) == 2
    assert "my_net" in capsys.readouterr().err


def test_a_plan_shows_the_cells_of_a_file(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("my net.json", verb="plan") == 0
    assert "2 cells" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["gone.onnx"], "there is no gone.onnx: give a file that ends in"),
        (["--input", "Nx3"], "--input is of a model that is named by its file, and none is"),
        (["my net.json", "--input-values", "v.npz"], "--input-values v.npz: there is no such file"),
    ],
)
def test_what_names_no_net_is_refused_before_anything_is_built(
    argv: list[str], said: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*argv) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "cache" / "artifacts").exists()


def test_a_run_of_files_is_verified_but_for_the_files(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("my net.json") == 0
    capsys.readouterr()
    where = ["--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache")]
    assert main(["verify", *where], tables(paddle="Ok", other="Ok")) == 0
    out = capsys.readouterr().out
    assert "unchecked  2 cells: my_net was named by its file, and is in no catalogue" in out
    assert "--models" not in out


def test_the_layers_of_an_engine_are_stored_with_the_run_once_and_its_sessions_name_them(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("my net.json", on=tables(paddle="Layered")) == 0
    folder = only_run(tmp_path)
    [record] = folder.records()
    [stored] = (folder.path / "layers").iterdir()
    assert len(record.sessions) > 1
    assert {session.layers for session in record.sessions} == {stored.stem}
    broken: list[BrokenResult] = []
    [engine] = folder.layers([record], broken).values()
    assert [layer.kernel for layer in engine.layers] == ["plain"]
    assert broken == []
