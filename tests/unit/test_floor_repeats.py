"""Which of latency and floor repeats better over stored runs."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from statistics import stdev

import pytest

from bench.analysis.series import StoredRun
from scripts import floor_repeats
from tests.fakes.records import of_sessions, paced, put, record, stored, system

SLOW_BURSTS = ([2.0] * 4, [3.0] * 4, [2.4] * 4)


def run(number: int, slow_bursts_ms: list[float]) -> StoredRun:
    """A run whose machine is at its best for 2 bursts of 2 ms, and then slow for others."""
    one = paced([2.0, 2.0, *slow_bursts_ms], [100, 100, *[150] * len(slow_bursts_ms)])
    cell = of_sessions(one, one)
    day = f"2024050{number}T120000Z-0badc0de-0000000{number}"
    started = f"2024-05-0{number}T12:00:00+00:00"
    return stored(cell, record(batch=4), run_id=day, started=started)


def test_both_statistics_of_a_cell_are_spread_over_its_runs() -> None:
    found = floor_repeats.repeats([run(at + 1, slow) for at, slow in enumerate(SLOW_BURSTS)])
    moved, old = found
    assert moved.latencies_ms == pytest.approx([2.0, 3.0, 2.4])
    assert moved.latency_sd == pytest.approx(stdev(map(math.log, [2.0, 3.0, 2.4])))
    assert moved.floors_ms == [2.0, 2.0, 2.0]
    assert (moved.floor_sd, moved.ratio) == (0.0, 0.0)
    assert (old.floors_ms, old.floor_sd, old.ratio) == ([], None, None)
    assert floor_repeats.summary(found).startswith("The floor repeats better in 1 of 1 cells")
    assert "nothing to compare" in floor_repeats.summary([old])


def test_a_cell_of_one_run_or_of_two_systems_does_not_repeat() -> None:
    assert floor_repeats.repeats([run(1, [2.0])]) == []
    other = run(2, [2.0])
    elsewhere = StoredRun(
        manifest=other.manifest, system=system(system_id="other-1c-0123abcd"), records=other.records
    )
    assert floor_repeats.repeats([run(1, [2.0]), elsewhere]) == []


def test_the_script_takes_results_folders_and_folders_of_single_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = put(run(1, SLOW_BURSTS[0]), tmp_path / "a")
    put(run(2, SLOW_BURSTS[1]), tmp_path / "b")
    arguments = ["floor_repeats.py", str(first), str(tmp_path / "b"), "--json"]
    monkeypatch.setattr(sys, "argv", arguments)
    floor_repeats.main()
    told = json.loads(capsys.readouterr().out)
    assert told["cells"][0]["latencies_ms"] == [2.0, 3.0]
    monkeypatch.setattr(sys, "argv", arguments[:2])
    with pytest.raises(SystemExit, match="two of these runs"):
        floor_repeats.main()
