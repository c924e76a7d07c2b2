"""Fixtures that all tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from bench.cli import main
from bench.environments import Environments
from bench.errors import Unavailable
from bench.options import Tables, default_cache
from tests.fakes import tables as fakes

# A loaded machine is no fault of the code: no example fails for its duration.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

FAKE_SUITE = Path(__file__).parent / "fakes" / "suite.toml"


@pytest.fixture(scope="session")
def environments() -> Environments:
    """The engines' real environments, built once and kept in the user's cache."""
    return Environments(default_cache())


@pytest.fixture(scope="session")
def paddle_python(environments: Environments) -> Path:
    return _python(environments, "paddle")


@pytest.fixture(scope="session")
def lite_python(environments: Environments) -> Path:
    return _python(environments, "lite")


def _python(environments: Environments, name: str) -> Path:
    try:
        return environments.get(name).python
    except Unavailable as error:
        pytest.skip(f"environment {name}: {error}")


@pytest.fixture
def bench_run(tmp_path: Path) -> Callable[..., int]:
    """`bench run` over the fake nets into tmp_path/results, its own cache beside it."""

    def call(*flags: str, tables: Tables | None = None) -> int:
        argv = [
            "run", "--suite", str(FAKE_SUITE), "--models", str(fakes.MODELS),
            "--results", str(tmp_path / "results"), "--cache", str(tmp_path / "cache"), *flags,
        ]  # fmt: skip
        return main(argv, tables or fakes.tables())

    return call
