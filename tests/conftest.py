"""Fixtures that all tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from bench.cli.main import main
from bench.config.project import default_cache
from bench.core.errors import Unavailable
from bench.core.paths import PROJECT
from bench.environments import inspection
from bench.environments.inspection import Interpreter
from bench.environments.interpreters import Environments
from bench.experiments.context import Tables
from bench.launcher.environment import dropped
from tests.fakes import tables as fakes
from tests.turn import turn

# A loaded machine is no fault of the code: no example fails for its duration.
# No time limit, which a loaded machine would miss, and the same examples on every run.
# For many more: `make test ARGS=--hypothesis-profile=thorough`.
settings.register_profile("few", deadline=None, derandomize=True, max_examples=30)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("few")

HERE = Path(__file__).parent
FAKE_SUITE = HERE / "fakes" / "suite.toml"
PLAIN_CATALOGUE = """
[models.one]
factory = "fake:net"
input = [3, 8, 8]

[models.second]
factory = "fake:net"
input = [3, 8, 8]
"""
# Folders whose files take longest come first, so that no worker is left with one of them at last.
_ORDER = ("engine", "device", "browser", "contract", "cli", "plugins", "golden", "unit")


def pytest_configure(config: pytest.Config) -> None:
    """Spare the disk: no test cuts the power, and a write waits for the disk longer than all else.

    Programs that a test starts still wait. What the shell has that shifts figures goes: a run would
    name it.
    """
    os.environ.pop("COLUMNS", None)  # set by pytest-xdist; what is printed would be cut to it
    os.fsync = lambda fd: None
    locks = tempfile.TemporaryDirectory(prefix="bench-locks-")  # of this worker of pytest-xdist
    config.add_cleanup(locks.cleanup)
    os.environ["XDG_RUNTIME_DIR"] = locks.name
    for name in dropped(()):
        del os.environ[name]
    _ask_once()


def _ask_once() -> None:
    """Have this process's own interpreter asked for its packages once, and not by each test."""
    ask, own = inspection.describe, sys.executable

    @cache
    def asked(name: str) -> Interpreter:
        return ask(name, Path(own))

    def describe(name: str, python: Path) -> Interpreter:
        return asked(name) if str(python) == own else ask(name, python)

    inspection.describe = describe


@pytest.hookimpl(tryfirst=True)  # before -m selects by the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files in order, and mark what needs an engine as slow."""
    for item in items:
        if any(map(item.get_closest_marker, ("engine", "gpu_env"))):
            item.add_marker("slow")
    items.sort(key=lambda item: _ORDER.index(item.path.relative_to(HERE).parts[0]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test marked `serial` while no other worker of pytest-xdist runs one."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    with turn(PROJECT / "build" / "tests", alone=item.get_closest_marker("serial") is not None):
        return (yield)


@pytest.fixture(scope="session")
def environments() -> Environments:
    """The engines' real environments, built once and kept in the user's cache.

    PyTorch is taken from the system's Python where that has it (Debian: python3-torch).
    """
    python = Path("/usr/bin/python3")
    has_torch = (
        python.exists()
        and not subprocess.run(
            [python, "-c", "import torch"], capture_output=True, check=False
        ).returncode
    )
    return Environments(default_cache(), given={"torch": python} if has_torch else {})


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
