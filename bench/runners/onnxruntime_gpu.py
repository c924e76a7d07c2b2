"""ONNX Runtime on an NVIDIA GPU, by its providers for CUDA and TensorRT and by the plug-in of
TensorRT-RTX.

A sample is end to end: inputs copied in from ordinary memory, the graph run, outputs in arrays of
their own; `run` returns when they are there, so that the device is done. Without a library, or with
an old driver, ONNX Runtime makes a session of the CPU and only logs it: nothing counts unless the
session names its provider, and the node by node record of it says what that provider took.
Source: ONNX Runtime 1.31 Python API.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.cell import Cell, TargetSpec
from bench.core.errors import Unavailable
from bench.core.program import command
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Capability, import_engine, time_paced
from bench.runners.feeds import feeds_by
from bench.runners.gpu import NotOffloaded, open_gauge, partly

if TYPE_CHECKING:
    from typing_extensions import Self

_CUDA = "CUDAExecutionProvider"
_TENSORRT = "TensorrtExecutionProvider"
# What the provider's own library is linked against, of TensorRT 10.
_LIBRARIES = ("libnvinfer.so.10", "libnvonnxparser.so.10")
_LESS_THAN_FP32 = ("trt_fp16_enable", "trt_bf16_enable", "trt_int8_enable")
_RECORD = "session.record_ep_graph_assignment_info"
_RETURN_AT_ONCE = "disable_synchronize_execution_providers"
_OVERRIDE = "NVIDIA_TF32_OVERRIDE"
_ERRORS_ONLY = 3
# CUDA_VISIBLE_DEVICES shows the worker its GPU alone.
_DEVICE = 0


class _OnGpu:
    """A runner that opens `model.onnx`, exported for one batch, on the GPU of its target."""

    capabilities: frozenset[Capability] = frozenset({"targeted", "gauged"})

    def __init__(self, target: TargetSpec | None = None) -> None:
        self._target = target or TargetSpec(kind="nvidia-gpu")

    def at(self, target: TargetSpec) -> Self:
        return type(self)(target)


class OnnxRuntimeCudaRunner(_OnGpu):
    """Opens it with the provider for CUDA."""

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[OnnxRuntimeGpuSession]:
        engine, options = _options(cell)
        provider = (_CUDA, {"device_id": str(_DEVICE), "use_tf32": "0"})
        session = engine.InferenceSession(str(artifact), options, providers=[provider])
        yield OnnxRuntimeGpuSession(engine, session, cell, self._target, _CUDA)


class OnnxRuntimeTensorrtRunner(_OnGpu):
    """Opens it with the provider for TensorRT, on a TensorRT 10 of the user's own.

    The provider builds its engine anew while each session is made. Source: ONNX Runtime,
    "TensorRT Execution Provider".
    """

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[OnnxRuntimeGpuSession]:
        engine, options = _options(cell)
        version = tensorrt_version()
        less = dict.fromkeys(_LESS_THAN_FP32, "0")
        provider = (_TENSORRT, {"device_id": str(_DEVICE), **less})
        session = engine.InferenceSession(str(artifact), options, providers=[provider])
        opened = OnnxRuntimeGpuSession(engine, session, cell, self._target, _TENSORRT)
        check_precision(session)
        opened.facts["engine"] += f" with TensorRT {version}"
        yield opened


class OnnxRuntimeTensorrtRtxRunner(_OnGpu):
    """Opens it with the plug-in of TensorRT-RTX, which builds its engine meanwhile."""

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[OnnxRuntimeGpuSession]:
        engine, options = _options(cell)
        plugin = import_engine("onnxruntime_ep_nv_tensorrt_rtx", env="gpu")
        name = plugin.get_ep_name()
        engine.register_execution_provider_library(name, plugin.get_library_path())
        devices = [it for it in engine.get_ep_devices() if it.ep_name == name]
        if not devices:
            raise Unavailable(
                "TensorRT-RTX sees no GPU that it could use",
                hint="see log_tail in the cell's file, and `nvidia-smi`",
            )
        options.add_provider_for_devices(devices[:1], {})
        session = engine.InferenceSession(str(artifact), options)
        opened = OnnxRuntimeGpuSession(engine, session, cell, self._target, name)
        del session
        try:
            yield opened
        finally:
            opened.close()  # before the library that it runs in
            engine.unregister_execution_provider_library(name)


def _options(cell: Cell) -> tuple[Any, Any]:
    """Return ONNX Runtime and the options of a session of `cell`; raises Unavailable."""
    if cell.precision != "fp32":
        raise Unavailable(
            f"the {cell.runner} runner has no {cell.precision}", hint="use precision fp32"
        )
    engine = import_engine("onnxruntime", env="gpu")
    options = engine.SessionOptions()
    options.intra_op_num_threads = cell.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = engine.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry(_RECORD, "1")
    return engine, options


def tensorrt_version(load: Callable[[str], Any] = ctypes.CDLL) -> str:
    """Return the version of the TensorRT 10 that can be loaded; raises Unavailable without one."""
    try:
        libraries = [load(name) for name in _LIBRARIES]
    except OSError as error:
        raise Unavailable(
            f"TensorRT 10 can't be loaded ({error})",
            hint="name its folder in LD_LIBRARY_PATH, or a Python with onnxruntime-gpu and "
            "TensorRT 10: --env gpu=PATH",
        ) from error
    number = int(libraries[0].getInferLibVersion())  # as 100901
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def check_precision(session: Any) -> None:
    """Raise Unavailable where TensorRT's provider may use less than FP32, whatever was asked."""
    effective = session.get_provider_options().get(_TENSORRT, {})
    for name in _LESS_THAN_FP32:
        if effective.get(name, "0") != "0":
            raise Unavailable(
                f"{_TENSORRT} keeps {name} on, which is less than FP32",
                hint="unset the variables ORT_TENSORRT_*, or use another onnxruntime-gpu",
            )


