"""`bench selftest` with stand-ins: sessions of known medians, through the harness's own loop."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cli.commands import selftest as verb
from bench.cli.main import main
from bench.experiments.context import Options
from bench.launcher.process import ChildFailed, ChildResult, Replied, run_child
from bench.storage.store import Store
from tests.cli.launches import interrupt, nothing
from tests.cli.process import ROOT
from tests.fakes import tables as fakes
from tests.fakes.records import put, record, stored

SLOWER = 1.2
SD = 0.02


@dataclass
class Simulated:
    """Answers for each session with a median drawn around its arm's; `event` after some sessions.

    Models are made by real children.
    """

    slower: float = SLOWER
    after: int = -1
    event: Callable[[], None] = nothing
    failing: str = ""
    requests: list[Any] = field(default_factory=list)

    def __call__(self, request: Any, **how: Any) -> ChildResult:
        if request["operation"] != "measure":
            return run_child(request, **how)
        if len(self.requests) == self.after:
            self.event()
        self.requests.append(request)
        variant = request["cell"]["variant"]
        if variant == self.failing:
            return ChildFailed(kind="error", message="it fell", hint="see log_tail")
        return Replied(value=self._session(variant), pid=1, wall_ns=10**9)

    def _session(self, variant: str) -> dict[str, Any]:
        centre = 2e6 * (self.slower if variant == "slower" else 1.0)
        factor = np.random.default_rng(len(self.requests)).normal(1.0, SD)
        return {
            "load_ns": 1, "first_inference_ns": 1, "relative_l2": 0.0, "steady": True,
            "warmup_ns": [1], "samples_ns": [round(centre * factor)] * 9,
            "facts": {"engine": "fake 1.0"}, "covariates": {},
        }  # fmt: skip


Call = Callable[..., int]


@pytest.fixture
def selftest(tmp_path: Path) -> Call:
    def call(*flags: str, launch: Simulated | None = None) -> int:
        where = ("--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache"))
        tables = replace(fakes.tables(), launch=launch or Simulated())
        return main(["selftest", *where, *flags], tables)

    return call


def only_run(tmp_path: Path) -> Any:
    (run,) = Store(tmp_path / "results").runs()
    return run


def test_three_arms_are_measured_once_a_round_in_random_order_and_kept(
    selftest: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = Simulated()
    assert selftest("--seed", "3", launch=launch) == 0
    order = [request["cell"]["variant"] for request in launch.requests]
    rounds = [tuple(order[i : i + 3]) for i in range(0, 36, 3)]
    assert [sorted(one) for one in rounds] == [["again", "base", "slower"]] * 12
    assert len(set(rounds)) > 2
    manifest = only_run(tmp_path).manifest()
    assert (manifest.suite, manifest.status, manifest.seed) == ("selftest", "complete", 3)
    assert manifest.sampling.sessions == 12
    assert {len(one.sessions) for one in only_run(tmp_path).records()} == {12}
    cells = [request["cell"] for request in launch.requests]
    assert {(c["runner"], c["batch"], c["threads"]) for c in cells} == {("paddle", 1, 1)}
    assert "wrote" not in capsys.readouterr().out


def test_a_session_samples_as_the_standard_preset_does(selftest: Call) -> None:
    from bench.config.suite import load_suite

    launch = Simulated()
    selftest("--sessions", "6", launch=launch)
    standard = load_suite("cpu").sampling("standard")
    wanted = replace(standard, sessions=6, max_sessions=None, half_width=None, laps=None)
    assert {json.dumps(one["sampling"]) for one in launch.requests} == {
        json.dumps(wanted.to_json())
    }


def test_the_text_is_a_short_table_with_a_closing_sentence(
    selftest: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert selftest() == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert len(lines) < 20
    assert max(map(len, lines[:-1])) <= 120  # the last one is the run's path
    assert "told apart; its MACs are +0.0%" in out
    assert "On this machine 5 sessions tell slowdowns from" in lines[-3]


def test_json_has_all_figures(selftest: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert selftest("--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["told_apart"] is True
    assert told["slower"]["low"] < SLOWER < told["slower"]["high"]
    assert told["equal"]["low"] < 1 < told["equal"]["high"]
    assert (told["sessions"], told["naive"]["of"]) == (24, 24)
    assert told["coverage"]["median"]["of"] == 1000
    assert 0.85 < told["coverage"]["median"]["share"] <= 1
    assert told["alarms"]["welch"]["in_time"]["of"] == 2
    assert told["alarms"]["welch"]["in_time"]["interval"][1] > 0.8
    assert told["detections"]["share"] == 1
    assert list(told["tells"]) == ["5", "10"]
    assert told["macs_growth"] == 0
    assert "noise" in told["sentence"]


def test_a_net_that_is_no_slower_is_not_told_apart(
    selftest: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert selftest(launch=Simulated(slower=1.0)) == 0
    assert "not told apart" in capsys.readouterr().out


def test_a_stored_run_is_weighed_again_to_the_same_figures_and_nothing_is_measured(
    selftest: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    selftest("--json")
    first = capsys.readouterr().out
    for name in ("latest", only_run(tmp_path).path.name):
        launch = Simulated()
        assert selftest("--from", name, "--json", launch=launch) == 0
        assert capsys.readouterr().out == first
        assert launch.requests == []


def test_latest_is_the_newest_self_test_whatever_ran_since(
    selftest: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    selftest("--sessions", "6", "--json")
    first = capsys.readouterr().out
    put(stored(record(), run_id="99990101T000000Z-0badc0de-00000001"), tmp_path / "results")
    assert selftest("--from", "latest", "--json") == 0
    assert capsys.readouterr().out == first


def test_a_run_of_another_suite_is_no_self_test(
    selftest: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = put(stored(record()), tmp_path / "results")
    assert selftest("--from", run.name) == 2
    assert "there is no self-test yet" in capsys.readouterr().err


@pytest.mark.slow
def test_its_figures_stay_out_of_the_report_and_have_a_page_of_their_own(
    selftest: Call, tmp_path: Path
) -> None:
    selftest("--sessions", "6")
    run, results = only_run(tmp_path).path, tmp_path / "results"
    put(stored(record()), results)
    where = ["report", "--results", str(results), "--models", str(fakes.MODELS)]
    assert main(where) == 0
    assert variants(results / "report") == {"x0_25"}
    assert "slower" not in (results / "report/report.md").read_text()
    assert "slower" not in (results / "report/costs.csv").read_text()
    assert main([*where, "--run", run.name]) == 0
    assert variants(run / "report") == {"base", "again", "slower"}


def variants(folder: Path) -> set[str]:
    with (folder / "latency.csv").open(newline="") as file:
        return {row["variant"] for row in csv.DictReader(file)}


def test_an_interrupted_self_test_says_how_to_go_on_and_does(
    selftest: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = Simulated(after=7, event=interrupt)
    assert selftest("--sessions", "6", launch=first) == 130
    name = only_run(tmp_path).path.name
    told = capsys.readouterr().err
    assert f"  python -m bench selftest --resume {name} --results" in told
    assert "--models" not in told.partition("--resume")[2]
    assert selftest("--from", name) == 2
    assert f"self-test {name} isn't complete: go on with it" in capsys.readouterr().err
    rest = Simulated()
    assert selftest("--resume", "latest", launch=rest) == 0
    assert len(first.requests) + len(rest.requests) == 18
    assert "On this machine" in capsys.readouterr().out


def test_an_arm_without_a_figure_ends_1_and_says_why(
    selftest: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert selftest("--sessions", "6", launch=Simulated(failing="slower")) == 1
    out, err = capsys.readouterr()
    assert "failed (error): it fell" in err
    assert out == ""


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--sessions", "5"], "--sessions 5: not a whole number from 6 on"),
        (["--sessions", "6,7"], "--sessions 6,7: not a whole number from 6 on: as in --sessions 6"),
        (["--threads", "1,2"], "--threads 1,2: "),
        (["--runner", "paddle,other"], "--runner paddle,other: a self-test is of one"),
        (["--runner", "padle"], "there is no runner 'padle'"),
    ],
)
def test_a_flag_that_can_not_be_is_refused_before_anything_is_written(
    flags: list[str],
    told: str,
    selftest: Call,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert selftest(*flags) == 2
    assert told in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_other_nets_can_be_put_in_the_arms_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    models.mkdir()
    entry = '[models.{}]\nfactory = "fake:net"\ninput = [3, 8, 8]\n'
    text = "".join(entry.format(name) for name in ("base", "again", "slower"))
    (models / "catalog.toml").write_text(text)
    launch = Simulated()
    options = Options(results=tmp_path / "results", cache=tmp_path / "cache", own={"sessions": 6})
    tables = replace(fakes.tables(), launch=launch)
    assert verb.run(options, tables, models=models) == 0
    assert {request["cell"]["input"] for request in launch.requests} == {"3x8x8"}


def simulate(results: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "coverage_simulation.py"
    return subprocess.run(
        [sys.executable, str(script), "--results", str(results)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_coverage_script_takes_equal_nets_as_one_and_cells_with_enough_sessions(
    selftest: Call, tmp_path: Path
) -> None:
    selftest("--sessions", "6")
    few, enough = ([[2.0 + 0.01 * i * i % 0.07] for i in range(count)] for count in (7, 8))
    results = tmp_path / "results"
    put(stored(record("x0_25", samples_ms=few), record("x0_5", samples_ms=enough)), results)
    done = simulate(results)
    other, equal, pooled = done.stdout.splitlines()
    assert "8 sessions of 20240501" in other
    assert "12 sessions of" in equal
    assert "base and again" in equal
    assert "of 2000 draws of 5" in pooled
    assert done.returncode == int("below" in pooled)


def test_the_coverage_script_says_where_no_cell_has_enough_sessions(tmp_path: Path) -> None:
    done = simulate(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "has 8 sessions" in done.stderr
