"""An engine, an artifact, a target, a verb, a format: each one file and one line of a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench import reports
from bench.cli import commands
from bench.cli.main import main
from bench.core.errors import InputError, Unavailable, UnknownName
from bench.experiments.context import Tables
from bench.reports import exports
from bench.reports.comparison import formats
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import Skipped
from bench.storage.schema.latency import Measured
from bench.storage.store import Store
from bench.targets import TARGETS
from tests.conftest import FAKE_SUITE
from tests.fakes import tables as fakes
from tests.fakes.records import put, record, stored
from tests.plugins import sample

Run = Callable[..., int]

TABLES = Tables(
    runners={"sample": sample.RUNNER}, formats={**fakes.FAKE_FORMATS, "sample": sample.FORMAT}
)


def suite(folder: Path, *, target: str = "cpu") -> Path:
    """Write the fake suite for the sample's runner at that target; return its path."""
    text = FAKE_SUITE.read_text().replace('runner = ["paddle"]', 'runner = ["sample"]')
    text = text.replace('settings = { onednn = "on" }\n', "").replace('"cpu"', f'"{target}"')
    path = folder / "sample.toml"
    path.write_text(text)
    return path


def measured(
    plain_run: Run, folder: Path, tables: Tables, *own: str, target: str = "cpu"
) -> RunFolder:
    """Run the sample's suite and return the run, every cell of it measured."""
    flags = ("--suite", str(suite(folder, target=target)), "--preset", "quick", *own)
    assert plain_run(*flags, "--variant", "one", tables=tables) == 0
    (run,) = Store(folder / "results").runs()
    assert {record.outcome for record in run.records()} == {Measured()}
    return run


def test_an_engine_is_measured(plain_run: Run, tmp_path: Path) -> None:
    run = measured(plain_run, tmp_path, TABLES)
    sessions = [session for record in run.records() for session in record.sessions]
    assert {session.facts["engine"] for session in sessions} == {"sample 2.0"}
    assert all(session.samples_ns for session in sessions)
    assert "sample" in (tmp_path / "results/report/report.md").read_text()


def test_a_kind_of_artifact_is_made_once_and_kept(plain_run: Run, tmp_path: Path) -> None:
    measured(plain_run, tmp_path, TABLES)
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("cache/artifacts/*/*.sample")}
    assert len(made) == 2
    assert all("-sample-b" in path.parent.name for path in made)
    assert plain_run(
        "--suite", str(suite(tmp_path)), "--preset", "quick", "--variant", "one", tables=TABLES
    ) == 0  # fmt: skip
    assert made == {path: path.stat().st_mtime_ns for path in made}


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Tables:
    """The sample's entry in the table of targets, and tables whose runner is for it."""
    monkeypatch.setitem(TARGETS, "board", sample.TARGET)
    return replace(TABLES, runners={"sample": replace(sample.RUNNER, target="board")})


def test_a_targets_own_option_reaches_it_and_it_measures(
    plain_run: Run, tmp_path: Path, board: Tables
) -> None:
    run = measured(plain_run, tmp_path, board, "--port", "7", target="board")
    assert run.manifest().target == "board"
    (first, *_) = [session for record in run.records() for session in record.sessions]
    assert first.before["sample_state"] == "calm on port 7"


