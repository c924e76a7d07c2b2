"""ONNX Runtime on a GPU against a stand-in: nothing counts that a session doesn't say itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.core.cell import TargetSpec
from bench.core.errors import Unavailable
from bench.core.tensors import only
from bench.runners import RUNNERS, onnxruntime_gpu
from bench.runners.gpu import NotOffloaded
from bench.runners.onnxruntime_gpu import OnnxRuntimeGpuSession, tf32_of
from bench.worker.serve import load
from tests.fakes.net import infer
from tests.fakes.ort_gpu import CPU, CUDA, PLUGIN, RTX, TENSORRT, FakeOrt
from tests.fakes.values import cell

NAMES = ("onnxruntime-cuda", "onnxruntime-tensorrt-rtx", "onnxruntime-tensorrt")
X = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)
TARGET = TargetSpec(kind="nvidia-gpu", gpu_name="NVIDIA X")
OF_RTX: dict[str, Any] = {
    "providers": (RTX, CPU), "nodes": ((RTX, "Conv"), (RTX, "Relu")), "provider_options": {},
}  # fmt: skip
OF_TENSORRT: dict[str, Any] = {
    "providers": (TENSORRT, CPU), "nodes": ((TENSORRT, "Conv"), (TENSORRT, "Relu")),
    "provider_options": {TENSORRT: {"trt_fp16_enable": "0"}},
}  # fmt: skip
Use = Callable[..., FakeOrt]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Put a fake ONNX Runtime with the plug-in in place, as the runners' variables ask for it."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_nv_tensorrt_rtx", PLUGIN)
    monkeypatch.setattr(onnxruntime_gpu, "tensorrt_version", lambda: "10.9.1")

    def put(**behaviour: Any) -> FakeOrt:
        ort = FakeOrt(**behaviour)
        monkeypatch.setitem(sys.modules, "onnxruntime", ort)
        for name, value in RUNNERS[NAMES[0]].child_env.items():
            monkeypatch.setenv(name, value)
        return ort

    return put


def opened(
    name: str = NAMES[0], *, partial: str = "refused", precision: str = "fp32", **settings: str
) -> AbstractContextManager[OnnxRuntimeGpuSession]:
    target = TargetSpec(kind="nvidia-gpu", gpu_name="NVIDIA X", partial=partial)
    asked = cell(runner=name, precision=precision, settings=tuple(sorted(settings.items())))
    runner: Any = load(RUNNERS[name].path)
    session: AbstractContextManager[OnnxRuntimeGpuSession] = (
        runner().at(target).open(asked, Path("model.onnx"))
    )
    return session


def test_the_graph_runs_end_to_end_and_the_facts_say_where(use: Use) -> None:
    ort = use()
    with opened(sleep_ms="0") as session:
        assert np.array_equal(only(session.infer({"image": X})), infer(X))
        assert len(session.sample(5)) == 5
        assert session.facts == {
            "engine": "onnxruntime 1.31.1", "threads": "1", "precision": "fp32",
            "gpu": "NVIDIA X", "sleep_ms": "0", "tf32": "off", "offload": "whole",
            "provider": f"{CUDA},{CPU}", "nodes": f"2 of 2 on {CUDA}",
        }  # fmt: skip
    [made] = ort.sessions
    assert made.asked == [(CUDA, {"device_id": "0", "use_tf32": "0"})]
    assert not made.falls_back, "a run that fails must not go on on the CPU"


def test_tensorrt_rtx_is_registered_for_the_session_and_gone_after_it(use: Use) -> None:
    ort = use(**OF_RTX)
    with opened(NAMES[1]) as session:
        assert ort.registered == [RTX]
        assert [it.ep_name for it in ort.sessions[0].options.devices] == [RTX]
        assert np.array_equal(only(session.infer({"image": X})), infer(X))
        assert session.facts["tf32"] == "off (NVIDIA_TF32_OVERRIDE=0)"
        assert session.facts["offload"] == "whole"
        assert session.figures(3) == {}
    assert ort.registered == []


def test_tensorrts_provider_takes_the_net_in_fp32_on_the_users_own_tensorrt(use: Use) -> None:
    ort = use(**OF_TENSORRT)
    with opened(NAMES[2]) as session:
        assert np.array_equal(only(session.infer({"image": X})), infer(X))
        assert session.facts["engine"] == "onnxruntime 1.31.1 with TensorRT 10.9.1"
        assert session.facts["tf32"] == "off (NVIDIA_TF32_OVERRIDE=0)"
        assert session.facts["offload"] == "whole"
        assert {name: len(it) for name, it in session.figures(3).items()} == {
            "on_device": 3, "enqueue": 3,
        }  # fmt: skip
    [made] = ort.sessions
    less = {"trt_fp16_enable": "0", "trt_bf16_enable": "0", "trt_int8_enable": "0"}
    assert made.asked == [(TENSORRT, {"device_id": "0", **less})]
    assert not made.falls_back


def test_a_tensorrt_that_was_told_otherwise_is_not_measured_as_fp32(use: Use) -> None:
    use(**{**OF_TENSORRT, "provider_options": {TENSORRT: {"trt_bf16_enable": "1"}}})
    with pytest.raises(Unavailable, match="keeps trt_bf16_enable on"), opened(NAMES[2]):
        pass


def test_the_version_is_that_of_the_library_that_is_loaded() -> None:
    loaded = []

    def load(name: str) -> Any:
        loaded.append(name)
        return SimpleNamespace(getInferLibVersion=lambda: 100901)

    assert onnxruntime_gpu.tensorrt_version(load) == "10.9.1"
    assert loaded == ["libnvinfer.so.10", "libnvonnxparser.so.10"]


def test_without_a_tensorrt_of_ones_own_it_is_unavailable_with_both_ways_to_name_one() -> None:
    def load(name: str) -> Any:
        raise OSError(f"{name}: cannot open shared object file")

    with pytest.raises(Unavailable) as caught:
        onnxruntime_gpu.tensorrt_version(load)
    assert "TensorRT 10 can't be loaded (libnvinfer.so.10: " in caught.value.problem
    assert "LD_LIBRARY_PATH" in caught.value.hint
    assert "--env gpu=PATH" in caught.value.hint


def test_a_gpu_that_tensorrt_rtx_does_not_serve_is_unavailable(use: Use) -> None:
    use(devices=(CPU,))
    with pytest.raises(Unavailable, match="TensorRT-RTX sees no GPU"), opened(NAMES[1]):
        pass


@pytest.mark.parametrize("name", NAMES)
def test_a_silent_fall_back_to_the_cpu_is_no_figure(name: str, use: Use) -> None:
    use(providers=(CPU,), nodes=((CPU, "Conv"),), provider_options={})
    with pytest.raises(NotOffloaded, match="fell back to the CPU") as caught, opened(name):
        pass
    assert caught.value.kind == "not-offloaded"
    assert f"the session's providers are {CPU}" in caught.value.problem


def test_neither_is_a_provider_that_is_there_and_took_nothing(use: Use) -> None:
    use(nodes=((CPU, "Conv"), (CPU, "Relu")))
    with pytest.raises(NotOffloaded, match=f"{CUDA} took none of the net's 2 nodes"), opened():
        pass


def test_nodes_that_stayed_on_the_cpu_are_named_and_refused_unless_that_is_allowed(
    use: Use,
) -> None:
    use(nodes=((CUDA, "Conv"), (CPU, "NonZero"), (CPU, "Abs"), (CPU, "Abs")))
    sentence = f"{CUDA} took 1 of 4 nodes, left out: 2 Abs, 1 NonZero"
    with pytest.raises(NotOffloaded) as caught, opened():
        pass
    assert caught.value.problem == sentence
    assert "--allow-partial" in caught.value.hint
    with opened(partial="allowed") as session:
        assert session.facts["offload"] == f"partial ({sentence})"


def test_an_onnx_runtime_that_does_not_tell_its_nodes_is_unavailable(use: Use) -> None:
    use(tells_nodes=False)
    with (
        pytest.raises(Unavailable, match="doesn't tell on which provider each node runs"),
        opened(),
    ):
        pass


@pytest.mark.parametrize(
    ("options", "environ", "said"),
    [
        ({CUDA: {"use_tf32": "0"}}, {}, "off"),
        ({CUDA: {"use_tf32": "1"}}, {"NVIDIA_TF32_OVERRIDE": "0"}, None),
        ({CUDA: {}}, {"NVIDIA_TF32_OVERRIDE": "0"}, "off (NVIDIA_TF32_OVERRIDE=0)"),
        ({}, {"NVIDIA_TF32_OVERRIDE": "1"}, None),
        ({}, {}, None),
    ],
)
def test_tf32_is_off_by_what_is_read_back(
    options: Mapping[str, Mapping[str, str]], environ: Mapping[str, str], said: str | None
) -> None:
    session = FakeOrt(provider_options=options).InferenceSession("m.onnx", FakeOrt.SessionOptions())
    if said is not None:
        assert tf32_of(session, CUDA, environ) == said
        return
    with pytest.raises(Unavailable, match="keeps TF32 on"):
        tf32_of(session, CUDA, environ)


def test_runs_without_copies_return_at_once_and_are_waited_for(use: Use) -> None:
    ort = use()
    with opened() as session:
        session.infer({"image": X})
        figures = session.figures(4)
    [made] = ort.sessions
    assert {name: len(times) for name, times in figures.items()} == {"on_device": 4, "enqueue": 4}
    assert all(a >= b for a, b in zip(figures["on_device"], figures["enqueue"], strict=True))
    assert made.binding.outputs == [("logits", "cuda", 0)]
    assert made.binding.inputs["x"][1:] == ("cuda", 0)
    first, *timed = made.bound_runs
    assert first is None
    entries = [it.entries for it in timed if it is not None]
    assert entries == [{"disable_synchronize_execution_providers": "1"}] * 4
    assert made.binding.synchronized == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_precision_that_is_not_there_is_unavailable(name: str, use: Use) -> None:
    use()
    with pytest.raises(Unavailable, match=f"the {name} runner has no fp16"):
        opened(name, precision="fp16").__enter__()
