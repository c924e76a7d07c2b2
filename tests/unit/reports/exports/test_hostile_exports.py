"""Every format, over runs of somebody who means harm: its readers get text, and no more of it."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
import pandas as pd
import pyperf  # type: ignore[import-untyped]
import pytest

from bench.cli.main import main
from bench.storage.store import Store
from tests.fakes.hostile import STORABLE, put_poisoned
from tests.fakes.reading import hidden
from tests.fakes.records import failed, record, stored, system


@pytest.fixture
def results(tmp_path: Path) -> Path:
    run = stored(record("x0_25"), record("x1_0", outcome=failed()), on=system(emulated=True))
    put_poisoned(run, STORABLE, tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def out(results: Path, tmp_path: Path) -> Path:
    del results
    return tmp_path / "out"


def export(name: str, out: Path) -> None:
    where = ["--results", str(out.parent / "results")]
    assert main(["export", "--to", name, str(out), *where]) == 0


def test_csv_has_a_row_a_cell_and_no_formula(out: Path) -> None:
    export("csv", out)
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 3
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not [it for row in rows for it in row if it.startswith(tuple("=+-@\t\r"))]


def test_tables_keep_the_text_as_it_is(out: Path) -> None:
    heading = Store(out.parent / "results").systems()[0].heading
    export("parquet", out)
    assert set(pd.read_parquet(out)["system"]) == {heading}
    out.unlink()
    export("sqlite", out)
    with closing(sqlite3.connect(out)) as database:
        assert database.execute("SELECT system FROM systems").fetchall() == [(heading,)]
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("name", ["pyperf", "pytest-benchmark", "github-action-benchmark"])
def test_json_is_json_and_names_are_ids(
    name: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(name, out)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bench: left out, for there is no figure: x1_0-paddle")
    assert not hidden(line)
    made = json.loads(out.read_text())
    benchmarks = made if isinstance(made, list) else made["benchmarks"]
    (one,) = benchmarks
    named = one.get("name") or one["metadata"]["name"]
    assert named.removesuffix(" (emulated)") == record("x0_25").cell_id


def test_pyperf_takes_metadata_of_any_text(out: Path) -> None:
    export("pyperf", out)
    (one,) = pyperf.BenchmarkSuite.load(str(out)).get_benchmarks()
    assert "FORGED" in one.get_metadata()["system"]


def test_mlflow_takes_tags_of_any_text(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    export("mlflow", out)
    client = mlflow.MlflowClient(tracking_uri=out.as_uri())
    experiment = client.get_experiment_by_name("shufflenet-bench")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 3
    assert all("FORGED" in run.data.tags["system"] for run in runs)
