"""What PyTorch's own profiler says of a graph's nodes, or of its kernels where no node runs alone.

Eagerly each node runs by itself: its time on a CPU is that of all that it calls, on a GPU that of
the kernels that it launches. A compiled or captured graph has no nodes left: what it calls is told
by its name, with the time that is its own.
Source: PyTorch, torch.profiler and torch.autograd.profiler_util, 1.13 and 2.13.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.core.units import NS_PER_US, Nanoseconds
from bench.runners.base import time_calls
from bench.runners.profiling import OperatorTime, Profile, Tally, of_the_middle
from bench.runners.torch.node import Compute

_OWN = "bench."
_INFERENCE = f"{_OWN}inference"
_NODE = f"{_OWN}node."
_ATEN = "aten::"
_AT_ONCE = 10  # inferences of one profile: each has thousands of events
_OF_A_BUILD = re.compile(r"\b[0-9a-z]{40,}\b")  # a compiled graph's hash within its event's name
_COPIES = ("Memcpy", "Memset")

Node = tuple[str, str]
"""A node's name and operator."""


class Profiled:
    """What sessions of PyTorch share: the profile of a graph on the input that they have."""

    on_gpu = False
    _torch: Any
    _graph: Any
    _run: Compute
    _mode: str
    _end_to_end: Callable[[], object]

    def profile(self, count: int) -> Profile:
        run, nodes = self._run, self._graph.nodes if self._mode == "eager" else []
        if nodes:
            self._run = self._graph.wrapped(marked(self._torch))
        try:
            return take_profile(self._torch, self._end_to_end, count, nodes=nodes, gpu=self.on_gpu)
        finally:
            self._run = run


def marked(torch: Any) -> Callable[[int, Compute], Compute]:
    """Return what marks the events of a node, by its number, for `take_profile`."""
    mark = torch.profiler.record_function

    def wrap(index: int, compute: Compute) -> Compute:
        def marked_compute(*inputs: Any) -> Any:
            with mark(f"{_NODE}{index}"):
                return compute(*inputs)

        return marked_compute

    return wrap


def take_profile(
    torch: Any, infer: Callable[[], object], count: int, *, nodes: Sequence[Node], gpu: bool
) -> Profile:
    """Return the profile of `count` calls of `infer`, which returns when its work is done.

    `nodes` are those that `marked` has marked, none for a graph that runs as a whole.
    """
    activity = torch.profiler.ProfilerActivity
    activities = [activity.CPU, activity.CUDA] if gpu else [activity.CPU]

    def one() -> None:
        with torch.profiler.record_function(_INFERENCE):
            infer()

    def taken(times: int) -> tuple[list[Nanoseconds], Sequence[Any]]:
        with torch.profiler.profile(activities=activities) as profiler:
            samples = time_calls(one, times)
        return samples, profiler.events()

    taken(1)  # the first profile of a process takes long to begin
    told, samples = Told(nodes=nodes, gpu=gpu), list[Nanoseconds]()
    for start in range(0, count, _AT_ONCE):
        more, events = taken(min(_AT_ONCE, count - start))
        samples += more
        told.add(events)
    return Profile(
        samples_ns=samples, operators=told.operators(samples), resolution_ns=told.resolution_ns
    )


class Told:
    """What the events of profiles tell of each operator."""

    def __init__(self, *, nodes: Sequence[Node], gpu: bool) -> None:
        self._nodes, self._gpu = nodes, gpu
        self._tally = Tally()
        self._kernels: dict[str, str] = {}
        # On a GPU work that belongs to no node; it bears no inference's number.
        self._beside: dict[str, list[float]] = {}
        self._whole = True

    def add(self, events: Sequence[Any]) -> None:
        """Add the events of one profile."""
        for inference in (it for it in events if it.name == _INFERENCE):
            self._tally.begin()
            for event in _below(inference):
                if event.name.startswith(_NODE):
                    self._add_node(event)
                elif not self._nodes and not self._gpu:
                    name = _OF_A_BUILD.sub("", event.name).strip("# ")
                    self._add(name, event.self_cpu_time_total)
        names = _COPIES if self._nodes else ("",)
        for event in events if self._gpu else ():
            # A GPU's events repeat the marks.
            if not _on_cpu(event) and event.name.startswith(names) and _OWN not in event.name:
                us = event.time_range.elapsed_us()
                self._beside.setdefault(event.name, []).append(us * NS_PER_US)

    def _add_node(self, event: Any) -> None:
        below = list(_below(event))
        if self._gpu:
            parts = [(it.duration, it.name) for one in (event, *below) for it in one.kernels]
            self._add(event.name, sum(us for us, _ in parts))
        else:
            parts = [(it.self_cpu_time_total, it.name) for it in below]
            self._add(event.name, event.cpu_time_total)
        self._kernels.setdefault(event.name, max(parts, default=(0, ""))[1])

    def _add(self, key: str, us: float) -> None:
        self._whole = self._whole and us == int(us)
        self._tally.add(key, us * NS_PER_US)

    @property
    def resolution_ns(self) -> int:
        """What the profiler cuts its times off to: later PyTorch has nanoseconds."""
        return NS_PER_US if self._whole else 1

    def operators(self, samples_ns: Sequence[int]) -> list[OperatorTime]:
        """Return the operators, nodes in the graph's order; `samples_ns` are the inferences."""
        count = len(samples_ns)
        return [
            *(self._operator(*it) for it in self._named()),
            *(
                OperatorTime(
                    name=name,
                    type=name,
                    ns=of_the_middle(sum(times) / count, samples_ns),
                    calls=len(times) / count,
                )
                for name, times in self._beside.items()
            ),
        ]

    def _named(self) -> Iterator[tuple[str, str, str]]:
        """Yield the key of each operator with its name and type."""
        if self._nodes:
            for index, (name, kind) in enumerate(self._nodes):
                yield f"{_NODE}{index}", name, kind
            return
        for key in map(str, self._tally):
            yield key, key, key.removeprefix(_ATEN)

    def _operator(self, key: str, name: str, kind: str) -> OperatorTime:
        kernel = self._kernels.get(key, "").removeprefix(_ATEN)
        return self._tally.operator(key, name=name, kind=kind, kernel=kernel)


def _below(event: Any) -> Iterator[Any]:
    """Yield every event within another one of the CPU's."""
    for child in event.cpu_children:
        yield child
        yield from _below(child)


def _on_cpu(event: Any) -> bool:
    return str(event.device_type).endswith("CPU")
