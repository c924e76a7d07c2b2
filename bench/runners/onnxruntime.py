"""ONNX Runtime on the CPU, through its Python API.

A sample is end to end: inputs handed over, the graph run, outputs in arrays of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.core.cell import Cell
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Capability, import_engine, require_precision, time_calls
from bench.runners.feeds import feeds_by
from bench.runners.onnxruntime_profile import take_profile
from bench.runners.profiling import Profile

_PROVIDER = "CPUExecutionProvider"
# Threads of the pool wait busily for work (ONNX Runtime's default), or asleep. One thread has no
# pool. On cores that others use too, two that wait busily can take three times as long.
_SPINNING = "session.intra_op.allow_spinning"
_SPIN = {"on": "1", "off": "0"}
# Would have Arm chips multiply FP32 matrices in BF16.
_BF16_GEMM = "mlas.enable_gemm_fastmath_arm64_bfloat16"
_FLUSH_SUBNORMALS = "session.set_denormal_as_zero"
_ERRORS_ONLY = 3
# What a node does stands in the file as the field's key, the length, and the word. These round to
# 8 bits what others then compute with.
_QUANTISES = re.compile(
    rb"\x22[\x05-\x40]((Dynamic)?Quantize(Linear|MatMul|LSTM)|QLinear\w+|(Conv|MatMul)Integer|QGemm)"
)
_LONGEST = 0x42
_PRECISIONS = {"tensor(float)": "fp32", "tensor(float16)": "fp16", "tensor(bfloat16)": "bf16"}


class OnnxRuntimeRunner:
    """Opens `model.onnx`, exported for one batch; for INT8 the one that was quantised."""

    imports = ("onnxruntime",)
    capabilities: frozenset[Capability] = frozenset({"profiled"})

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[OnnxRuntimeSession]:
        require_precision(cell, "fp32", "int8")
        engine = import_engine("onnxruntime", env="engines")
        opened = partial(_session, engine, cell, artifact)
        yield OnnxRuntimeSession(opened, engine.__version__, artifact)


def _session(engine: Any, cell: Cell, artifact: Path, profile: str = "") -> Any:
    """Return a session of ONNX Runtime; `profile` is what the files of its profile begin with."""
    options = engine.SessionOptions()
    options.intra_op_num_threads = cell.threads
    options.inter_op_num_threads = 1
    options.execution_mode = engine.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = engine.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _ERRORS_ONLY
    spinning = dict(cell.settings).get("spinning", "on")
    options.add_session_config_entry(_SPINNING, _SPIN[spinning])
    options.add_session_config_entry(_BF16_GEMM, "0")
    options.add_session_config_entry(_FLUSH_SUBNORMALS, "1")
    if profile:
        options.enable_profiling = True
        options.profile_file_prefix = profile
    return engine.InferenceSession(str(artifact), options, providers=[_PROVIDER])


class OnnxRuntimeSession:
    """A session, which `opened` opens, and the input that it is run on."""

    def __init__(self, opened: Callable[..., Any], version: str, artifact: Path) -> None:
        self._opened = opened
        self._session = opened()
        self._artifact = artifact
        self._version = version
        self._inputs = [end.name for end in self._session.get_inputs()]
        self._outputs = [end.name for end in self._session.get_outputs()]
        self._feeds: dict[str, Any] = {}

    @property
    def facts(self) -> Mapping[str, str]:
        options = self._session.get_session_options()
        spins = options.get_session_config_entry(_SPINNING) == "1"
        flushes = options.get_session_config_entry(_FLUSH_SUBNORMALS) == "1"
        return {
            "engine": f"onnxruntime {self._version}",
            "threads": str(options.intra_op_num_threads),
            **({"precision": precision} if (precision := self._precision(options)) else {}),
            "provider": ",".join(self._session.get_providers()),
            "spinning": "on" if spins else "off",
            "subnormals": "flushed" if flushes else "kept",
        }

    def _precision(self, options: Any) -> str:
        """Return the type that the CPU's kernels compute in, which is that of their tensors.

        A quantised file has inputs and outputs of float32 too: its nodes tell. '' where inputs and
        outputs are of whole numbers alone.
        """
        if _quantises(self._artifact):
            return "int8"
        if options.get_session_config_entry(_BF16_GEMM) != "0":
            return "bf16"
        ends = [*self._session.get_inputs(), *self._session.get_outputs()]
        floats = {_PRECISIONS[end.type] for end in ends if end.type in _PRECISIONS}
        return " and ".join(sorted(floats))

    def infer(self, feeds: Tensors) -> Tensors:
        self._feeds = feeds_by(self._inputs, feeds)
        return dict(zip(self._outputs, self._end_to_end(), strict=True))

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_calls(self._end_to_end, count)

    def profile(self, count: int) -> Profile:
        return take_profile(self._opened, self._feeds, count)

    def _end_to_end(self) -> Any:
        return self._session.run(None, self._feeds)


def _quantises(model: Path) -> bool:
    """Tell whether nodes of an ONNX file compute in 8 bits."""
    with model.open("rb") as file:
        data = b""
        while block := file.read(1 << 20):  # mapped, the file would count as the engine's memory
            data = data[-_LONGEST:] + block
            if any(data[it.start() + 1] == len(it[1]) for it in _QUANTISES.finditer(data)):
                return True
    return False
