"""What stands in results/ comes from what stands in results/: no figure without its samples."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

from bench.core.errors import BrokenResult
from bench.core.paths import PROJECT
from bench.reports import csv_tables
from bench.reports.build import load_runs, load_servings, view_of
from bench.reports.markdown import page

RESULTS = Path(__file__).resolve().parents[2] / "results"
FOLDERS = [RESULTS, RESULTS / "mobile"]
TABLES = [
    path
    for each in FOLDERS
    for path in sorted((each / "report").glob("*.csv"))
    if not path.with_suffix(".svg").is_file()  # that is the plot's data
]


def committed(folder: Path) -> set[str]:
    """Return the files in a results folder that git has, by their paths there."""
    done = subprocess.run(
        ["git", "ls-files", "."], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("no git checkout, so that which files are committed can't be told")
    return set(done.stdout.splitlines())


@pytest.mark.parametrize("folder", FOLDERS)
def test_there_are_tables(folder: Path) -> None:
    names = {path.name for path in TABLES if path.parent.parent == folder}
    assert names >= {"latency.csv", "costs.csv", "engines.csv"}


@pytest.mark.parametrize("table", [path for path in TABLES if path.name != "costs.csv"])
def test_the_record_behind_each_figure_is_committed(table: Path) -> None:
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {record_of(row) for row in rows} - committed(table.parent.parent) == set()


def record_of(row: dict[str, str]) -> str:
    """Return the file with the samples of a row, of a load the run's own."""
    if "scenario" in row:
        return f"serving/{row['system_id']}/{row['run_id']}/journal.jsonl"
    return f"runs/{row['system_id']}/{row['run_id']}/cells/{row['cell_id']}.json"


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_committed_run_is_complete_with_its_manifest_and_system(folder: Path) -> None:
    files = committed(folder)
    runs = {tuple(name.split("/")[1:3]) for name in files if name.startswith("runs/")}
    assert runs
    for system, run in runs:
        assert f"runs/{system}/{run}/run.json" in files
        assert f"systems/{system}.json" in files
        assert f"runs/{system}/{run}/journal.jsonl" not in files


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_table_is_what_comes_out_of_the_committed_samples(folder: Path) -> None:
    broken: list[BrokenResult] = []
    runs = load_runs(folder, broken=broken)
    committed_ids = {name.split("/")[2] for name in committed(folder) if name.startswith("runs/")}
    own = [run for run in runs if run.manifest.run_id in committed_ids]
    servings = load_servings(folder, broken=broken)
    ids = {name.split("/")[2] for name in committed(folder) if name.startswith("serving/")}
    assert {it.manifest.run_id for it in servings} == ids
    assert broken == []
    view = view_of(own, PROJECT / "models", servings=servings)
    files = csv_tables.write(view, folder / "report")
    assert set(files) == {path for path in TABLES if path.parent.parent == folder}
    for path, data in (files | page.write(view, folder / "report")).items():
        assert path.read_bytes() == data, path.name
