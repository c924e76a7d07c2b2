"""The tools that a file is for read it: pyperf, pytest-benchmark, MLflow."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow
import pyperf  # type: ignore[import-untyped]
import pytest
import pytest_benchmark.stats

import bench
from tests.unit.reports.exports.conftest import BASE, HEAD, Export


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def call(*argv: str | Path, cwd: Path) -> str:
    """Run a tool's own program; return what it prints."""
    words = [sys.executable, "-m", *map(str, argv)]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def exported(name: str, export: Export, folder: Path) -> tuple[Path, Path]:
    base, head = folder / "0001_base.json", folder / "0002_head.json"
    assert export("--to", name, "--run", BASE, base) == 0
    assert export("--to", name, "--run", HEAD, head) == 0
    return base, head


def test_pyperf_takes_the_file_with_its_sessions_and_warmups(export: Export, folder: Path) -> None:
    base, head = exported("pyperf", export, folder)
    suite = pyperf.BenchmarkSuite.load(str(base))
    one = next(it for it in suite.get_benchmarks() if it.get_name().startswith("x0_25"))
    assert (one.get_unit(), one.get_nrun(), one.get_nvalue()) == ("second", 2, 8)
    assert one.get_values()[:4] == (0.002, 0.002, 0.0022, 0.0022)
    assert [run.warmups for run in one.get_runs()] == [((1, 0.003), (1, 0.002))] * 2
    assert (one.get_loops(), one.get_dates()[0].isoformat()) == (1, "2024-05-01T12:00:05")
    metadata = one.get_metadata()
    assert (metadata["emulated"], metadata["run_id"]) == ("yes", BASE)
    assert (metadata["batch"], metadata["latency_ns"]) == (1, 2_100_000)
    stats = call("pyperf", "stats", base, cwd=folder)
    assert "Number of benchmarks: 2" in stats
    assert "Number of warmup per run: 2" in stats
    call("pyperf", "show", "--metadata", base, cwd=folder)
    assert "slower" in call("pyperf", "compare_to", base, head, cwd=folder)


def test_pytest_benchmark_compares_the_files(export: Export, folder: Path, results: Path) -> None:
    base, head = exported("pytest-benchmark", export, folder)
    table = call("pytest_benchmark", "compare", base, head, cwd=folder)
    assert "x0_5-paddle" in table
    assert "emulated" in table
    assert ": 3 tests" in table
    made = json.loads(base.read_text())
    reckoner: Any = pytest_benchmark.stats.Stats
    figures = bench.load(results, run=BASE).set_index("cell_id")["latency_ns"]
    for one in made["benchmarks"]:
        own, expected = one["stats"], reckoner()
        for value in own["data"]:
            expected.update(value)
        assert set(own) == {*expected.as_dict(), "data", "iterations"}
        for name in ("min", "max", "mean", "stddev", "rounds", "median", "ops", "total"):
            assert own[name] == pytest.approx(getattr(expected, name)), name
        assert own["min"] <= own["ld15iqr"] <= own["q1"] <= own["q3"] <= own["hd15iqr"]
        assert own["mean"] * 1e9 == pytest.approx(figures[one["param"]], abs=1)


def test_github_action_benchmark_gets_what_it_reads(
    export: Export, folder: Path, results: Path
) -> None:
    assert export("--to", "github-action-benchmark", "--run", BASE, folder / "out") == 0
    entries = json.loads((folder / "out").read_text())
    figures = bench.load(results, run=BASE).set_index("cell_id")
    assert len(entries) == 2
    for entry in entries:
        assert {type(entry[it]) for it in ("name", "unit", "extra", "range")} == {str}
        own = figures.loc[entry["name"].removesuffix(" (emulated)")]
        assert entry["name"].endswith(" (emulated)")
        assert (entry["unit"], entry["value"]) == ("ms", own["latency_ns"] / 1e6)
        assert f"run_id: {BASE}" in entry["extra"].splitlines()
        half_ms = float(entry["range"].removeprefix("± "))
        assert half_ms == pytest.approx(own["half_width_95_ns"] / 1e6, rel=1e-3)


@pytest.fixture
def store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder as a tracking store, the only local one of mlflow-skinny: others need SQLAlchemy."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    return str(folder / "mlruns")


def _runs(store: str) -> list[Any]:
    client = mlflow.MlflowClient(tracking_uri=Path(store).as_uri())
    experiment = client.get_experiment_by_name("shufflenet-bench")
    return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))


def test_mlflow_has_a_run_for_each_run_and_each_cell(
    export: Export, store: str, results: Path
) -> None:
    assert export("--to", "mlflow", store) == 0
    runs = _runs(store)
    tops = {it.info.run_name: it for it in runs if "mlflow.parentRunId" not in it.data.tags}
    assert set(tops) == {BASE, HEAD}
    own = [it for it in runs if it.data.tags.get("mlflow.parentRunId") == tops[BASE].info.run_id]
    frame = bench.load(results, run=BASE).set_index("cell_id")
    assert {it.info.run_name for it in own} == set(frame.index)
    for one in own:
        row = frame.loc[one.info.run_name]
        assert one.data.tags["emulated"] == "True"
        assert one.data.params["variant"] == row["variant"]
        if row["outcome"] == "measured" and row["preset"] != "sustained":
            assert one.info.status == "FINISHED"
            assert one.data.metrics["latency_ns"] == row["latency_ns"]
            assert one.data.tags["grade"] == row["grade"]
        elif row["outcome"] != "measured":
            assert (one.info.status, one.data.metrics) == ("FAILED", {})
            assert one.data.tags["reason"]
    client = mlflow.MlflowClient(tracking_uri=Path(store).as_uri())
    one = next(it for it in own if it.data.params["variant"] == "x0_25")
    assert [it.path for it in client.list_artifacts(one.info.run_id)] == [
        f"{one.info.run_name}.json"
    ]
    steps = client.get_metric_history(one.info.run_id, "session_latency_ns")
    assert statistics.fmean(it.value for it in steps) == one.data.metrics["latency_ns"]


def test_mlflow_takes_a_run_once_and_replaces_it_with_force(
    export: Export, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export("--to", "mlflow", "--run", HEAD, store) == 0
    first = {it.info.run_id for it in _runs(store)}
    assert export("--to", "mlflow", store) == 2
    assert f"run {HEAD} is in that store already" in capsys.readouterr().err
    assert {it.info.run_id for it in _runs(store)} == first
    assert export("--to", "mlflow", "--run", HEAD, "--force", store) == 0
    again = {it.info.run_id for it in _runs(store)}
    assert len(again) == len(first) == 2
    assert not again & first


def test_mlflow_has_all_of_an_export_or_nothing(
    export: Export, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise mlflow.exceptions.MlflowException("the disk is full")

    monkeypatch.setattr(mlflow.MlflowClient, "log_batch", broken)
    assert export("--to", "mlflow", store) == 2
    assert _runs(store) == []


def test_mlflow_takes_its_own_variable_and_says_what_a_store_needs(
    export: Export, store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export("--to", "mlflow") == 2
    assert "name its URI, or set MLFLOW_TRACKING_URI" in capsys.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", Path(store).as_uri())
    assert export("--to", "mlflow", "--run", HEAD) == 0
    assert len(_runs(store)) == 2
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    assert export("--to", "mlflow", "--run", BASE, f"{store}-2") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "a folder MLFLOW_ALLOW_FILE_STORE=true" in line
