"""OpenVINO on the CPU, through its Python API, one stream and one request.

A sample is end to end: inputs copied in, the request run, outputs copied out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.tensors import Tensors
from bench.core.units import NS_PER_MS, NS_PER_US, Nanoseconds
from bench.runners.base import Capability, import_engine, require_precision, time_calls
from bench.runners.feeds import feeds_by
from bench.runners.profiling import WARM_UP, OperatorTime, Profile, of_the_middle

# By the names of OpenVINO's element types; the lowest of those in the running graph is effective.
_LOW = {"bf16": "bf16", "f16": "fp16", "i8": "int8", "u8": "int8"}
_HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
# What the CPU must list as supported. Asked for more than that, OpenVINO takes another precision
# without a word: f16 became bf16 on a chip with BF16 instructions alone.
_CAPABILITIES = {"bf16": "BF16", "fp16": "FP16"}
_FLUSH_SUBNORMALS = "CPU_DENORMALS_OPTIMIZATION"
_NO_WORK = ("undef", "unknown")  # what the counters call the kernel of a node without one

Counted = tuple[str, str, str, int]
"""A node's name, its type, its kernel, and its mean in whole microseconds, 0: below one."""


class OpenVinoRunner:
    """Opens `model.xml` with the `model.bin` beside it, or a `model.onnx`, for one batch."""

    imports = ("openvino",)
    capabilities: frozenset[Capability] = frozenset({"profiled"})

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[OpenVinoSession]:
        require_precision(cell, *_HINTS)
        engine = import_engine("openvino", env="engines")
        core = engine.Core()
        require_capability(cell, core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))

        def compiled(**more: object) -> Any:
            return core.compile_model(str(artifact), "CPU", {**properties(cell), **more})

        yield OpenVinoSession(compiled, engine.__version__)


def require_capability(cell: Cell, supported: Sequence[str]) -> None:
    """Raise Unavailable unless the CPU lists support for `cell`'s precision."""
    needed = _CAPABILITIES.get(cell.precision)
    if needed is None or needed in supported:
        return
    able = [name for name, word in _CAPABILITIES.items() if word in supported]
    raise Unavailable(
        f"OpenVINO has no {cell.precision} on this chip",
        hint=f"use precision {' or '.join(['fp32', *able])}",
    )


def properties(cell: Cell) -> dict[str, object]:
    """Return every property whose default is another one, or differs from chip to chip."""
    return {
        "INFERENCE_NUM_THREADS": cell.threads,
        "NUM_STREAMS": 1,
        # The default is BF16 where the chip has it.
        "INFERENCE_PRECISION_HINT": _HINTS[cell.precision],
        # Where threads run is left to the system, as with the other engines.
        "ENABLE_CPU_PINNING": False,
        _FLUSH_SUBNORMALS: True,
    }


class OpenVinoSession:
    """The model that `compile_model` gives, which takes more properties, with its one request."""

    def __init__(self, compile_model: Callable[..., Any], version: str) -> None:
        self._compile_model = compile_model
        self._version = version
        self._compiled = compiled = compile_model()
        self._request = compiled.create_infer_request()
        self._inputs = {_name(it): self._request.get_tensor(it) for it in compiled.inputs}
        self._outputs = {_name(it): self._request.get_tensor(it) for it in compiled.outputs}
        self._feeds: Tensors = {}
        self._copies: list[tuple[Any, Any]] = []

    @property
    def facts(self) -> Mapping[str, str]:
        effective = self._compiled.get_property
        return {
            "engine": f"openvino {self._version.partition('-')[0]}",
            "threads": str(effective("INFERENCE_NUM_THREADS")),
            "precision": self._precision(),
            "precision_hint": effective("INFERENCE_PRECISION_HINT").to_string(),
            "streams": str(effective("NUM_STREAMS")),
            "pinning": "on" if effective("ENABLE_CPU_PINNING") else "off",
            "subnormals": "flushed" if effective(_FLUSH_SUBNORMALS) else "kept",
        }

    def _precision(self) -> str:
        """Return what the running graph computes in, node by node: the hint is only a wish."""
        nodes = self._compiled.get_runtime_model().get_ops()
        types = {str(node.get_rt_info()["runtimePrecision"].astype(str)) for node in nodes}
        lowered = sorted({_LOW[name] for name in types if name in _LOW})
        if lowered:
            return " and ".join(lowered)
        return "fp32" if "f32" in types else "unknown"

    def infer(self, feeds: Tensors) -> Tensors:
        self._feeds = named = feeds_by(list(self._inputs), feeds)
        self._copies = [(self._inputs[name], array) for name, array in named.items()]
        return dict(zip(self._outputs, self._end_to_end(), strict=True))

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_calls(self._end_to_end, count)

    def profile(self, count: int) -> Profile:
        twin = OpenVinoSession(partial(self._compile_model, PERF_COUNT=True), self._version)
        twin.infer(self._feeds)
        twin.sample(WARM_UP - 1)
        before = twin.counted_us()
        samples = twin.sample(count)
        operators = [
            replace(it, ns=of_the_middle(it.ns, samples))
            for it in operators_of(before, twin.counted_us(), WARM_UP, count)
        ]
        return Profile(samples_ns=samples, operators=operators, resolution_ns=NS_PER_US)

    def counted_us(self) -> list[Counted]:
        """Return the counter of each node of the running graph: its mean since it was compiled."""
        return [
            (it.node_name, it.node_type, it.exec_type, it.real_time // timedelta(microseconds=1))
            for it in self._request.get_profiling_info()
        ]

    def sample_request(self, count: int) -> list[Nanoseconds]:
        """Return the request's own duration of each inference, on the input of `infer`.

        Nothing is copied, and neither the call around it nor waking its thread counts: what
        OpenVINO's own benchmark_app reports. No figure of the harness comes from here.
        """
        return [self._request_latency() for _ in range(count)]

    def _request_latency(self) -> Nanoseconds:
        self._request.infer()
        return Nanoseconds(round(self._request.latency * NS_PER_MS))

    def _end_to_end(self) -> list[Any]:
        for tensor, array in self._copies:
            tensor.data[...] = array
        self._request.infer()
        return [tensor.data.copy() for tensor in self._outputs.values()]


def operators_of(
    before: Sequence[Counted], after: Sequence[Counted], warm_up: int, count: int
) -> list[OperatorTime]:
    """Return the mean of each operator over `count` inferences that followed `warm_up` others.

    Nodes that do no work of their own are left out: inputs, outputs, and what another took in.
    """
    return [
        OperatorTime(
            name=name,
            type=kind,
            ns=max(0, mean * (warm_up + count) - first * warm_up) * NS_PER_US / count,
            kernel=kernel,
        )
        for (name, kind, kernel, mean), (*_, first) in zip(after, before, strict=True)
        if not kernel.startswith(_NO_WORK)
    ]


def _name(port: Any) -> str:
    """Return the name of an input or output, of which a converter may have left it none."""
    names = sorted(port.get_names())
    return names[0] if names else f"{port.get_node().get_friendly_name()}.{port.get_index()}"
