"""`run --sustained` from the command line to the files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bench.launcher.process import ChildResult, run_child
from bench.storage.store import Store
from tests.fakes.tables import tables

Run = Callable[..., int]
SHORT = 40


@dataclass
class Shortened:
    """Launches real children whose sessions end after SHORT samples: no test waits for seconds."""

    asked: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, request: Any, **how: Any) -> ChildResult:
        if request["operation"] != "measure":
            return run_child(request, **how)
        self.asked.append(request["sampling"] | {"child_timeout_s": how["timeout_s"]})
        return run_child({**request, "sampling": {**request["sampling"], "samples": SHORT}}, **how)


@pytest.fixture
def launch() -> Shortened:
    return Shortened()


@pytest.fixture
def sustained_run(plain_run: Run, launch: Shortened) -> Run:
    """`plain_run --sustained 60s` over one cell."""

    def call(*flags: str) -> int:
        one = ("--sustained", "60s", "--variant", "one", "--batch", "1")
        return plain_run(*one, *flags, tables=replace(tables(), launch=launch))

    return call


def test_each_cell_is_kept_running_in_one_session_for_the_time_asked_for(
    sustained_run: Run, launch: Shortened, tmp_path: Path
) -> None:
    assert sustained_run() == 0
    (asked,) = launch.asked
    assert (asked["budget_s"], asked["warmup_s"], asked["steady_tolerance"]) == (60.0, 0.0, None)
    assert (asked["warmup_calls"], asked["child_timeout_s"]) == (2, 180.0)
    (run,) = Store(tmp_path / "results").runs()
    (record,) = run.records()
    assert (record.sampling.preset, record.sampling.budget_s) == ("sustained", 60.0)
    assert [len(session.samples_ns) for session in record.sessions] == [SHORT]


def test_a_long_session_is_reported_apart(
    sustained_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sustained_run() == 0
    report = tmp_path / "results/report"
    with (report / "sustained.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["variant"], row["asked_s"], row["samples"]) == ("one", "60.0", str(SHORT))
    assert len((report / "latency.csv").read_text().splitlines()) == 1, "its head alone"
    assert len(list(report.glob("sustained-*.svg"))) == 1
    assert "## Burst and sustained" in (report / "report.md").read_text()
    assert "last / first" in capsys.readouterr().out


def test_json_has_long_sessions_under_a_name_of_their_own(
    sustained_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sustained_run("--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["cells"] == []
    (row,) = printed["sustained"]
    assert (row["variant"], row["samples"], row["capped"]) == ("one", SHORT, False)


@pytest.mark.slow
def test_an_ordinary_run_does_not_take_a_long_session_for_its_own(
    sustained_run: Run, plain_run: Run, tmp_path: Path
) -> None:
    assert sustained_run() == 0
    assert plain_run("--preset", "quick", "--variant", "one", "--batch", "1") == 0
    with (tmp_path / "results/report/latency.csv").open(newline="") as file:
        assert [row["preset"] for row in csv.DictReader(file)] == ["quick"]
    assert (tmp_path / "results/report/sustained.csv").is_file()


@pytest.mark.parametrize("text", ["3s", "2h", "soon"])
def test_a_duration_that_can_not_be_is_refused_before_anything_is_written(
    plain_run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert plain_run("--sustained", text) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"bench: --sustained {text}: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "results").exists()
