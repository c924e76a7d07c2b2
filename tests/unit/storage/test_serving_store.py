"""A stored run of loads: its journal, its seals, and LoadGen's logs."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.core.errors import BrokenResult
from bench.storage.run_folders import ServingFolder
from bench.storage.schema.serving import ServingLine
from bench.storage.store import Store
from tests.fakes import servings as fakes
from tests.fakes.records import system

LOGS = {"mlperf_log_summary.txt": b"Result is : VALID\n", "mlperf_log_detail.txt": b":::MLLOG {}\n"}


@pytest.fixture
def folder(tmp_path: Path) -> ServingFolder:
    run = fakes.stored(fakes.load("offline"))
    stored = ServingFolder.create(Store(tmp_path), run.manifest, system())
    (line,) = run.lines
    assert line.load is not None
    digests = stored.write_logs(line.load_id, LOGS)
    load = line.load.model_copy(update={"logs": digests})
    stored.append(ServingLine(load_id=line.load_id, load=load))
    return stored


def test_what_was_written_is_read_again(folder: ServingFolder) -> None:
    (line,) = folder.journal()
    assert line.load is not None
    assert line.load.loadgen == fakes.loadgen()
    broken: list[BrokenResult] = []
    folder.check_logs(broken)
    assert broken == []


@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_is_another_or_gone_is_named(name: str, folder: ServingFolder) -> None:
    (path,) = folder.path.glob(f"loadgen/*/{name}")
    path.write_bytes(b"Result is : VALID, really\n")
    broken: list[BrokenResult] = []
    folder.check_logs(broken)
    path.unlink()
    folder.check_logs(broken)
    assert [it.path for it in broken] == [path, path]
    assert "No such file" in str(broken[1])


def test_a_line_has_one_outcome() -> None:
    with pytest.raises(ValidationError, match="no outcome, or more than one"):
        ServingLine(load_id="x")
    with pytest.raises(ValidationError, match="no outcome, or more than one"):
        ServingLine(load_id="x", load=fakes.load(), cost=fakes.cost((1, 2)))
