"""PyTorch on the CPU, in an interpreter of the user's own: eagerly, or by torch.compile.

A sample is end to end: inputs handed over, the graph run, outputs as arrays.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.runners.base import Capability, import_engine, require_precision, time_calls
from bench.runners.feeds import feeds_by
from bench.runners.torch.node import ABSENT, Compute, Node
from bench.runners.torch.operators import bind
from bench.runners.torch.profile import Profiled


class TorchRunner:
    """Opens `graph.json` with the weights beside it."""

    imports = ("torch",)
    capabilities: frozenset[Capability] = frozenset({"profiled"})

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[TorchSession]:
        require_precision(cell, "fp32")
        torch = import_engine("torch", env="torch")
        torch.set_num_threads(cell.threads)
        flushes = torch.set_flush_denormal(True)
        mode = dict(cell.settings).get("mode", "eager")
        with torch.inference_mode():
            graph = Graph(torch, artifact)
            yield TorchSession(torch, graph, compiled(torch, graph, mode), mode, flushes=flushes)


def compiled(torch: Any, graph: Graph, mode: str) -> Compute:
    """Return what runs `graph` in that mode; raises Unavailable where PyTorch hasn't got it."""
    if mode == "eager":
        return graph.run
    if not hasattr(torch, "compile"):
        raise Unavailable(
            f"PyTorch {torch.__version__} has no torch.compile", hint="use PyTorch 2, or mode=eager"
        )
    compiled: Compute = torch.compile(graph.run, backend=mode)
    return compiled


class Graph:
    """A net as PyTorch computes it: nodes bound once, weights as its tensors."""

    def __init__(self, torch: Any, artifact: Path, device: str = "cpu") -> None:
        import numpy as np

        said = json.loads(artifact.read_text(encoding="utf-8"))
        stored = np.load(artifact.with_name("weights.npz"))
        arrays = {name: stored[str(number)] for number, name in enumerate(said["weights"])}
        self.inputs: dict[str, str] = {name: it[0] for name, it in said["inputs"].items()}
        self.outputs: list[str] = said["outputs"]
        self.weights = {
            name: torch.from_numpy(array.copy()).to(device) for name, array in arrays.items()
        }
        self.nodes = [(it.get("name") or it["outputs"][0], it["op"]) for it in said["nodes"]]
        self.steps = [
            (
                bind(torch, _node(node, arrays, said["opset"], device)),
                _names(node["inputs"]),
                node["outputs"],
            )
            for node in said["nodes"]
        ]
        self._last_uses = _last_uses(self.steps, keep={*self.outputs, *self.weights})

    def wrapped(self, wrap: Callable[[int, Compute], Compute]) -> Compute:
        """Return `run` with each node's work, by its number, through `wrap`."""
        twin = copy(self)
        twin.steps = [
            (wrap(index, compute), *names) for index, (compute, *names) in enumerate(self.steps)
        ]
        return twin.run

    def run(self, *inputs: Any) -> tuple[Any, ...]:
        """Return the outputs for inputs in the graph's order; what isn't needed any more goes."""
        known = {**self.weights, **dict(zip(self.inputs, inputs, strict=True)), "": None}
        for (compute, names, outputs), done in zip(self.steps, self._last_uses, strict=True):
            result = compute(*[known[name] for name in names])
            if len(outputs) == 1:
                result = (result[0] if isinstance(result, tuple | list) else result,)
            known.update(zip(outputs, result, strict=False))
            for name in done:
                del known[name]
        return tuple(known[name] for name in self.outputs)


def _names(inputs: list[str]) -> list[str]:
    """Return a node's inputs without those that it leaves out at the end."""
    while inputs and not inputs[-1]:
        inputs = inputs[:-1]
    return inputs


def _node(
    node: Mapping[str, Any], arrays: Mapping[str, Any], opset: int, device: str
) -> Node:  # fmt: skip
    constants = [arrays.get(name) if name else ABSENT for name in node["inputs"]]
    return Node(
        op=node["op"],
        attributes=node["attributes"],
        constants=constants,
        outputs=len(node["outputs"]),
        opset=opset,
        device=device,
    )


def _last_uses(steps: list[Any], *, keep: set[str]) -> list[list[str]]:
    """Return for each step the tensors that no later one takes."""
    seen, uses = {*keep, ""}, []
    for _, inputs, outputs in reversed(steps):
        done = [name for name in dict.fromkeys([*inputs, *outputs]) if name not in seen]
        seen |= {*done}
        uses.append(done)
    return uses[::-1]


class TorchSession(Profiled):
    """A graph and the inputs that it is run on."""

    def __init__(
        self, torch: Any, graph: Graph, run: Compute, mode: str, *, flushes: bool
    ) -> None:  # fmt: skip
        self._torch, self._graph, self._run, self._mode = torch, graph, run, mode
        self._flushes = flushes
        self._feeds: list[Any] = []

    @property
    def facts(self) -> Mapping[str, str]:
        weights = self._graph.weights.values()
        return {
            "engine": f"torch {self._torch.__version__}",
            "threads": str(self._torch.get_num_threads()),
            "precision": precision_of(self._graph),
            "device": ", ".join(sorted({it.device.type for it in weights})) or "cpu",
            "mode": self._mode,
            "onednn": "on" if self._torch.backends.mkldnn.is_available() else "off",
            "subnormals": "flushed" if self._flushes else "kept",
        }

    def infer(self, feeds: Tensors) -> Tensors:
        named = feeds_by(list(self._graph.inputs), feeds)
        self._feeds = [it.astype(self._graph.inputs[name]) for name, it in named.items()]
        return dict(zip(self._graph.outputs, self._end_to_end(), strict=True))

    def sample(self, count: int) -> list[Nanoseconds]:
        return time_calls(self._end_to_end, count)

    def _end_to_end(self) -> list[Any]:
        given = [self._torch.from_numpy(array) for array in self._feeds]
        return [tensor.numpy() for tensor in self._run(*given)]


_PRECISIONS = {"torch.float32": "fp32", "torch.float16": "fp16", "torch.bfloat16": "bf16"}


def precision_of(graph: Graph) -> str:
    """Return the types of a graph's weights, in which PyTorch computes."""
    dtypes = {str(it.dtype) for it in graph.weights.values() if it.is_floating_point()}
    return " and ".join(sorted(_PRECISIONS.get(it, it) for it in dtypes)) or "fp32"
