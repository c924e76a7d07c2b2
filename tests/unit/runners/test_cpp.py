"""The runner of engines in C++: its program, compiled as the real ones are, holds a stand-in."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.protocol import ENGINE_PROGRAM
from bench.core.tensors import DTYPES
from bench.environments import native_programs
from bench.environments.interpreters import Environments
from bench.launcher.engine_process import EngineLost
from bench.runners.cpp import OUTPUTS, CppRunner, CppSession
from tests.fakes.cpp import MIRROR

MonkeyPatch = pytest.MonkeyPatch
CELL = Cell(
    variant="v", model_hash="m", runner="openvino-cpp", batch=1, threads=2,
    settings=(("finish", "high gloss"), ("other", "a")),
)  # fmt: skip
X = np.arange(24, dtype=np.float32).reshape(1, 3, 2, 4)


def compiled(cache: Path, compiler: str) -> Path:
    """Return the stand-in's program, compiled without a warning."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native_programs, "PROGRAMS", {"mirror": MIRROR})
        patch.setenv("CXX", f"{compiler} -Wall -Wextra -Werror")
        return Environments(cache).program("mirror", "harness")


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("cache"), native_programs.compiler()[0])


@pytest.fixture(autouse=True)
def _told(mirror: Path, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_PROGRAM, str(mirror))
    monkeypatch.chdir(tmp_path)


def of_types(**dtypes: str) -> Path:
    return Path(" ".join(f"{name}:{dtype}" for name, dtype in dtypes.items()))


def test_tensors_of_every_type_and_shape_go_there_and_back_by_name_and_in_order() -> None:
    feeds: dict[str, Any] = {it: np.array([[0, 1, 0]]).astype(it) for it in DTYPES}
    feeds |= {"scalar": np.array(7, np.int64), "none": np.zeros((2, 0, 3), np.float32)}
    feeds |= {"odd": np.arange(6, dtype=np.float64).reshape(2, 3).T}  # not contiguous
    model = of_types(**{name: str(array.dtype) for name, array in feeds.items()})
    with CppRunner().open(CELL, model) as session:
        outputs = session.infer(feeds)
    assert list(outputs) == list(feeds)
    for name, array in feeds.items():
        assert outputs[name].dtype == array.dtype
        np.testing.assert_array_equal(outputs[name], array)


def test_the_facts_are_the_programs_and_the_cell_reaches_it() -> None:
    with CppRunner().open(CELL, of_types(x="float32")) as session:
        facts = dict(session.facts)
    assert facts.pop("compiler")
    assert facts == {
        "engine": "mirror 1.0", "threads": "2", "precision": "fp32", "finish": "high gloss",
        "subnormals": "flushed",
    }  # fmt: skip


@pytest.mark.slow
def test_on_an_arm_chip_too_subnormals_are_flushed(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    compiler, emulator = "aarch64-linux-gnu-g++", shutil.which("qemu-aarch64-static")
    if emulator is None or shutil.which(compiler) is None:
        pytest.skip("it takes a compiler for Arm and qemu-aarch64-static")
    program = compiled(tmp_path / "cache", f"{compiler} -static")
    emulated = tmp_path / "emulated"
    emulated.write_text(f'#!/bin/sh\nexec {emulator} {program} "$@"\n')
    emulated.chmod(0o755)
    monkeypatch.setenv(ENGINE_PROGRAM, str(emulated))
    with CppRunner().open(CELL, of_types(x="float32")) as session:
        assert session.facts["subnormals"] == "flushed"
        np.testing.assert_array_equal(session.infer({"x": X})["x"], X)
        assert len(session.sample(3)) == 3


def test_inputs_get_the_nets_types_and_whole_numbers_beyond_them_are_refused() -> None:
    with CppRunner().open(CELL, of_types(ids="int32")) as session:
        outputs = session.infer({"renamed": np.array([5], np.int64)})
        assert outputs["ids"].dtype == np.int32
        with pytest.raises(Unavailable, match="beyond int32, as which mirror"):
            session.infer({"ids": np.array([1 << 40])})


def test_inputs_of_any_type_keep_that_of_what_is_given() -> None:
    with CppRunner().open(CELL, of_types(x="")) as session:
        for dtype in DTYPES:
            assert session.infer({"x": X.astype(dtype)})["x"].dtype == dtype


def test_samples_and_usage_are_those_of_the_programs_process() -> None:
    with CppRunner().open(CELL, of_types(x="float32")) as session:
        assert session.pid != os.getpid()
        assert Path(f"/proc/{session.pid}/task").is_dir()
        session.infer({"x": X})
        before = session.usage()
        samples = [ns for _ in range(20) for ns in session.sample(10_000)]
        after = session.usage()
    assert len(samples) == 200_000
    assert all(type(sample) is int and sample >= 0 for sample in samples)
    assert after.cpu_s > before.cpu_s >= 0
    assert after.involuntary_switches >= before.involuntary_switches
    assert 1 < after.peak_rss_mib < 1000


def test_what_the_engine_refuses_is_unavailable_with_its_remedy() -> None:
    with pytest.raises(Unavailable, match="no such chip") as refused, open_model("refuses"):
        pass
    assert refused.value.hint == "buy one"


def open_model(model: str, cell: Cell = CELL) -> Any:
    return CppRunner().open(cell, Path(model))


def test_a_precision_that_the_runner_has_not_is_refused_before_anything_is_started(
    monkeypatch: MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENGINE_PROGRAM, "/no/such/program")
    with (
        pytest.raises(Unavailable, match="openvino-cpp runner has no int3"),
        open_model("x:float32", replace(CELL, precision="int3")),
    ):
        pass


def test_what_the_engine_throws_is_what_the_error_says() -> None:
    with pytest.raises(EngineLost, match="the model is torn") as lost, open_model("throws"):
        pass
    assert lost.value.kind == "no-reply"


def test_an_engine_that_falls_is_a_crash() -> None:
    with (
        pytest.raises(EngineLost, match="SIGSEGV") as lost,
        open_model("falls:float32") as session,
    ):
        session.infer({"falls": X})
    assert lost.value.kind == "crash"


def test_a_worker_that_was_told_of_no_program_is_refused(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.delenv(ENGINE_PROGRAM)
    with pytest.raises(Unavailable, match="compiled program"), open_model("x:float32"):
        pass


@pytest.mark.parametrize(
    "written",
    [b"float32 1 2 x\n1234", b"float32 1 x\n", b"text 1 1 x\n1", b"float32 1 1 x\n1234" * 2],
)
def test_outputs_that_are_not_whole_are_garbage(written: bytes, tmp_path: Path) -> None:
    (tmp_path / OUTPUTS).write_bytes(written)
    ready = {"facts": {"engine": "mirror 1.0"}, "inputs": [["x", "float32"]]}
    process: Any = SimpleNamespace(ready=ready, folder=tmp_path, ask=lambda *_: {"outputs": 2})
    with pytest.raises(EngineLost) as lost:
        CppSession(process).infer({"x": X})
    assert lost.value.kind == "garbage-reply"
