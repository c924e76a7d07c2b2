"""What the tests of a run's progress share."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.storage.run_folders import RunFolder
from tests.fakes.values import cell, manifest

CELLS = tuple(cell(variant=name, model_hash=name) for name in "abc")
A, B, C = CELLS


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.write_manifest(manifest())
    return folder


def finished(run: RunFolder) -> set[str]:
    return {path.stem for path in (run.path / "cells").glob("*.json")}
