"""A run that ended early goes on where it stopped, and measures again what failed for now."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import BenchError
from bench.launcher.process import ChildFailed, ChildResult
from bench.storage.schema.common import Failed
from bench.storage.store import Store
from tests.cli.launches import Counted, Failing, interrupt
from tests.cli.outcomes import QUICK, figures, only_run
from tests.fakes.tables import tables

Run = Callable[..., int]


def test_an_interrupted_run_is_kept_and_told_how_to_go_on(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = Counted(after=5, event=interrupt)
    assert plain_run(tables=replace(tables(), launch=launch)) == 130
    run = only_run(tmp_path)
    assert run.manifest().status == "interrupted"
    assert len(run.journal()) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("bench: interrupted") == 1
    assert f"  python -m bench run --resume {run.path.name} --results {tmp_path}" in err
    assert "Traceback" not in err


def test_a_resumed_run_takes_no_path_and_no_weights_from_its_manifest(
    plain_run: Run, tmp_path: Path
) -> None:
    assert plain_run(*QUICK, tables=replace(tables(), launch=Counted(1, interrupt))) == 130
    path = only_run(tmp_path).manifest_path
    values = json.loads(path.read_text())
    del values["digest"]
    evil = str(tmp_path / "evil")
    flags = [f"--models={evil}", f"--weights={evil}", f"--cache={evil}", "--env", f"paddle={evil}"]
    values["provenance"]["command"] += flags
    values["weights"] = evil
    for facts in values["models"].values():
        facts["weights"] = facts["title"] = evil
    path.write_text(json.dumps(values))
    requests: list[Any] = []

    def launch(request: Any, **how: Any) -> ChildResult:
        requests.append((request, how))
        return Counted()(request, **how)

    assert plain_run("--resume", "latest", tables=replace(tables(), launch=launch)) == 0
    assert requests
    assert evil not in str(requests)


def ungraded(printed: str) -> str:
    """The table without the grades, which hang on the machine's state while it was measured."""
    return re.sub(r"\) [A-D]", ")", printed.partition("timed inference")[0])


