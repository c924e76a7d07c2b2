"""Variables of the shell that shift figures: no engine inherits one unless a person says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis.grade import findings
from bench.experiments.preparation import _say_dropped
from bench.storage.schema.latency import Session
from tests.cli.launches import Counted, interrupt
from tests.cli.outcomes import QUICK, only_run
from tests.fakes.tables import tables

Run = Callable[..., int]
ONE = (*QUICK, "--variant", "one", "--batch", "1")


def without(session: Session) -> Session:
    """Return a session of before, which told of no such variables."""
    facts = {name: told for name, told in session.facts.items() if name != "passed_env"}
    return session.model_copy(update={"facts": facts})


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    monkeypatch.setenv("KMP_BLOCKTIME", "0")
    _say_dropped.cache_clear()


def test_a_variable_that_shifts_figures_reaches_no_engine_and_is_named_once(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plain_run(*ONE, tables=tables(paddle="TellsVariables")) == 0
    (record,) = only_run(tmp_path).records()
    assert not [name for name in record.sessions[0].facts if name.startswith(("MALLOC", "KMP"))]
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bench:")]
    (line,) = said
    assert "KMP_BLOCKTIME, MALLOC_ARENA_MAX" in line
    assert "--pass-env KMP_BLOCKTIME" in line


def test_a_variable_that_is_let_in_is_recorded_and_allows_no_grade_above_b(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    let_in = ("--pass-env", "MALLOC_ARENA_MAX", "--pass-env", "KMP_BLOCKTIME")
    assert plain_run(*ONE, *let_in, tables=tables(paddle="TellsVariables")) == 0
    run = only_run(tmp_path)
    (record,) = run.records()
    facts = record.sessions[0].facts
    assert (facts["MALLOC_ARENA_MAX"], facts["KMP_BLOCKTIME"]) == ("1", "0")
    assert facts["passed_env"] == "KMP_BLOCKTIME=0, MALLOC_ARENA_MAX=1"
    assert run.manifest().provenance.passed == {"KMP_BLOCKTIME": "0", "MALLOC_ARENA_MAX": "1"}
    assert "doesn't inherit" not in capsys.readouterr().err
    (rule,) = [finding for finding in findings(record) if finding.rule == "variables"]
    assert (rule.grade, "MALLOC_ARENA_MAX=1" in rule.reason) == ("B", True)
    other = record.model_copy(update={"sessions": [without(record.sessions[0])]})
    assert [it.grade for it in findings(other) if it.rule == "variables"] == ["A"]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("NO_SUCH_VARIABLE_1", "export NO_SUCH_VARIABLE_1=VALUE"),
        ("OMP_NUM_THREADS", "use --threads"),
        ("CUDA_VISIBLE_DEVICES", "use --gpu"),
    ],
)
def test_a_variable_that_can_not_be_let_in_is_refused(
    plain_run: Run, capsys: pytest.CaptureFixture[str], name: str, remedy: str
) -> None:
    assert plain_run(*ONE, "--pass-env", name) == 2
    err = capsys.readouterr().err
    assert f"--pass-env {name}" in err
    assert remedy in err


def test_a_run_goes_on_with_the_variables_that_it_began_with(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    let_in = ("--pass-env", "MALLOC_ARENA_MAX")
    launch = Counted(after=0, event=interrupt)
    assert plain_run(*ONE, *let_in, tables=replace(tables(), launch=launch)) == 130
    assert "--pass-env MALLOC_ARENA_MAX" in capsys.readouterr().err
    assert plain_run("--resume", "latest") == 2
    err = capsys.readouterr().err
    assert "the variable MALLOC_ARENA_MAX was 1 when run" in err
    assert "give the same --pass-env as then" in err
    assert plain_run("--resume", "latest", *let_in) == 0
    (record,) = only_run(tmp_path).records()
    assert record.sessions[0].facts["passed_env"] == "MALLOC_ARENA_MAX=1"
