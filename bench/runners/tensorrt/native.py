"""TensorRT by itself on an NVIDIA GPU, from ONNX, with or without a CUDA graph.

A sample is end to end: copy in, run, copy out, from and to ordinary memory, as Paddle does it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.cell import Cell, TargetSpec
from bench.core.errors import BenchError, Unavailable
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Capability, time_paced
from bench.runners.feeds import cast, feeds_by
from bench.runners.tensorrt import cuda as cudart
from bench.runners.tensorrt import engine_cache
from bench.runners.tensorrt.builder import build
from bench.runners.tensorrt.cuda import Cuda, Handle
from bench.runners.tensorrt.engine_cache import EngineKey, Kept, Slot
from bench.runners.tensorrt.telemetry import Gauge, open_gauge

_PLAN = "model.plan"
# By the names of TensorRT's DataType.
_DTYPES = {
    "FLOAT": "float32", "HALF": "float16", "INT32": "int32", "INT64": "int64", "INT8": "int8",
    "BOOL": "bool",
}  # fmt: skip


class TensorrtRunner:
    """Opens `model.onnx`, exported for one batch."""

    capabilities: frozenset[Capability] = frozenset({"targeted", "gauged"})

    def __init__(self, target: TargetSpec | None = None) -> None:
        self._target = target or TargetSpec(kind="nvidia-gpu")

    def at(self, target: TargetSpec) -> TensorrtRunner:
        return TensorrtRunner(target)

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[TensorrtSession]:
        if cell.precision != "fp32":
            raise Unavailable(
                f"the tensorrt runner has no {cell.precision}", hint="use precision fp32"
            )
        import tensorrt as trt

        settings = {"cuda_graph": "off", "sleep_ms": "0", "tactics": "all", **dict(cell.settings)}
        cuda, logger = cudart.load(), trt.Logger(trt.Logger.WARNING)
        made = make_engine(
            trt, logger, self._key(trt, cell, artifact, settings), self._root, artifact
        )
        facts = {
            "engine": f"TensorRT {trt.__version__}",
            "threads": str(cell.threads),
            **made.facts,
            "cuda": cuda.version(),
            "gpu": self._target.gpu_name or "unknown",
            "cuda_graph": settings["cuda_graph"],
            "sleep_ms": settings["sleep_ms"],
        }
        with ExitStack() as held:
            context = Context(trt, made.engine, cuda, held)
            yield TensorrtSession(
                context, facts, open_gauge(self._target.device), made.build_ns,
                graph=settings["cuda_graph"], pause_s=int(settings["sleep_ms"]) / 1000,
            )  # fmt: skip

    @property
    def _root(self) -> Path | None:
        return None if self._target.engines is None else Path(self._target.engines)

    def _key(self, trt: Any, cell: Cell, artifact: Path, settings: Mapping[str, str]) -> EngineKey:
        return EngineKey(
            runner="tensorrt",
            tensorrt=trt.__version__,
            gpu=self._target.gpu_name or "unknown",
            model_sha256=engine_cache.files_sha256(_files(artifact)),
            batch=cell.batch,
            flags={"precision": cell.precision, "tf32": "off", "tactics": settings["tactics"]},
        )


def _files(onnx: Path) -> list[Path]:
    """Return the file and those beside it that hold its tensors, where it is above 2 GB."""
    return [onnx, *sorted(onnx.parent.glob(f"{onnx.name}.*"))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An engine, what was effective when it was built, and what building it took, if it was now.

    `runtime` must outlive the engine.
    """

    runtime: Any
    engine: Any
    facts: Mapping[str, str]
    build_ns: int | None


def make_engine(trt: Any, logger: Any, key: EngineKey, root: Path | None, onnx: Path) -> Made:
    """Load the engine of `key` whose turn it is, or build it; raises BenchError.

    A cached engine that doesn't load, after an update of the driver say, is built again.
    """
    root = root or onnx.parent / "engines"
    slot = engine_cache.choose(root, key)
    runtime, how = trt.Runtime(logger), "built"
    if kept := engine_cache.read(slot):
        if engine := _load(runtime, slot):
            engine_cache.prove_hit(slot, kept)
            return _made(runtime, engine, slot, kept, "hit")
        how = engine_cache.REBUILT
        engine_cache.clear(slot)
    kept = _build(trt, logger, key, root, slot, onnx)
    engine = _load(runtime, slot)
    if engine is None:
        raise BenchError(
            "TensorRT can't load the engine that it has just built",
            hint="see log_tail in the cell's file; free memory of the GPU (`nvidia-smi`)",
        )
    return _made(runtime, engine, slot, kept, how)


def _load(runtime: Any, slot: Slot) -> Any:
    """Return the engine in `slot`, None where TensorRT doesn't take it, which it only logs."""
    return runtime.deserialize_cuda_engine((slot.folder / _PLAN).read_bytes())


def _made(runtime: Any, engine: Any, slot: Slot, kept: Kept, how: str) -> Made:
    engine_cache.mark_used(slot)
    return Made(
        runtime=runtime,
        engine=engine,
        facts={**kept.facts, "build": str(slot.build), "engine_cache": how},
        build_ns=None if how == "hit" else kept.build_ns,
    )


def _build(trt: Any, logger: Any, key: EngineKey, root: Path, slot: Slot, onnx: Path) -> Kept:
    """Build into `slot`. Builds of one number share their timings, of different numbers don't:
    else every build would pick what the first one did.
    """
    timings = engine_cache.timings_path(root, key, slot)
    started = time.perf_counter_ns()
    built = build(
        trt, logger, onnx, tactics=key.flags["tactics"],
        timings=timings.read_bytes() if timings.exists() else b"",
    )  # fmt: skip
    build_ns = time.perf_counter_ns() - started
    engine_cache.write(slot.folder / _PLAN, built.plan)
    engine_cache.write(timings, built.timings)
    return engine_cache.keep(slot, build_ns=build_ns, facts=built.facts)


