"""TensorRT by itself on an NVIDIA GPU, from ONNX, with or without a CUDA graph.

A sample is end to end: copy in, run, copy out, from and to ordinary memory, as Paddle does it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.core.cell import Cell, TargetSpec
from bench.core.errors import Unavailable
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Capability, time_paced
from bench.runners.gpu import Gauge, open_gauge
from bench.runners.profiling import Profile
from bench.runners.tensorrt import cuda as cudart
from bench.runners.tensorrt import engine_cache
from bench.runners.tensorrt.context import Context
from bench.runners.tensorrt.cuda import Handle
from bench.runners.tensorrt.engine_cache import EngineKey
from bench.runners.tensorrt.engines import Made, make_engine
from bench.runners.tensorrt.inspector import layers_of
from bench.runners.tensorrt.layer_times import take_profile


class TensorrtRunner:
    """Opens `model.onnx`, exported for one batch."""

    capabilities: frozenset[Capability] = frozenset({"targeted", "gauged", "layered", "profiled"})

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
                trt, context, facts, open_gauge(self._target.device), made,
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
            flags={
                "precision": cell.precision,
                "tf32": "off",
                "tactics": settings["tactics"],
                "profiling": "detailed",
            },
        )


def _files(onnx: Path) -> list[Path]:
    """Return the file and those beside it that hold its tensors, where it is above 2 GB."""
    return [onnx, *sorted(onnx.parent.glob(f"{onnx.name}.*"))]


class TensorrtSession:
    """A context, run by `enqueue`s or by launches of a graph that holds one."""

    def __init__(
        self, trt: Any, context: Context, facts: Mapping[str, str], gauge: Gauge, made: Made,
        *, graph: str, pause_s: float,
    ) -> None:  # fmt: skip
        self._context, self._cuda, self._gauge = context, context.cuda, gauge
        self.facts, self.build_ns = facts, made.build_ns
        self._trt, self._made = trt, made
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

    def layers(self) -> list[dict[str, str]]:
        return layers_of(self._made.layers)

    def profile(self, count: int) -> Profile:
        """Profile runs by `enqueue`, in a context of their own: a graph tells no layers."""
        with ExitStack() as held:
            context = Context(self._trt, self._made.engine, self._cuda, held)
            return take_profile(self._trt, context, self._feeds, count, self.layers())

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
