"""PyTorch on an NVIDIA GPU, in an interpreter of the user's own: eagerly, by torch.compile, or as
one CUDA graph.

A sample is end to end: inputs copied in from ordinary memory, the graph run, outputs copied out,
which waits for the device.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.core.cell import Cell, TargetSpec
from bench.core.errors import Unavailable
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Capability, import_engine, time_paced
from bench.runners.feeds import feeds_by
from bench.runners.gpu import NotOffloaded, open_gauge
from bench.runners.torch.node import Compute
from bench.runners.torch.profile import Profiled
from bench.runners.torch.runner import Graph, compiled, precision_of

_DEVICE = "cuda"
_CUDA_GRAPH = "cuda_graph"
_WARM_UP = 3  # calls before a capture, in a stream of their own, as PyTorch's notes have it


class TorchCudaRunner:
    """Opens `graph.json` with the weights beside it."""

    capabilities: frozenset[Capability] = frozenset({"targeted", "gauged", "profiled"})

    def __init__(self, target: TargetSpec | None = None) -> None:
        self._target = target or TargetSpec(kind="nvidia-gpu")

    def at(self, target: TargetSpec) -> TorchCudaRunner:
        return TorchCudaRunner(target)

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[TorchCudaSession]:
        if cell.precision != "fp32":
            raise Unavailable(
                f"the torch-cuda runner has no {cell.precision}", hint="use precision fp32"
            )
        torch = import_engine("torch", env="torch")
        if not torch.cuda.is_available():
            built = torch.version.cuda
            why = f"it is built for CUDA {built}" if built else "it is built without CUDA"
            raise Unavailable(
                f"PyTorch {torch.__version__} sees no GPU: {why}",
                hint="give a Python with a PyTorch for this GPU's driver: --env torch=PATH",
            )
        torch.set_num_threads(cell.threads)
        with torch.inference_mode():
            graph = Graph(torch, artifact, _DEVICE)
            yield TorchCudaSession(torch, graph, cell, self._target)


def tf32_off(torch: Any) -> str:
    """Turn TF32 off and return what is then effective; raises Unavailable where it stays on."""
    switches = torch.backends.cuda.matmul, torch.backends.cudnn
    for switch in switches:
        switch.allow_tf32 = False
    if any(switch.allow_tf32 for switch in switches):
        raise Unavailable(
            "PyTorch keeps TF32 on, which is less than FP32", hint="use another PyTorch"
        )
    return "off"


def check_placed(tensors: Mapping[str, Any], what: str) -> None:
    """Raise NotOffloaded unless each tensor is on the GPU."""
    for name, tensor in tensors.items():
        if tensor.device.type != _DEVICE:
            raise NotOffloaded(
                f"PyTorch has {what} {name} on {tensor.device.type}, not on the GPU",
                hint="measure it with another runner",
            )


class TorchCudaSession(Profiled):
    """A graph on the GPU and the inputs that it is run on; raises NotOffloaded and Unavailable."""

    build_ns: int | None = None
    on_gpu = True

    def __init__(self, torch: Any, graph: Graph, cell: Cell, target: TargetSpec) -> None:
        settings = {"mode": "eager", "sleep_ms": "0", **dict(cell.settings)}
        check_placed(graph.weights, "weight")
        self._torch, self._graph, self._mode = torch, graph, settings["mode"]
        self._captures = self._mode == _CUDA_GRAPH
        mode = "eager" if self._captures else self._mode
        self._run: Compute = compiled(torch, graph, mode)
        self._gauge, self._pause_s = open_gauge(target.device), int(settings["sleep_ms"]) / 1000
        self._arrays: list[Any] = []
        self._given: list[Any] = []
        self.facts = {
            "engine": f"torch {torch.__version__}",
            "threads": str(torch.get_num_threads()),
            "precision": precision_of(graph),
            "device": ", ".join(sorted({it.device.type for it in graph.weights.values()})),
            "cuda": str(torch.version.cuda),
            "gpu": target.gpu_name or "unknown",
            "tf32": tf32_off(torch),
            "mode": self._mode,
            "sleep_ms": settings["sleep_ms"],
        }

    def infer(self, feeds: Tensors) -> Tensors:
        named = feeds_by(list(self._graph.inputs), feeds)
        self._arrays = [it.astype(self._graph.inputs[name]) for name, it in named.items()]
        if not self._given:
            self._given = [self._torch.from_numpy(it).to(_DEVICE) for it in self._arrays]
            if self._captures:
                self._run = self._captured()
            outputs = dict(zip(self._graph.outputs, self._run(*self._given), strict=True))
            check_placed(outputs, "output")
        return dict(zip(self._graph.outputs, self._end_to_end(), strict=True))

    def _captured(self) -> Compute:
        """Return what launches a CUDA graph of one run on the inputs that are there now."""
        cuda, run, given = self._torch.cuda, self._run, self._given
        beside = cuda.Stream()
        beside.wait_stream(cuda.current_stream())
        with cuda.stream(beside):
            for _ in range(_WARM_UP):
                run(*given)
        cuda.current_stream().wait_stream(beside)
        graph = cuda.CUDAGraph()
        with cuda.graph(graph):
            outputs = run(*given)

        def launch(*_: Any) -> Any:
            graph.replay()
            return outputs

        return launch

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_paced(self._end_to_end, count, pause_s=self._pause_s)

    def _end_to_end(self) -> list[Any]:
        for tensor, array in zip(self._given, self._arrays, strict=True):
            tensor.copy_(self._torch.from_numpy(array))
        # A copy into ordinary memory returns when it is done, and the run before it.
        return [tensor.cpu().numpy().copy() for tensor in self._run(*self._given)]

    def begin(self) -> None:
        self._gauge.begin()

    def end(self, count: int) -> Mapping[str, float]:
        return self._gauge.end(count)

    def figures(self, count: int) -> Mapping[str, list[int]]:
        """Time runs without copies: until the call returns, and until the device is done."""
        wait, clock = self._torch.cuda.synchronize, time.perf_counter_ns
        enqueue, on_device = [0] * count, [0] * count
        wait()
        for index in range(count):
            if self._pause_s:
                time.sleep(self._pause_s)
            started = clock()
            self._run(*self._given)
            enqueue[index] = clock() - started
            wait()
            on_device[index] = clock() - started
        return {"on_device": on_device, "enqueue": enqueue}
