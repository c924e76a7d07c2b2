"""`bench run --profile`: a pass after all sessions, stored with the run, and resumable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli.main import main
from bench.launcher.process import ChildResult, run_child
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.profile import Profiled
from tests.cli.launches import interrupt, nothing
from tests.cli.outcomes import QUICK, only_run
from tests.fakes.tables import tables

Run = Callable[..., int]


@dataclass
class Noted:
    """Launches real children and notes the operation of each; `event` comes before that profile."""

    event: Callable[[], None] = nothing
    before: int = -1
    operations: list[str] = field(default_factory=list)

    def __call__(self, request: Any, **how: Any) -> ChildResult:
        if request["operation"] == "profile" and self.profiles == self.before:
            self.event()
        self.operations.append(request["operation"])
        return run_child(request, **how)

    @property
    def profiles(self) -> int:
        return self.operations.count("profile")


def test_each_measured_cell_is_profiled_once_all_sessions_are_in(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = Noted()
    on = replace(tables(paddle="Profiles"), launch=launch)
    assert plain_run(*QUICK, "--profile", tables=on) == 0
    measured = [it for it in launch.operations if it in ("measure", "profile")]
    cells = launch.profiles
    assert cells > 1
    assert measured == ["measure"] * (len(measured) - cells) + ["profile"] * cells
    run = only_run(tmp_path)
    profiles = list(run.profiles())
    assert [it.cell_id for it in profiles] == [it.cell_id for it in run.records()]
    outcomes = [it.outcome for it in profiles]
    assert all(isinstance(it, Profiled) for it in outcomes)
    assert [it.name for it in outcomes[0].operators] == ["mean", "add"]  # type: ignore[union-attr]
    assert {f"profiles/{it.cell_id}" for it in profiles} <= set(run.manifest().sealed)
    out, err = capsys.readouterr()
    assert f"profiles by operator: `python -m bench profile {run.path.name} --results" in out
    assert "profile of one paddle batch 1" in err
    assert "2 operators" in err


def test_a_run_without_the_flag_has_no_profile(plain_run: Run, tmp_path: Path) -> None:
    launch = Noted()
    on = replace(tables(paddle="Profiles"), launch=launch)
    assert plain_run(*QUICK, tables=on) == 0
    assert launch.profiles == 0
    assert list(only_run(tmp_path).profiles()) == []


def test_an_interrupted_pass_goes_on_with_the_profiles_that_are_not_there(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Noted(interrupt, before=1)
    fakes = tables(paddle="Profiles")
    assert plain_run(*QUICK, "--profile", tables=replace(fakes, launch=first)) == 130
    assert f"run --resume {only_run(tmp_path).path.name}" in capsys.readouterr().err
    again = Noted()
    assert plain_run("--resume", "latest", tables=replace(fakes, launch=again)) == 0
    run = only_run(tmp_path)
    assert "measure" not in again.operations
    assert first.profiles + again.profiles == len(run.manifest().cells)
    assert len(list(run.profiles())) == len(run.manifest().cells)
    assert not run.lacks()


def test_a_profile_that_was_lost_or_altered_is_named_and_taken_again_by_resuming(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fakes = tables(paddle="Profiles")
    assert plain_run(*QUICK, "--profile", tables=fakes) == 0
    run = only_run(tmp_path)
    lost, altered, *_ = sorted((run.path / "profiles").iterdir())
    lost.unlink()
    altered.write_text(altered.read_text().replace("mean", "median"))
    assert run.lacks()
    capsys.readouterr()
    assert main(["report", "--results", str(tmp_path / "results")], fakes) == 1
    left_out = [it for it in capsys.readouterr().err.splitlines() if "left out" in it]
    (missing,) = [it for it in left_out if lost.name in it]
    assert "the run was completed with it, and it isn't there" in missing
    assert "run --resume" in missing
    launch = Noted()
    assert plain_run("--resume", "latest", tables=replace(fakes, launch=launch)) == 0
    assert launch.profiles == 2
    assert not run.lacks()


def test_an_engine_without_profiles_is_told_once_and_takes_no_figure(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = Noted()
    assert plain_run(*QUICK, "--profile", tables=replace(tables(), launch=launch)) == 0
    assert launch.profiles == 1  # what is no matter of the net is asked once
    run = only_run(tmp_path)
    assert len(list(run.profiles())) == len(run.manifest().cells)
    assert all(isinstance(it.outcome, Skipped) for it in run.profiles())
    assert not run.lacks()
    (line,) = (it for it in capsys.readouterr().err.splitlines() if "no profile by operator" in it)
    assert line.startswith("bench: the profile of one")
    assert "more cell" in line


def test_a_profile_that_fails_is_a_value_with_its_reason_and_status_1(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plain_run(*QUICK, "--profile", tables=tables(paddle="NoOperator")) == 1
    outcome = next(only_run(tmp_path).profiles()).outcome
    assert isinstance(outcome, Failed)
    assert "holds no operator" in outcome.message
    out, err = capsys.readouterr()
    assert "failed (error): the profile of paddle holds no operator" in err
    assert "latency, ms" in out  # the figures stand


def test_the_flag_belongs_to_a_new_run(plain_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert plain_run(*QUICK, tables=tables()) == 0
    assert plain_run("--resume", "latest", "--profile", tables=tables()) == 2
    assert "leave out --profile" in capsys.readouterr().err
