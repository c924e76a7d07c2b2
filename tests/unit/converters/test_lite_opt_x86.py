"""The converter whose opt runs in an interpreter of its own, with a stand-in for that opt."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from bench.converters import lite_opt_x86
from bench.core.errors import ArtifactError, Unavailable
from bench.core.protocol import ENGINE_PYTHON
from bench.launcher.engine_process import EngineLost
from tests.fakes.lite_x86 import interpreter

MonkeyPatch = pytest.MonkeyPatch
X86 = {"target": "x86"}
CONTENT = "a program+its weights for x86"


@pytest.fixture(autouse=True)
def _python(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_PYTHON, str(interpreter(tmp_path / "engine")))


@pytest.fixture
def source(tmp_path: Path) -> dict[str, str]:
    return written(tmp_path, "a program", "its weights")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (folder := tmp_path / "out").mkdir()
    return folder


def written(folder: Path, program: str, weights: str) -> dict[str, str]:
    (folder / "model.pdmodel").write_text(program)
    (folder / "model.pdiparams").write_text(weights)
    return {"model": str(folder / "model.pdmodel"), "params": str(folder / "model.pdiparams")}


def test_the_file_is_what_opt_makes_of_the_program_for_that_target(
    source: dict[str, str], out: Path
) -> None:
    before = Path.cwd()
    facts = lite_opt_x86.convert(source, X86, out)
    assert {path.name: path.read_text() for path in out.iterdir()} == {"model.nb": CONTENT}
    assert facts == {
        "paddlelite": "9.9",
        "target": "x86",
        "bytes": len(CONTENT),
        "sha256_body": hashlib.sha256(CONTENT[18:].encode()).hexdigest(),
    }
    assert Path.cwd() == before


def test_an_opt_that_falls_over_is_told_of(
    source: dict[str, str], out: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN_FALLS", "opt")
    with pytest.raises(EngineLost, match="died of SIGSEGV"):
        lite_opt_x86.convert(source, X86, out)


def test_an_opt_that_makes_no_file_is_not_believed(tmp_path: Path, out: Path) -> None:
    source = written(tmp_path, "nothing", "nothing")
    with pytest.raises(ArtifactError, match=r"made no \.nb file"):
        lite_opt_x86.convert(source, X86, out)


def test_what_is_no_program_is_refused_before_anything_is_started(
    tmp_path: Path, source: dict[str, str], out: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.delenv(ENGINE_PYTHON)
    (pir := tmp_path / "model.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"reads \.pdmodel only"):
        lite_opt_x86.convert({**source, "model": str(pir)}, X86, out)
    with pytest.raises(ArtifactError, match=r"gone is no file"):
        lite_opt_x86.convert({**source, "params": str(tmp_path / "gone")}, X86, out)


def test_an_interpreter_without_opt_is_unavailable(
    source: dict[str, str], out: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setenv(ENGINE_PYTHON, sys.executable)
    with pytest.raises(Unavailable, match="paddlelite can't be imported there"):
        lite_opt_x86.convert(source, X86, out)