def offload_of(session: Any, provider: str, partial: str) -> dict[str, str]:
    """Return the providers of a session, and how many of its nodes `provider` took.

    Raises NotOffloaded where that is none, or some with `partial` "refused"; Unavailable where this
    ONNX Runtime doesn't tell.
    """
    providers = session.get_providers()
    if provider not in providers:
        raise NotOffloaded(
            f"ONNX Runtime fell back to the CPU: the session's providers are "
            f"{', '.join(providers)}, and {provider} isn't among them",
            hint=f"see log_tail in the cell's file for what is missing; {command('doctor')} says "
            "which driver the environment takes",
        )
    if not hasattr(session, "get_provider_graph_assignment_info"):
        raise Unavailable(
            "this ONNX Runtime doesn't tell on which provider each node runs",
            hint="use onnxruntime-gpu 1.24 or later, or leave --env gpu out",
        )
    nodes = [
        (graph.ep_name, node.op_type)
        for graph in session.get_provider_graph_assignment_info()
        for node in graph.get_nodes()
    ]
    left = Counter(kind for name, kind in nodes if name != provider)
    taken = len(nodes) - left.total()
    if not taken:
        raise NotOffloaded(
            f"{provider} took none of the net's {len(nodes)} nodes",
            hint="see log_tail in the cell's file; measure with another runner",
        )
    facts = {"provider": ",".join(providers), "nodes": f"{taken} of {len(nodes)} on {provider}"}
    if not left:
        return {**facts, "offload": "whole"}
    names = ", ".join(f"{many} {kind}" for kind, many in sorted(left.items()))
    sentence = f"{provider} took {taken} of {len(nodes)} nodes, left out: {names}"
    return {**facts, "offload": partly(sentence, partial)}


def tf32_of(session: Any, provider: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return that TF32 is off, by the provider's own word or the libraries' variable.

    Raises Unavailable where neither says so: FP32 would be less than that.
    """
    effective = session.get_provider_options().get(provider, {}).get("use_tf32")
    if effective == "0":
        return "off"
    if effective is None and environ.get(_OVERRIDE) == "0":
        return f"off ({_OVERRIDE}=0)"
    raise Unavailable(
        f"{provider} keeps TF32 on, which is less than FP32", hint="use another onnxruntime-gpu"
    )


class OnnxRuntimeGpuSession:
    """A session on the GPU and the input that it is run on. Raises NotOffloaded and Unavailable."""

    build_ns: int | None = None

    def __init__(
        self, engine: Any, session: Any, cell: Cell, target: TargetSpec, provider: str
    ) -> None:
        # Else a run that fails makes a session of the CPU, and goes on there.
        session.disable_fallback()
        sleep_ms = dict(cell.settings).get("sleep_ms", "0")
        self.facts = {
            "engine": f"onnxruntime {engine.__version__}",
            "threads": str(session.get_session_options().intra_op_num_threads),
            "precision": cell.precision,
            "gpu": target.gpu_name or "unknown",
            "sleep_ms": sleep_ms,
            "tf32": "",
            **offload_of(session, provider, target.partial),
        }
        self.facts["tf32"] = tf32_of(session, provider)
        self._engine, self._session, self._provider = engine, session, provider
        self._gauge, self._pause_s = open_gauge(target.device), int(sleep_ms) / 1000
        self._inputs = [end.name for end in session.get_inputs()]
        self._outputs = [end.name for end in session.get_outputs()]
        self._feeds: dict[str, Any] = {}

    def close(self) -> None:
        self._session = None

    def infer(self, feeds: Tensors) -> Tensors:
        self._feeds = feeds_by(self._inputs, feeds)
        return dict(zip(self._outputs, self._end_to_end(), strict=True))

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_paced(self._end_to_end, count, pause_s=self._pause_s)

    def _end_to_end(self) -> Any:
        return self._session.run(None, self._feeds)

    def begin(self) -> None:
        self._gauge.begin()

    def end(self, count: int) -> Mapping[str, float]:
        return self._gauge.end(count)

    def figures(self, count: int) -> Mapping[str, list[int]]:
        """Time runs without copies: until `run` returns, and until the device is done.

        Not of a plug-in, whose tensors on the device are its own.
        """
        if self._provider not in (_CUDA, _TENSORRT):
            return {}
        binding, clock = self._bound(), time.perf_counter_ns
        options = self._engine.RunOptions()
        options.add_run_config_entry(_RETURN_AT_ONCE, "1")
        enqueue, on_device = [0] * count, [0] * count
        for index in range(count):
            if self._pause_s:
                time.sleep(self._pause_s)
            started = clock()
            self._session.run_with_iobinding(binding, options)
            enqueue[index] = clock() - started
            binding.synchronize_outputs()
            on_device[index] = clock() - started
        return {"on_device": on_device, "enqueue": enqueue}

    def _bound(self) -> Any:
        """Return inputs and outputs on the device, once the net was run on them."""
        binding, value = self._session.io_binding(), self._engine.OrtValue
        for name, array in self._feeds.items():
            there = value.ortvalue_from_numpy(array, "cuda", _DEVICE)
            binding.bind_ortvalue_input(name, there)
        for name in self._outputs:
            binding.bind_output(name, "cuda", _DEVICE)
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return binding
