"""What Paddle's TensorRT pass logs of a graph: how much of it TensorRT took. Pure.

The lines are glog's, as paddle/fluid/inference/analysis/ir_passes/tensorrt_subgraph_pass.cc of
Paddle 2.6 writes them. The names of what stayed behind come at verbosity 3 of that file.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import BenchError
from bench.core.program import command

_SUBGRAPH = re.compile(r"detect a sub-graph with (\d+) nodes")
_WHOLE = "The entire graph is offloaded to TensorRT."
_LEFT = re.compile(r"\] (\w+) op is not in TensorRT")
_PREPARES = "Prepare TRT engine"
_LOADS = re.compile(r"(?<!Fail to )Load TRT Optimized Info from")
_CANT_LOAD = "Fail to load TRT Optimized Info from"

# In every program, and TensorRT takes neither: they bring the input in and the output out.
_ALWAYS_LEFT = {"feed", "fetch"}

VERBOSITY = "tensorrt_subgraph_pass=3"
"""What GLOG_vmodule must hold for `Partial.left` to be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """All of the graph runs in TensorRT, in `subgraphs` engines of `nodes` nodes in all."""

    subgraphs: int
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """Some of the graph runs in TensorRT; `left` names the kinds of nodes that don't."""

    subgraphs: int
    nodes: int
    left: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What a person should know of it, as a clause."""
        many = "sub-graph" if self.subgraphs == 1 else "sub-graphs"
        left = f"left out: {', '.join(self.left)}" if self.left else "what is left out isn't told"
        return f"TensorRT took {self.subgraphs} {many} of {self.nodes} nodes in all, {left}"


@dataclass(frozen=True, slots=True)
class Nothing:
    """TensorRT took no part of the graph."""


Offload = Whole | Partial | Nothing


def offload(log: str) -> Offload:
    """Return how much of the graph TensorRT took, from the pass's lines in `log`."""
    sizes = [int(size) for size in _SUBGRAPH.findall(log)]
    if not sizes:
        return Nothing()
    if _WHOLE in log:
        return Whole(subgraphs=len(sizes), nodes=sum(sizes))
    left = dict.fromkeys(kind for kind in _LEFT.findall(log) if kind not in _ALWAYS_LEFT)
    return Partial(subgraphs=len(sizes), nodes=sum(sizes), left=tuple(sorted(left)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """How many engines were built, loaded from files, and found in files that can't be loaded."""

    built: int
    loaded: int
    refused: int


def engines(log: str) -> Engines:
    """Return what became of the engines, from the pass's lines in `log`."""
    return Engines(
        built=log.count(_PREPARES), loaded=len(_LOADS.findall(log)), refused=log.count(_CANT_LOAD)
    )


_STDERR = 2


def mark(descriptor: int = _STDERR) -> int:
    """Return where stderr stands now; raises BenchError where it is no file."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise BenchError(
            "the engine's log can't be read back: stderr is no file",
            hint=f"run it through {command('run')}, which gives it one",
        )
    return status.st_size


def since(position: int, descriptor: int = _STDERR) -> str:
    """Return what was written since `mark` returned `position`."""
    with Path(f"/proc/self/fd/{descriptor}").open("rb") as file:
        file.seek(position)
        return file.read().decode("utf-8", "replace")
