"""The index of a results folder: what it knows of a run holds only while the run is as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.storage import index
from bench.storage.index import Index, stamp_of


@pytest.fixture(autouse=True)
def _files_of_just_now_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_YOUNG_S", 0.0)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "results" / "runs" / "system" / "1"
    (folder / "cells").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (folder / "cells" / "a.json").write_text("{}")
    return folder


def _index(tmp_path: Path) -> Index:
    return Index.of(tmp_path / "results", tmp_path / "cache")


def _saved(tmp_path: Path, run: Path) -> Index:
    """Return an index that was written with an entry of `run`, read again."""
    first = _index(tmp_path)
    assert first.get(run, stamp_of(run)) is None
    first.put(run, stamp_of(run), b"brief")
    first.save()
    return _index(tmp_path)


def test_an_entry_is_there_the_next_time(tmp_path: Path, run: Path) -> None:
    assert _saved(tmp_path, run).get(run, stamp_of(run)) == b"brief"


def _add_a_cell(run: Path) -> None:
    (run / "cells" / "b.json").write_text("{}")


def _write_the_same(run: Path) -> None:
    path = run / "cells" / "a.json"
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:  # the file system's clock ticks every few ms
        path.write_text("{}")


def _replace_the_manifest(run: Path) -> None:
    (run / "new").write_text("{}")
    (run / "new").rename(run / "run.json")


def _lose_the_cells(run: Path) -> None:
    (run / "cells" / "a.json").unlink()
    (run / "cells").rmdir()


@pytest.mark.parametrize(
    "change", [_add_a_cell, _write_the_same, _replace_the_manifest, _lose_the_cells]
)
def test_nothing_is_known_of_a_run_that_was_changed(
    tmp_path: Path, run: Path, change: Callable[[Path], None]
) -> None:
    again = _saved(tmp_path, run)
    change(run)
    assert again.get(run, stamp_of(run)) is None


def test_a_file_beside_the_run_counts_too(tmp_path: Path, run: Path) -> None:
    system = tmp_path / "system.json"
    system.write_text("{}")
    before = stamp_of(run, system)
    system.write_text("{ }")
    assert before not in {b"", stamp_of(run, system)}
    system.unlink()
    assert stamp_of(run, system) == b""


def test_other_code_makes_other_entries(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stamp_of(run)
    monkeypatch.setattr(index, "_code", lambda: b"other")
    assert stamp_of(run) != before


def test_a_run_of_just_now_isnt_kept(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_YOUNG_S", 3600.0)
    assert _saved(tmp_path, run).get(run, stamp_of(run)) is None
    assert not (tmp_path / "cache").exists()


def test_a_run_that_is_gone_leaves_the_index(tmp_path: Path, run: Path) -> None:
    _saved(tmp_path, run).save()  # nobody had a use for the entry
    assert _index(tmp_path).get(run, stamp_of(run)) is None


@pytest.mark.parametrize("data", [b"", b"no database at all, and long enough to be read as one"])
def test_a_file_that_is_no_index_is_made_again(tmp_path: Path, run: Path, data: bytes) -> None:
    path = _saved(tmp_path, run).path
    path.write_bytes(data)
    assert _index(tmp_path).get(run, stamp_of(run)) is None
    for _ in range(2):  # the first time may only remove the file
        known = _index(tmp_path)
        known.put(run, stamp_of(run), b"brief")
        known.save()
    assert _index(tmp_path).get(run, stamp_of(run)) == b"brief"


def test_a_value_of_another_type_counts_as_nothing(tmp_path: Path, run: Path) -> None:
    with sqlite3.connect(_saved(tmp_path, run).path) as database:
        database.execute("UPDATE runs SET value = 7")
    database.close()
    assert _index(tmp_path).get(run, stamp_of(run)) is None


def test_a_cache_that_cant_be_written_is_done_without(tmp_path: Path, run: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    assert _saved(tmp_path, run).get(run, stamp_of(run)) is None
