from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyarrow import parquet  # type: ignore[import-untyped]

import bench
from bench.reports.data.columns import LEVELS
from tests.fakes.records import put, record, stored, system
from tests.unit.reports.exports.conftest import BASE, HEAD, Export

TABLES = {"systems": 1, "runs": 2, "cells": 6, "sessions": 9, "samples": 70}


@pytest.mark.parametrize("level", LEVELS)
def test_a_csv_has_the_values_of_the_frame(
    level: str, export: Export, results: Path, tmp_path: Path
) -> None:
    assert export("--to", "csv", "--level", level, tmp_path / "out.csv") == 0
    made: Any = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    frame = bench.load(results, level)
    assert list(made.columns) == list(frame.columns)
    assert len(made) == len(frame)
    for name in frame.columns.intersection(["latency_ns", "session_latency_ns", "sample_ns"]):
        own = pd.to_numeric(made[name].replace("", None)).astype("Float64")
        pd.testing.assert_series_equal(own, frame[name].astype("Float64"))


def test_a_name_is_no_formula_and_no_row_of_a_csv(export: Export, tmp_path: Path) -> None:
    assert export("--to", "csv", tmp_path / "out.csv") == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert rows[0]["system"].startswith("'=cmd|")
    assert not [it for row in rows for it in row.values() if it.startswith(("=", "+", "-", "@"))]
    assert {row["outcome"] for row in rows if not row["latency_ns"]} == {
        "failed", "skipped", "measured",
    }  # fmt: skip


@pytest.mark.parametrize("level", LEVELS)
def test_parquet_gives_the_frame_back_with_units_and_provenance(
    level: str, export: Export, results: Path, tmp_path: Path
) -> None:
    assert export("--to", "parquet", "--level", level, tmp_path / "out.parquet") == 0
    frame = bench.load(results, level)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), frame)
    schema = parquet.read_schema(tmp_path / "out.parquet")
    about = json.loads(schema.metadata[b"shufflenet-bench"])
    assert (about["level"], about["runs"]) == (level, [BASE, HEAD])
    for column in LEVELS[level]:
        metadata = schema.field(column.name).metadata
        assert metadata[b"description"].decode() == column.text
        assert (metadata[b"unit"] == b"ns") == column.name.endswith("_ns")


@pytest.fixture
def database(export: Export, tmp_path: Path) -> Path:
    assert export("--to", "sqlite", tmp_path / "out.sqlite") == 0
    return tmp_path / "out.sqlite"


def _all(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_a_database_is_sound_and_holds_each_level_once(database: Path) -> None:
    assert _all(database, "PRAGMA integrity_check") == [("ok",)]
    assert _all(database, "PRAGMA foreign_key_check") == []
    counts = {it: len(_all(database, f"SELECT * FROM {it}")) for it in TABLES}  # noqa: S608
    assert counts == TABLES
    for above, name in (("runs", "cells"), ("cells", "sessions"), ("sessions", "samples")):
        keys = _all(database, f"PRAGMA foreign_key_list({name})")
        assert {row[2] for row in keys} == {above}
    told = {tuple(row) for row in _all(database, 'SELECT "table", name FROM columns')}
    own = {(it, row[1]) for it in TABLES for row in _all(database, f"PRAGMA table_info({it})")}
    assert told == own


def test_a_database_has_the_figures_of_the_frame_and_none_of_a_failure(
    database: Path, results: Path
) -> None:
    rows = _all(database, "SELECT run_id, cell_id, latency_ns, outcome FROM cells")
    frame = bench.load(results).set_index(["run_id", "cell_id"])
    assert len(rows) == len(frame)
    for run_id, cell_id, latency_ns, outcome in rows:
        own = frame.loc[(run_id, cell_id)]
        assert outcome == own["outcome"]
        assert latency_ns == (None if pd.isna(own["latency_ns"]) else own["latency_ns"])
    query = (
        "SELECT avg(session_latency_ns) FROM sessions JOIN cells USING (run_id, cell_id) "
        "JOIN runs USING (run_id) WHERE variant = 'x0_25' AND emulated IS NULL"
    )
    with pytest.raises(sqlite3.OperationalError, match="emulated"):
        _all(database, query)  # it is of systems
    query = query.replace("WHERE", "JOIN systems USING (system_id) WHERE").replace("IS NULL", "= 1")
    assert _all(database, query) == [(2_100_000.0,)]


def test_the_samples_of_a_database_are_those_of_the_frame_by_their_ids(
    database: Path, results: Path
) -> None:
    names = ["run_id", "cell_id", "session", "sample", "burst", "sample_ns", "counts"]
    query = f"SELECT {', '.join(names)} FROM all_samples"  # noqa: S608
    frame = bench.load(results, "sample")[names].astype(object)
    expected = frame.where(frame.notna(), None).itertuples(index=False, name=None)
    assert sorted(_all(database, query), key=str) == sorted(expected, key=str)


def test_two_records_of_one_id_are_refused_by_name(
    export: Export, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(stored(record("x0_5"), on=system(system_id="other-1"), run_id=HEAD), results)
    assert export("--to", "sqlite", tmp_path / "out") == 2
    assert "export one run with --run RUN" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
