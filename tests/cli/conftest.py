"""What the command line's tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes import tables as fakes

PLAIN_CATALOGUE = """
[models.one]
factory = "fake:net"
input = [3, 8, 8]

[models.second]
factory = "fake:net"
input = [3, 8, 8]
"""


@pytest.fixture
def plain_models(tmp_path: Path) -> Path:
    """A models folder whose nets nobody published: their reports draw no plot and take no time."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "catalog.toml").write_text(PLAIN_CATALOGUE)
    (folder / "published.csv").write_bytes((fakes.MODELS / "published.csv").read_bytes())
    return folder


@pytest.fixture
def plain_run(bench_run: Callable[..., int], plain_models: Path) -> Callable[..., int]:
    """`bench_run` over those nets."""

    def call(*flags: str, **more: object) -> int:
        return bench_run("--models", str(plain_models), *flags, **more)

    return call
