"""The runner of Paddle Lite on x86: its process holds a stand-in for the engine, or is one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.protocol import ENGINE_PYTHON
from bench.core.tensors import only
from bench.launcher.engine_process import EngineLost
from bench.runners.paddle_lite.x86 import PaddleLiteX86Runner, PaddleLiteX86Session
from tests.fakes.lite_x86 import interpreter
from tests.fakes.net import infer

MonkeyPatch = pytest.MonkeyPatch
CELL = Cell(variant="v", model_hash="m", runner="paddle-lite-x86", batch=1, threads=1)
MODEL = Path("/nowhere/model.nb")
X = np.arange(24, dtype=np.float32).reshape(1, 3, 2, 4)


@pytest.fixture
def python(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    path = interpreter(tmp_path / "engine")
    monkeypatch.setenv(ENGINE_PYTHON, str(path))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def diary(python: Path, tmp_path: Path, monkeypatch: MonkeyPatch) -> Callable[[], list[str]]:
    """Return what the stand-in was called for so far."""
    path = tmp_path / "diary"
    monkeypatch.setenv("STAND_IN_DIARY", str(path))
    return lambda: path.read_text().splitlines()


@pytest.mark.usefixtures("python")
def test_the_output_is_the_engines_whatever_it_prints() -> None:
    with PaddleLiteX86Runner().open(CELL, MODEL) as session:
        for x in (X, X + 1):
            output = only(session.infer({"x": x}))
            assert np.array_equal(output, infer(x))
            assert output.dtype == np.float32


@pytest.mark.usefixtures("python")
def test_the_facts_are_the_engines_and_its_interpreters() -> None:
    with PaddleLiteX86Runner().open(replace(CELL, threads=2), MODEL) as session:
        assert session.facts == {
            "engine": "paddlelite 9.9",
            "python": ".".join(map(str, sys.version_info[:3])),
            "threads": "2",
            "precision": "fp32",
        }


@pytest.mark.usefixtures("python")
def test_the_threads_in_force_are_those_that_the_engine_tells() -> None:
    with PaddleLiteX86Runner().open(replace(CELL, threads=3), MODEL) as session:
        assert session.facts["threads"] == "2", "the stand-in for MKL takes two at most"


def test_a_sample_is_the_input_copied_in_the_net_run_and_the_output_copied_out(
    diary: Callable[[], list[str]],
) -> None:
    inference = [f"{what}, collector off" for what in ("from_numpy", "run", "numpy")]
    with PaddleLiteX86Runner().open(CELL, MODEL) as session:
        session.infer({"x": X})
        samples = session.sample(2)
    assert diary() == ["open model.nb, collector on", *inference * 3]
    assert len(samples) == 2
    assert all(type(sample) is int and sample > 0 for sample in samples)


@pytest.mark.usefixtures("python")
def test_what_is_used_is_told_of_the_engines_process() -> None:
    with PaddleLiteX86Runner().open(CELL, MODEL) as session:
        assert session.pid != os.getpid()
        assert Path(f"/proc/{session.pid}/task").is_dir()
        session.infer({"x": X})
        before = session.usage()
        for _ in range(20):
            session.sample(100)
        after = session.usage()
    assert after.cpu_s > before.cpu_s > 0
    assert after.involuntary_switches >= before.involuntary_switches
    assert after.peak_rss_mib > 1


def test_a_precision_that_it_has_not_is_refused_before_anything_is_started(
    monkeypatch: MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENGINE_PYTHON, "/no/such/python")
    with (
        pytest.raises(Unavailable, match="paddle-lite-x86 runner has no fp16"),
        PaddleLiteX86Runner().open(replace(CELL, precision="fp16"), MODEL),
    ):
        pass


def test_an_interpreter_without_the_engine_is_unavailable(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(ENGINE_PYTHON, sys.executable)
    with (
        pytest.raises(Unavailable, match="paddlelite can't be imported there"),
        PaddleLiteX86Runner().open(CELL, MODEL),
    ):
        pass


@pytest.mark.usefixtures("python")
def test_an_engine_that_takes_no_number_of_threads_is_unavailable(
    monkeypatch: MonkeyPatch,
) -> None:
    monkeypatch.setenv("STAND_IN_LIBRARIES", "none")
    with (
        pytest.raises(Unavailable, match=r"no number of threads \(libiomp5\.so: no such file"),
        PaddleLiteX86Runner().open(CELL, MODEL),
    ):
        pass


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize("call", ["open model.nb", "run"])
def test_an_engine_that_falls_is_a_crash(call: str, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_FALLS", call)
    with (
        pytest.raises(EngineLost, match="SIGSEGV") as raised,
        PaddleLiteX86Runner().open(CELL, MODEL) as session,
    ):
        session.infer({"x": X})
    assert raised.value.kind == "crash"


def answering(answer: dict[str, Any], folder: Path) -> PaddleLiteX86Session:
    process: Any = SimpleNamespace(ready={}, pid=1, folder=folder, ask=lambda *_: answer)
    return PaddleLiteX86Session(process)


@pytest.mark.parametrize("answer", [{}, {"ns": [1, 2]}, {"ns": 3}, {"shape": [1]}])
def test_an_answer_of_another_form_is_garbage(answer: dict[str, Any], tmp_path: Path) -> None:
    session = answering(answer, tmp_path)
    with pytest.raises(EngineLost) as sampled:
        session.sample(3)
    with pytest.raises(EngineLost) as used:
        session.usage()
    assert {sampled.value.kind, used.value.kind} == {"garbage-reply"}
    if "shape" not in answer:
        with pytest.raises(EngineLost, match="it answered"):
            session.infer({"x": X})