def test_a_targets_option_stands_in_the_help_and_belongs_to_it_alone(
    board: Tables, plain_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--help"]) == 0
    assert "On a board:\n  --port N" in capsys.readouterr().out
    assert plain_run("--port", "7", tables=board) == InputError.exit_status
    assert "--port is for a board, and this runs on this machine's CPU" in capsys.readouterr().err


def test_what_a_target_lacks_is_told_with_its_remedy(
    board: Tables, plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(suite(tmp_path, target="board"))
    assert plain_run("--suite", path, "--port", "x", tables=board) == Unavailable.exit_status
    assert "there is no port x: give --port 0 to 9" in capsys.readouterr().err


def test_an_engine_that_its_target_refuses_is_left_out_unless_it_was_named(
    board: Tables, plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("--suite", str(suite(tmp_path, target="board")), "--preset", "quick", "--port", "9")
    assert plain_run(*flags, "--variant", "one", tables=board) == InputError.exit_status
    reason = "no cell of suite sample is left: sample: port 9 is too old for it"
    assert reason in capsys.readouterr().err
    assert plain_run(*flags, "--variant", "one", "--runner", "sample", tables=board) == 1
    (run,) = Store(tmp_path / "results").runs()
    skipped = Skipped(reason="port 9 is too old for it", hint="give --port 0 to 8")
    assert {record.outcome for record in run.records()} == {skipped}


def test_a_target_that_no_table_has_is_named(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = replace(TABLES, runners={"sample": replace(sample.RUNNER, target="moon")})
    path = suite(tmp_path, target="moon")
    assert plain_run("--suite", str(path), tables=tables) == UnknownName.exit_status
    assert "moon" in capsys.readouterr().err


def test_a_format_of_an_export_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(exports, "EXPORTS", {**exports.EXPORTS, "sample": sample.EXPORT})
    put(stored(record("mine")), tmp_path / "results")
    where = ["--results", str(tmp_path / "results")]
    assert main(["export", "--to", "sample", str(tmp_path / "out"), *where]) == 0
    assert (tmp_path / "out").read_text() == f"{record('mine').cell_id}\n"


def test_a_format_of_a_comparison_is_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(formats, "FORMATS", {**formats.FORMATS, "sample": sample.count})
    for name in ("base", "head"):
        put(stored(record(name), run_id=name), tmp_path)
    main(["compare", "base", "head", "--format", "sample", "--results", str(tmp_path)])
    assert "sample: 1 cells" in capsys.readouterr().out


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample as a verb: its file where the verbs' files lie, its line in their table."""
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(Path(__file__).parent)])
    monkeypatch.setitem(commands.VERBS, "sample", sample.VERB)


@pytest.mark.usefixtures("verb")
def test_a_verb_runs_with_its_own_option_and_the_common_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["sample", "--whom", "Ada", "--results", str(tmp_path / "here")]
    assert main(argv, TABLES) == 3
    assert capsys.readouterr().out == "sample greets Ada in here\n"


@pytest.mark.usefixtures("verb")
def test_a_verb_stands_in_the_help_and_so_does_its_option(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    assert "Greet someone" in capsys.readouterr().out
    assert main(["sample", "--help"]) == 0
    assert "Greeting:\n  --whom NAME" in capsys.readouterr().out
    assert main(["sample", "--whon", "Ada"]) == 2
    assert "did you mean '--whom'?" in capsys.readouterr().err


def test_a_format_of_a_report_is_written_verified_and_its_old_files_go(
    plain_run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(reports.FORMATS, "sample", sample.REPORT)
    measured(plain_run, tmp_path, TABLES)
    folder = tmp_path / "results/report"
    assert (folder / "sample.txt").read_text() == "one\n"
    (folder / "sample-gone.txt").touch()
    (folder / "notes.txt").touch()
    names = ("results", "models", "cache")
    flags = [flag for name in names for flag in (f"--{name}", str(tmp_path / name))]
    capsys.readouterr()

    assert main(["verify", "--json", *flags], TABLES) == 1
    states = {it["file"]: it["state"] for it in json.loads(capsys.readouterr().out)["report"]}
    assert main(["report", *flags[:4]]) == 0

    unlike = {Path(path).name for path, state in states.items() if state != "same"}
    assert (unlike, states[str(folder / "sample.txt")]) == ({"sample-gone.txt"}, "same")
    assert {path.name for path in folder.glob("*.txt")} == {
        "sample.txt", "sample-sample.txt", "notes.txt",
    }  # fmt: skip
