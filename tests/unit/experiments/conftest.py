"""What the tests of the experiments share."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.environments.interpreters import Environments


@pytest.fixture
def environments(tmp_path: Path) -> Environments:
    """Environments of which none but the harness's own is built."""
    return Environments(tmp_path)
