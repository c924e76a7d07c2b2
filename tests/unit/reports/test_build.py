"""The runs of a store, read one at a time."""

from __future__ import annotations

from collections.abc import Reversible
from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis.brief import Brief
from bench.analysis.series import StoredRun, View
from bench.core.errors import BrokenResult
from bench.reports.build import StoredRuns, ViewedRuns, load_runs
from bench.storage import index
from bench.storage.index import Index
from bench.storage.run_folders import RunFolder
from bench.storage.schema.latency import RunManifest
from tests.fakes.records import put, record, stored, view


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


def test_runs_of_a_cell_come_with_its_record_alone(tmp_path: Path) -> None:
    one, other = record(), record(batch=4)
    put(stored(one, other, run_id="1"), tmp_path)
    put(stored(other, run_id="2"), tmp_path)
    runs = list(StoredRuns(tmp_path, None, [], [one.cell_id]))
    assert [(run.run_id, run.records) for run in runs] == [("1", (one,))]


def test_a_view_of_the_newest_runs_is_that_of_all(tmp_path: Path) -> None:
    _put_five(tmp_path)
    broken: list[BrokenResult] = []
    runs = list(ViewedRuns(tmp_path, broken))
    assert [type(run) for run in runs] == [Brief, StoredRun, Brief, StoredRun, StoredRun]
    assert _figures(runs) == _figures(load_runs(tmp_path, broken=[]))
    whole = list(ViewedRuns(tmp_path, broken, whole=["1"]))
    assert isinstance(whole[0], StoredRun)


def test_what_the_index_knows_isnt_read_and_shows_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_YOUNG_S", 0.0)
    _put_five(tmp_path / "results")
    (tmp_path / "results" / "runs" / "amd-epyc-2c-0123abcd" / "2" / "cells" / "x.json").touch()
    read = _count_reads(monkeypatch)
    for times, expected in ((1, ["5", "4", "3", "2", "1"]), (2, ["5", "4", "2"])):
        read.clear()
        broken: list[BrokenResult] = []
        runs = list(ViewedRuns(tmp_path / "results", broken, _index_of(tmp_path)))
        assert (times, read) == (times, expected)  # 2 is broken, 4 and 5 are shown
        assert [error.path.name for error in broken] == ["x.json"]
        assert _figures(runs) == _figures(load_runs(tmp_path / "results", broken=[]))


def test_a_record_that_is_broken_later_is_told_in_spite_of_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_YOUNG_S", 0.0)
    _put_five(tmp_path / "results")
    (path,) = (tmp_path / "results").glob("runs/*/1/cells/*.json")
    broken: list[BrokenResult] = []
    for _ in range(2):
        list(ViewedRuns(tmp_path / "results", broken, _index_of(tmp_path)))
    assert broken == []
    path.write_bytes(path.read_bytes()[:-9] + b"123456789")
    list(ViewedRuns(tmp_path / "results", broken, _index_of(tmp_path)))
    assert [error.path for error in broken] == [path]


def _index_of(folder: Path) -> Index:
    return Index.of(folder / "results", folder / "cache")


def _put_five(results: Path) -> None:
    """Store five runs; 1 and 3 have nothing that 5 lacks, 2 has a cell and 4 isn't complete."""
    one, other = record(), record(batch=4)
    put(stored(one, run_id="1"), results)
    put(stored(record(batch=8), run_id="2"), results)
    put(stored(other, one, run_id="3"), results)
    put(stored(one, run_id="4", status="interrupted"), results)
    put(stored(one, other, run_id="5"), results)


def _figures(runs: Reversible[StoredRun | Brief]) -> View:
    return replace(view(*runs), manifests={})


def _count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that takes the id of each run whose manifest is read."""
    read: list[str] = []
    manifest = RunFolder.manifest

    def counted(folder: RunFolder) -> RunManifest:
        read.append(folder.path.name)
        return manifest(folder)

    monkeypatch.setattr(RunFolder, "manifest", counted)
    return read
