"""What the unit tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.storage.run_folders import RunFolder
from bench.storage.store import Store
from tests.fakes.values import SYSTEM, manifest
from tests.fakes.workshop import Bench


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that has begun and holds nothing yet."""
    return Store(tmp_path / "results").create(manifest(), SYSTEM)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "cache")
