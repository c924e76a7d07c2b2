"""The native TensorRT runner against stand-ins for TensorRT and the CUDA runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.errors import ArtifactError, BenchError, Unavailable
from bench.core.tensors import only
from bench.runners import RUNNERS
from bench.runners.tensorrt import cuda as cudart
from bench.runners.tensorrt.cuda import Cuda, CudaError
from bench.runners.tensorrt.native import TensorrtRunner
from tests.fakes.cuda import FakeCudart
from tests.fakes.net import infer
from tests.fakes.trt import RUN_NS, FakeTensorrt
from tests.fakes.values import cell
from tests.unit.runners.conftest import Open

X = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)


@pytest.mark.parametrize("graph", ["off", "on"])
def test_the_output_is_the_nets_with_and_without_a_graph(
    graph: str, trt: FakeTensorrt, open_session: Open
) -> None:
    with open_session(cuda_graph=graph) as session:
        assert np.allclose(only(session.infer({"x": X})), infer(X))
        assert np.allclose(only(session.infer({"x": X + 1})), infer(X + 1))
        assert session.facts["cuda_graph"] == graph


def test_an_output_stays_what_it_was_when_another_one_is_made(
    trt: FakeTensorrt, open_session: Open
) -> None:
    with open_session() as session:
        first = only(session.infer({"x": X}))
        session.infer({"x": X + 1})
        assert np.allclose(first, infer(X))


def test_with_a_graph_a_run_is_a_launch_of_what_was_captured(
    trt: FakeTensorrt, cuda: FakeCudart, open_session: Open
) -> None:
    with open_session(cuda_graph="on") as session:
        session.infer({"x": X})
        cuda.calls.clear()
        session.sample(1)
    assert cuda.calls[:4] == [
        "cudaMemcpyAsync", "cudaGraphLaunch", "cudaMemcpyAsync", "cudaStreamSynchronize",
    ]  # fmt: skip


def test_without_a_graph_nothing_is_captured(
    trt: FakeTensorrt, cuda: FakeCudart, open_session: Open
) -> None:
    with open_session() as session:
        session.infer({"x": X})
        session.sample(2)
    assert not [name for name in cuda.calls if "Graph" in name or "Capture" in name]


@pytest.mark.parametrize("graph", ["off", "on"])
def test_nothing_is_left_on_the_device(
    graph: str, trt: FakeTensorrt, cuda: FakeCudart, open_session: Open
) -> None:
    with open_session(cuda_graph=graph) as session:
        session.infer({"x": X})
        session.figures(2)
        assert cuda.memory
    assert (cuda.memory, cuda.handles) == ({}, set())


@pytest.mark.parametrize("graph", ["off", "on"])
def test_the_figures_are_the_devices_own_time_and_the_hosts_for_each_run(
    graph: str, trt: FakeTensorrt, open_session: Open
) -> None:
    with open_session(cuda_graph=graph) as session:
        session.infer({"x": X})
        figures = session.figures(5)
    assert figures["on_device"] == [RUN_NS] * 5
    assert len(figures["enqueue"]) == 5
    assert all(isinstance(ns, int) and ns > 0 for ns in figures["enqueue"])


def test_a_session_gives_one_duration_per_inference(
    trt: FakeTensorrt, cuda: FakeCudart, open_session: Open
) -> None:
    with open_session() as session:
        session.infer({"x": X})
        before = cuda.device_ns
        samples = session.sample(7)
    assert len(samples) == 7
    assert cuda.device_ns - before == 7 * RUN_NS


@pytest.mark.parametrize(
    ("behaviour", "kind", "message"),
    [
        ({"keeps_tf32": True}, Unavailable, "keeps TF32 on"),
        ({"parses": False}, ArtifactError, "In node 0: UNSUPPORTED_NODE"),
        ({"plans": False}, ArtifactError, "built no engine"),
        ({"loads": False}, BenchError, "can't load the engine"),
    ],
)
def test_what_tensorrt_refuses_is_told(
    behaviour: dict[str, Any], kind: type[BenchError], message: str,
    use: Callable[..., FakeTensorrt], open_session: Open,
) -> None:  # fmt: skip
    use(**behaviour)
    with pytest.raises(kind, match=message) as caught, open_session():
        pass
    assert caught.value.hint


@pytest.mark.parametrize("graph", ["off", "on"])
def test_each_output_is_given_by_its_name(
    graph: str, use: Callable[..., FakeTensorrt], open_session: Open
) -> None:
    use(outputs=3)
    with open_session(cuda_graph=graph) as session:
        outputs = session.infer({"x": X})
    assert list(outputs) == ["logits0", "logits1", "logits2"]
    for number, output in enumerate(outputs.values()):
        assert np.allclose(output, infer(X) + number)


def test_a_type_that_the_runner_does_not_know_is_refused(
    use: Callable[..., FakeTensorrt], open_session: Open
) -> None:
    use(dtype="DataType.FP8")
    with pytest.raises(BenchError, match="tensor x is of type FP8"), open_session():
        pass


def test_a_run_that_tensorrt_refuses_is_an_error(
    use: Callable[..., FakeTensorrt], open_session: Open
) -> None:
    use(runs=False)
    with open_session() as session, pytest.raises(BenchError, match="refused to run"):
        session.infer({"x": X})


def test_an_input_for_another_batch_is_refused_before_it_is_copied(
    trt: FakeTensorrt, open_session: Open
) -> None:
    with open_session() as session, pytest.raises(BenchError, match="the engine's"):
        session.infer({"x": np.concatenate([X, X])})


def test_another_precision_is_refused(trt: FakeTensorrt, tmp_path: Path) -> None:
    asked = replace(cell(runner="tensorrt"), precision="fp16")
    with pytest.raises(Unavailable, match="no fp16"), TensorrtRunner().open(asked, tmp_path):
        pass


def test_a_call_of_cuda_that_fails_is_named_with_its_meaning(
    trt: FakeTensorrt, cuda: FakeCudart, open_session: Open
) -> None:
    cuda.fails["cudaMalloc"] = 2
    said = r"cudaMalloc failed with 2 \(out of memory\)"
    with pytest.raises(CudaError, match=said), open_session():
        pass
    assert cuda.handles == set(), "the stream that was made before is gone"


def test_a_missing_cuda_runtime_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"no CUDA runtime library \(libcudart\.so\)"):
        cudart.load(["libnothing-of-that-name.so"])


def test_a_capture_that_fails_ends_all_the_same(cuda: FakeCudart) -> None:
    def fall() -> None:
        raise BenchError("refused", hint="h")

    with pytest.raises(BenchError, match="refused"):
        Cuda(cuda).capture(fall, Cuda(cuda).stream())
    assert cuda.captured is None


def test_the_table_knows_every_setting_that_the_facts_tell(
    trt: FakeTensorrt, open_session: Open
) -> None:
    with open_session() as session:
        assert set(RUNNERS["tensorrt"].settings) <= set(session.facts)


def test_a_gauge_that_is_not_there_leaves_the_session_as_it_is(
    trt: FakeTensorrt, open_session: Open
) -> None:
    with open_session() as session:
        session.begin()
        assert session.end(5) == {}


def test_a_pause_is_made_between_runs(
    trt: FakeTensorrt, open_session: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("bench.runners.tensorrt.native.time.sleep", slept.append)
    with open_session(sleep_ms="10") as session:
        session.infer({"x": X})
        session.figures(3)
        assert session.facts["sleep_ms"] == "10"
    assert slept == [0.01] * 3
