"""The verbs that report read each stored file once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench.cli.console import conclude
from bench.cli.main import main
from bench.experiments.context import Options
from bench.storage import directory, files, run_folders
from bench.storage.files import Stored
from bench.storage.store import Store
from tests.fakes import tables as fakes
from tests.fakes.records import put, record, stored

MORE = "20240501T120000Z-0badc0de-00000002"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two runs of nets that no plot shows."""
    put(stored(record("mine"), record("mine", batch=4)), tmp_path / "results")
    put(stored(record("mine"), run_id=MORE), tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[Path]:
    """How often each run's file was read, by its path."""
    counted, read_as = Counter[Path](), files.read_as

    def counting(kind: type[Stored], path: Path, *, remedy: str, seal: str | None = None) -> Stored:
        counted[path] += "runs" in path.parts
        return read_as(kind, path, remedy=remedy, seal=seal)

    for module in (directory, run_folders):
        monkeypatch.setattr(module, "read_as", counting)
    return counted


@pytest.mark.parametrize("flags", [(), ("--explain",), ("--run", MORE, "--explain")])
def test_report_reads_each_file_once(
    results: Path, reads: Counter[Path], flags: tuple[str, ...]
) -> None:
    assert main(["report", "--results", str(results), "--models", str(fakes.MODELS), *flags]) == 0
    assert {path.name for path in reads} >= {"run.json"}
    assert set(reads.values()) <= {0, 1}


def test_the_end_of_a_run_reads_each_file_once(results: Path, reads: Counter[Path]) -> None:
    folder = Store(results).run(MORE)
    assert conclude(Options(results=results, models=fakes.MODELS), [folder], "") == 0
    assert sum(reads.values()) == 5
    assert set(reads.values()) <= {0, 1}
