"""Fixtures that all tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from bench.cli.main import main
from bench.config.project import default_cache
from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments
from bench.experiments.context import Tables
from tests.fakes import tables as fakes

# A loaded machine is no fault of the code: no example fails for its duration.
# No time limit, which a loaded machine would miss, and the same examples on every run.
settings.register_profile("untimed", deadline=None, derandomize=True)
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """tmp_path/results as a file system of its own of 256 KiB."""
    folder = tmp_path / "results"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system takes root and mount")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