@pytest.mark.slow
def test_resume_measures_only_the_rest_and_ends_in_the_same_tables(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, one_batch = Counted(), ("--batch", "1")
    assert plain_run(*one_batch, tables=replace(tables(), launch=whole)) == 0
    wanted, printed = figures(tmp_path), capsys.readouterr().out
    (tmp_path / "results").rename(tmp_path / "whole")

    first, rest = Counted(after=5, event=interrupt), Counted()
    assert plain_run(*one_batch, tables=replace(tables(), launch=first)) == 130
    run = only_run(tmp_path)
    kept = [entry.session for entry in run.journal()]
    capsys.readouterr()
    resume = ("--resume", run.path.name)
    assert plain_run(*resume, tables=replace(tables(), launch=rest)) == 0

    assert first.sessions + rest.sessions == whole.sessions
    assert len(rest.sessions) == 1
    assert figures(tmp_path) == wanted
    assert ungraded(capsys.readouterr().out) == ungraded(printed)
    sessions = [session for one in run.records() for session in one.sessions]
    assert all(session in sessions for session in kept)
    assert run.manifest().status == "complete"
    assert not run.journal_path.exists()


def test_resume_latest_means_the_newest_run(plain_run: Run, tmp_path: Path) -> None:
    one = (*QUICK, "--variant", "one")
    assert plain_run(*one, tables=replace(tables(), launch=Counted(1, interrupt))) == 130
    rest = Counted()
    assert plain_run("--resume", "latest", tables=replace(tables(), launch=rest)) == 0
    assert (len(rest.sessions), only_run(tmp_path).manifest().status) == (1, "complete")


def test_a_run_interrupted_while_it_prepares_leaves_no_run_behind(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def launch(*_: object, **__: object) -> ChildResult:
        raise KeyboardInterrupt

    assert plain_run(*QUICK, tables=replace(tables(), launch=launch)) == 130
    assert Store(tmp_path / "results").runs() == []
    assert "Traceback" not in capsys.readouterr().err


def broken() -> None:
    raise RuntimeError("a fault of the harness's own")


def refuse() -> None:
    raise BenchError("the place is gone", hint="bring it back")


def test_whatever_ends_a_run_leaves_one_that_is_interrupted(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = (*QUICK, "--variant", "one")
    with pytest.raises(RuntimeError, match="a fault"):
        plain_run(*one, tables=replace(tables(), launch=Counted(after=1, event=broken)))
    run = only_run(tmp_path)
    assert run.manifest().status == "interrupted"
    command = f"resume with:\n  python -m bench run --resume {run.path.name} --results {tmp_path}"
    assert command in capsys.readouterr().err
    assert plain_run("--resume", "latest") == 0
    assert run.manifest().status == "complete"


def test_an_error_tells_the_command_too(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = Counted(after=1, event=refuse)
    assert plain_run(*QUICK, tables=replace(tables(), launch=launch)) == 2
    name, err = only_run(tmp_path).path.name, capsys.readouterr().err
    assert only_run(tmp_path).manifest().status == "interrupted"
    told = "the place is gone; what was measured before is kept: bring it back, then resume with:"
    assert f"bench: {told}\n  python -m bench run --resume {name} --results {tmp_path}" in err


def test_a_complete_run_that_lost_a_cell_is_resumed_for_that_alone(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plain_run(*QUICK, "--variant", "one") == 0
    run = only_run(tmp_path)
    lost, *others = sorted((run.path / "cells").glob("*.json"))
    kept = [path.read_bytes() for path in others]
    lost.write_bytes(lost.read_bytes()[:-9])
    launch = Counted()
    assert plain_run("--resume", "latest", tables=replace(tables(), launch=launch)) == 0
    assert {record.cell_id for record in run.records()} == set(run.manifest().cells)
    assert len(launch.sessions) == len(next(iter(run.records())).sessions)
    assert [path.read_bytes() for path in others] == kept
    assert lost.with_name(f"{lost.name}.broken").exists()
    assert plain_run("--resume", "latest") == 2
    assert "is complete" in capsys.readouterr().err


@dataclass
class FailsOnce(Counted):
    """Fails its session number `after` as `kind`."""

    kind: str = "killed"

    def __call__(self, request: Any, **how: Any) -> ChildResult:
        fails = request["operation"] == "measure" and len(self.sessions) == self.after
        if not fails:
            return super().__call__(request, **how)
        self.sessions.append("failed")
        return ChildFailed(kind=self.kind, message="it failed", hint="nothing helps")


@pytest.mark.parametrize("kind", ["killed", "timeout", "disk-full", "device-lost"])
def test_a_cell_that_failed_for_now_is_tried_again_with_the_sessions_that_it_has(
    kind: str, plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, failing = ("--variant", "one", "--batch", "1"), FailsOnce(after=1, kind=kind)
    assert plain_run(*one, tables=replace(tables(), launch=failing)) == 1
    run = only_run(tmp_path)
    assert run.manifest().status == "complete"
    (record,) = run.records()
    (kept,) = record.sessions
    said = capsys.readouterr().err
    assert f"tried again by:\n  python -m bench run --resume {run.path.name} --results" in said

    rest = Counted()
    assert plain_run("--resume", "latest", tables=replace(tables(), launch=rest)) == 0
    (record,) = run.records()
    assert (len(rest.sessions), len(record.sessions)) == (2, 3)
    assert kept in record.sessions
    assert plain_run("--resume", "latest") == 2  # complete, and nothing failed any more


def test_a_cell_that_failed_for_now_in_an_interrupted_run_is_tried_again(
    plain_run: Run, tmp_path: Path
) -> None:
    launch = FailsOnce(after=0)

    def then_interrupted(request: Any, **how: Any) -> ChildResult:
        if len(launch.sessions) == 1:
            raise KeyboardInterrupt
        return launch(request, **how)

    assert plain_run(*QUICK, tables=replace(tables(), launch=then_interrupted)) == 130
    rest = Counted()
    assert plain_run("--resume", "latest", tables=replace(tables(), launch=rest)) == 0
    assert len(rest.sessions) == len(only_run(tmp_path).manifest().cells)


def test_a_cell_whose_output_was_wrong_stays_failed(plain_run: Run) -> None:
    failing = Failing("wrong", kind="wrong-output")
    assert plain_run(*QUICK, tables=replace(tables(), launch=failing)) == 1
    assert plain_run("--resume", "latest") == 2


def test_a_conversion_that_was_killed_is_made_again(plain_run: Run, tmp_path: Path) -> None:
    def launch(request: Any, **how: Any) -> ChildResult:
        if request["operation"] == "convert" and request["out"].count("making"):
            return ChildFailed(kind="killed", message="the child died of SIGKILL", hint="memory")
        raise AssertionError("nothing to measure")

    one = (*QUICK, "--variant", "one", "--batch", "1")
    assert plain_run(*one, tables=replace(tables(), launch=launch)) == 1
    (record,) = only_run(tmp_path).records()
    assert isinstance(record.outcome, Failed)
    assert record.outcome.failure == "killed"
    assert plain_run("--resume", "latest") == 0
