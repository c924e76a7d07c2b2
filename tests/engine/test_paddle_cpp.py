"""Paddle Inference in C++: its declarations fit the wheel's library, and it is what `paddle` is."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.artifacts.builder import Artifact, Key
from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.protocol import ENGINE_PROGRAM, STDERR
from bench.core.tensors import only, read_reference
from bench.environments.engine_libraries import engine_words
from bench.environments.inspection import Interpreter
from bench.environments.interpreters import Environments, worker_of
from bench.environments.native_programs import PROGRAMS, SOURCES, compiled
from bench.launcher.engine_process import EngineLost
from bench.runners import RUNNERS
from bench.runners.cpp import CppRunner
from tests.engine.converting import run
from tests.engine.inferring import made

pytestmark = pytest.mark.engine

CELL = Cell(variant="x0_25", model_hash="m", runner="paddle-cpp", batch=1, threads=1)
SETTINGS = [
    {"onednn": onednn, "tensor_gc": tensor_gc}
    for onednn in ("on", "off")
    for tensor_gc in ("off", "eager")
]
CELLS = [*((settings, 1) for settings in SETTINGS), ({}, 2)]

_FACTS = """
import json, sys
from pathlib import Path
from bench.core.cell import Cell
from bench.core.tensors import read_reference
from bench.runners.paddle import PaddleRunner

told = []
main, reference, cells = json.load(sys.stdin)
for settings, threads in cells:
    cell = Cell(variant="v", model_hash="m", runner="paddle", batch=1, threads=threads,
                settings=tuple(settings.items()))
    with PaddleRunner().open(cell, Path(main)) as session:
        (output,) = session.infer(read_reference(Path(reference)).inputs).values()
        told.append([dict(session.facts), output.tolist()])
Path(sys.argv[1]).write_text(json.dumps(told))
"""
TYPES = ("float32", "float16", "float64", "int64", "int32", "uint8", "int8", "bool")
_TYPES = """
import json, sys
from pathlib import Path
import paddle
from paddle.static import InputSpec

class Net(paddle.nn.Layer):
    def forward(self, tensors):
        return [paddle.reshape(it, [3, 2]) for it in tensors[:-1]] + [tensors[-1].reshape([1])]

folder, types = json.load(sys.stdin)
specs = [InputSpec([2, 3], it, name=f"a {it}") for it in types] + [InputSpec([], name="scalar")]
net = paddle.jit.to_static(Net(), input_spec=[specs], full_graph=True)
paddle.jit.save(net, f"{folder}/model")
Path(sys.argv[1]).write_text("{}")
"""


@pytest.fixture(scope="module")
def program(environments: Environments) -> str:
    """The compiled program, in the user's cache."""
    try:
        _, variables = worker_of(RUNNERS["paddle-cpp"], environments)
    except Unavailable as error:
        pytest.skip(f"{error}; {error.hint}")
    return variables[ENGINE_PROGRAM]


@pytest.fixture(autouse=True)
def _told(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_PROGRAM, program)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def artifacts(environments: Environments) -> list[Artifact]:
    """The smallest net, of both formats of Paddle's; the newer first."""
    keys = [Key("x0_25", kind, 1) for kind in ("paddle-pir", "paddle-program")]
    found = made(keys, environments)
    return [found[key] for key in keys]


@pytest.fixture(scope="module")
def artifact(artifacts: list[Artifact]) -> Artifact:
    return artifacts[0]


def cell(settings: Mapping[str, str], threads: int = 1) -> Cell:
    return replace(CELL, settings=tuple(settings.items()), threads=threads)


@pytest.mark.parametrize("newer", [True, False])
def test_each_setting_gives_the_facts_and_the_output_of_the_runner_in_python(
    newer: bool, artifacts: list[Artifact], environments: Environments, tmp_path: Path
) -> None:
    artifact = artifacts[0 if newer else 1]
    request: Any = [str(artifact.main), str(artifact.reference), CELLS]
    python, variables = worker_of(RUNNERS["paddle"], environments)
    told = json.loads(run(python, _FACTS, request, tmp_path / "told", variables))
    inputs = read_reference(artifact.reference).inputs
    for (settings, threads), (facts, expected) in zip(CELLS, told, strict=True):
        with CppRunner().open(cell(settings, threads), artifact.main) as session:
            own = dict(session.facts)
            output = only(session.infer(inputs))
            assert (session.process.folder / STDERR).read_text() == ""
        assert {name: own.get(name) for name in facts} == facts
        assert own["threads"] == str(threads)
        away = np.linalg.norm(output - expected) / np.linalg.norm(expected)
        assert away < 1e-5, (settings, threads)


def test_tensors_of_all_types_and_one_without_extents_go_in_and_come_out(
    environments: Environments, tmp_path: Path
) -> None:
    python, variables = worker_of(RUNNERS["paddle"], environments)
    request: Any = [str(tmp_path), TYPES]
    run(python, _TYPES, request, tmp_path / "made", variables)
    values = {it: np.array([[0, 1, 2], [3, 4, 5]]).astype(it) for it in TYPES}
    feeds: dict[str, Any] = {f"a {name}": array for name, array in values.items()}
    feeds["scalar"] = np.array(2.5, np.float32)
    with CppRunner().open(CELL, tmp_path / "model.json") as session:
        *outputs, scalar = session.infer(feeds).values()
    assert [str(it.dtype) for it in outputs] == list(TYPES)
    for name, output in zip(TYPES, outputs, strict=True):
        np.testing.assert_array_equal(output, values[name].reshape(3, 2))
    assert scalar.tolist() == [2.5]


