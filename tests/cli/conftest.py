"""What the command line's tests share."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.main import main
from tests.cli.turns import Ab
from tests.cli.verifying import Place
from tests.conftest import FAKE_SUITE, PLAIN_CATALOGUE
from tests.fakes import tables as fakes
from tests.fakes.records import put, record, stored


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line with which a command refuses, in this process."""

    def call(*argv: str | Path) -> str:
        status, (out, err) = main([*map(str, argv)]), capsys.readouterr()
        assert (status, out) == (2, ""), err
        (line,) = (line for line in err.splitlines() if line.startswith("bench: "))
        return str(line)

    return call


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder with a run in it."""
    put(stored(record("mine"), record("mine", batch=4)), tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two nets with its models and cache: copy it before you change it."""
    root = tmp_path_factory.mktemp("measured")
    (root / "models").mkdir()
    (root / "models/catalog.toml").write_text(PLAIN_CATALOGUE)
    (root / "models/fake.py").write_text("def net(): ...\n")
    shutil.copy(fakes.MODELS / "published.csv", root / "models")
    where = Place(root, None).flags()  # type: ignore[arg-type]
    argv = ["run", "--suite", str(FAKE_SUITE), "--preset", "quick", *where]
    assert main(argv, fakes.tables()) == 0
    return root


@pytest.fixture
def place(measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(Path(shutil.copytree(measured, tmp_path / "here")), capsys)


@pytest.fixture
def ab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ab:
    """Live comparisons of fake arms, in a folder of their own."""
    return Ab(tmp_path, capsys)


@pytest.fixture
def here(tmp_path: Path) -> list[str]:
    """Flags for the fake models, and a results folder that isn't there."""
    return ["--models", str(fakes.MODELS), "--results", str(tmp_path / "results")]
