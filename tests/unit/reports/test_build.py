"""The runs of a store, read one at a time."""

from __future__ import annotations

from pathlib import Path

from bench.core.errors import BrokenResult
from bench.reports.build import StoredRuns, load_runs
from tests.fakes.records import put, record, stored


def test_runs_are_read_when_their_turn_comes_from_either_end(tmp_path: Path) -> None:
    for run_id in ("1", "2", "3"):
        put(stored(record(), run_id=run_id), tmp_path)
    (path,) = tmp_path.glob("runs/*/2/cells/*.json")
    path.write_text("{")
    broken: list[BrokenResult] = []
    runs = reversed(StoredRuns(tmp_path, None, broken))
    assert (next(runs).manifest.run_id, broken) == ("3", [])
    assert next(runs).records == ()
    assert [error.path for error in broken] == [path]
    assert [run.manifest.run_id for run in load_runs(tmp_path, broken=[])] == ["1", "2", "3"]