def test_an_sdk_is_taken_in_the_place_of_the_wheel(
    artifact: Artifact, environments: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = environments.get("paddle")
    monkeypatch.setenv("PADDLE_INFERENCE", str(sdk_of(own, tmp_path / "sdk")))
    other = replace(own, packages={**own.packages, "paddlepaddle": "2.0.0"})
    monkeypatch.setenv(ENGINE_PROGRAM, str(compiled("paddle", other, tmp_path)))
    with CppRunner().open(CELL, artifact.main) as session:
        assert session.facts["engine"] == "paddle_inference 3.3.1"
        assert session.facts["onednn"] == "on"
        reference = read_reference(artifact.reference)
        away = session.infer(reference.inputs)
    expected = only(reference.outputs)
    assert np.linalg.norm(only(away) - expected) < 1e-4 * np.linalg.norm(expected)


def sdk_of(interpreter: Interpreter, folder: Path) -> Path:
    """Return a stand-in for an SDK of 3.0: its folders, the wheel's libraries, a header of ours."""
    library, common, python = (Path(it) for it in engine_words(PROGRAMS["paddle"], interpreter)[:3])
    for number, libraries in enumerate((library.parent, common.parent, python.parent)):
        (third := folder / f"third_party/install/{number}").mkdir(parents=True)
        (third / "lib").symlink_to(libraries)
    for name in ("include", "lib"):
        (folder / "paddle" / name).mkdir(parents=True)
    header = (SOURCES / "paddle_inference.hpp").read_text()
    older = {
        "#ifdef PADDLE_SDK": "#if 0",
        "ONEDNN": "MKLDNN",
        "bool onednn_enabled() const;": "bool mkldnn_enabled() const { return true; }",
    }
    for now, then in older.items():
        header = header.replace(now, then)
    (folder / "paddle/include/paddle_inference_api.h").write_text(header)
    (folder / "paddle/lib/libpaddle_inference.so").write_text(f"INPUT({library} {python})\n")
    (folder / "paddle/lib/libcommon.so").symlink_to(common)
    return folder


def test_one_thread_works_without_the_freeing_of_tensors_and_a_second_one_with_it(
    artifact: Artifact,
) -> None:
    inputs = read_reference(artifact.reference).inputs
    busy = {}
    for tensor_gc in ("off", "eager"):
        with CppRunner().open(cell({"tensor_gc": tensor_gc}), artifact.main) as session:
            session.infer(inputs)
            session.sample(300)
            busy[tensor_gc] = sum(ticks > 2 for ticks in ticks_of(session.pid))
    assert busy["off"] == 1
    assert busy["eager"] >= 2


def ticks_of(pid: int) -> list[int]:
    """Return the CPU time of each thread of a process, in the system's ticks."""
    stats = [it.read_text() for it in Path(f"/proc/{pid}/task").glob("*/stat")]
    fields = [text.rpartition(")")[2].split() for text in stats]
    return [int(it[11]) + int(it[12]) for it in fields]


def test_freed_memory_is_kept_for_the_next_inference(artifact: Artifact) -> None:
    inputs = read_reference(artifact.reference).inputs
    with CppRunner().open(cell({"onednn": "off"}), artifact.main) as session:
        session.infer(inputs)
        session.sample(5)
        before = faults_of(session.pid)
        session.sample(50)
        assert faults_of(session.pid) - before < 50 * 20


def faults_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[7])


@pytest.mark.parametrize(
    ("written", "cause"),
    [(None, "Cannot open file"), ("no net", "Invalid model file|parse error|syntax error")],
)
def test_what_is_no_net_is_told_in_paddles_one_line(
    written: str | None, cause: str, tmp_path: Path
) -> None:
    if written is not None:
        for suffix in ("json", "pdiparams"):
            (tmp_path / f"model.{suffix}").write_text(written)
    with (
        pytest.raises(EngineLost, match=cause) as lost,
        CppRunner().open(CELL, tmp_path / "model.json"),
    ):
        pass
    assert lost.value.kind == "no-reply"
    assert "/paddle/" not in str(lost.value).splitlines()[0]


def test_inputs_that_the_net_cannot_take_are_its_error_and_not_a_crash(artifact: Artifact) -> None:
    (name,) = read_reference(artifact.reference).inputs
    wrong = {name: np.zeros((1, 2, 224, 224), np.float32)}
    with (
        pytest.raises(EngineLost, match="hannel") as lost,
        CppRunner().open(CELL, artifact.main) as session,
    ):
        session.infer(wrong)
    assert lost.value.kind == "no-reply"


def test_a_program_that_is_killed_is_told_as_that(artifact: Artifact) -> None:
    with pytest.raises(EngineLost, match="SIGKILL") as lost:
        sample_of_a_killed_one(artifact)
    assert lost.value.kind == "killed"


def sample_of_a_killed_one(artifact: Artifact) -> None:
    with CppRunner().open(CELL, artifact.main) as session:
        session.infer(read_reference(artifact.reference).inputs)
        os.kill(session.pid, signal.SIGKILL)
        session.sample(1)