def _dtype(engine: Any, name: str) -> str:
    """Return numpy's name of a tensor's type; the bindings' own table needs an old numpy."""
    theirs = str(engine.get_tensor_dtype(name)).rpartition(".")[2]
    if theirs not in _DTYPES:
        raise BenchError(
            f"the engine's tensor {name} is of type {theirs}",
            hint=f"this runner takes {', '.join(_DTYPES.values())}",
        )
    return _DTYPES[theirs]


class Context:
    """An engine ready to run in a stream of its own, its inputs and outputs on the device."""

    def __init__(self, trt: Any, engine: Any, cuda: Cuda, held: ExitStack) -> None:
        import numpy as np

        self.cuda, self._held = cuda, held
        self._context = engine.create_execution_context()
        self.stream = cuda.stream()
        held.callback(cuda.destroy_stream, self.stream)
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        self.outputs: dict[str, Any] = {}
        self._places: dict[str, tuple[int, tuple[int, ...]]] = {}
        self.inputs: dict[str, str] = {}
        for name in names:
            shape, dtype = tuple(engine.get_tensor_shape(name)), _dtype(engine, name)
            is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            self._places[name] = self._bind(name, size, held), shape
            if is_input:
                self.inputs[name] = dtype
            else:
                self.outputs[name] = np.empty(shape, dtype)

    def _bind(self, name: str, size: int, held: ExitStack) -> int:
        address = self.cuda.allocate(size)
        held.callback(self.cuda.free, address)
        self._context.set_tensor_address(name, address)
        return address

    def arranged(self, feeds: Tensors) -> dict[str, Any]:
        """Return `feeds` by the engine's names and in its types; raises BenchError."""
        import numpy as np

        named = feeds_by(list(self.inputs), feeds)
        for name, array in named.items():
            if array.shape != self._places[name][1]:
                raise BenchError(
                    f"the shape of input {name} is {array.shape}, the engine's "
                    f"{self._places[name][1]}",
                    hint="the artifact was exported for another batch",
                )
        arrays = cast(named, self.inputs, "TensorRT")
        return {name: np.ascontiguousarray(it) for name, it in arrays.items()}

    def copy_in(self, arrays: Mapping[str, Any]) -> None:
        for name, array in arrays.items():
            self.cuda.copy_in(self._places[name][0], array, self.stream)

    def copy_out(self) -> Mapping[str, Any]:
        """Return the outputs once everything before is done."""
        for name, array in self.outputs.items():
            self.cuda.copy_out(array, self._places[name][0], self.stream)
        self.cuda.wait(self.stream)
        return self.outputs

    def capture(self) -> Handle:
        """Return a graph of one `enqueue`, which goes with this context."""
        graph = self.cuda.capture(self.enqueue, self.stream)
        self._held.callback(self.cuda.destroy_graph, graph)
        return graph

    def enqueue(self) -> None:
        if not self._context.execute_async_v3(self.stream):
            raise BenchError(
                "TensorRT refused to run the engine", hint="see log_tail in the cell's file"
            )


class TensorrtSession:
    """A context, run by `enqueue`s or by launches of a graph that holds one."""

    def __init__(
        self, context: Context, facts: Mapping[str, str], gauge: Gauge, build_ns: int | None,
        *, graph: str, pause_s: float,
    ) -> None:  # fmt: skip
        self._context, self._cuda, self._gauge = context, context.cuda, gauge
        self.facts, self.build_ns = facts, build_ns
        self._wants_graph, self._pause_s = graph == "on", pause_s
        self._graph: Handle | None = None
        self._feeds: Mapping[str, Any] = {}

    def infer(self, feeds: Tensors) -> Tensors:
        self._feeds = self._context.arranged(feeds)
        if self._wants_graph and self._graph is None:
            self._capture()
        return {name: array.copy() for name, array in self._end_to_end().items()}

    def _capture(self) -> None:
        """TensorRT allocates on its first run, which a graph may not hold: run once before."""
        self._context.copy_in(self._feeds)
        self._context.enqueue()
        self._cuda.wait(self._context.stream)
        self._graph = self._context.capture()

    def _run(self) -> None:
        if self._graph is None:
            self._context.enqueue()
        else:
            self._cuda.launch(self._graph, self._context.stream)

    def _end_to_end(self) -> Mapping[str, Any]:
        self._context.copy_in(self._feeds)
        self._run()
        return self._context.copy_out()

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_paced(self._end_to_end, count, pause_s=self._pause_s)

    def begin(self) -> None:
        self._gauge.begin()

    def end(self, count: int) -> Mapping[str, float]:
        return self._gauge.end(count)

    def figures(self, count: int) -> Mapping[str, list[int]]:
        """Time runs without copies: by events on the device, and what handing them over takes."""
        with ExitStack() as held:
            first, last = self._cuda.event(), self._cuda.event()
            held.callback(self._cuda.destroy_event, first)
            held.callback(self._cuda.destroy_event, last)
            runs = [self._between(first, last) for _ in range(count)]
        return {"on_device": [run[0] for run in runs], "enqueue": [run[1] for run in runs]}

    def _between(self, first: Handle, last: Handle) -> tuple[int, int]:
        stream, clock = self._context.stream, time.perf_counter_ns
        if self._pause_s:
            time.sleep(self._pause_s)
        self._cuda.record(first, stream)
        started = clock()
        self._run()
        enqueue_ns = clock() - started
        self._cuda.record(last, stream)
        self._cuda.wait(stream)
        return self._cuda.elapsed_ns(first, last), enqueue_ns
