"""What ONNX Runtime's own profile says of each node.

The profile is a list of events; times are in whole microseconds. A node's event encloses those of
its subgraph, which are nodes too: what they took isn't the node's own.
"""

from __future__ import annotations

import json
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from bench.core.errors import BenchError
from bench.core.units import NS_PER_US
from bench.runners.base import time_calls
from bench.runners.profiling import WARM_UP, OperatorTime, Profile

_RUN = "model_run"
_END = "_kernel_time"
_BLOCKED = "_nchwc"  # what ONNX Runtime adds to the name of a node in blocks of channels

_Node = tuple[str, str, str, str]

Event = Mapping[str, Any]


def take_profile(
    open_session: Callable[[str], Any], feeds: Mapping[str, Any], count: int
) -> Profile:
    """Return the profile of `count` runs on `feeds`.

    `open_session` opens a session whose profile goes to a file that begins with the prefix it gets.
    """
    with tempfile.TemporaryDirectory(prefix="bench-profile-") as folder:
        session = open_session(str(Path(folder) / "profile"))
        for _ in range(WARM_UP):
            session.run(None, feeds)
        samples = time_calls(lambda: session.run(None, feeds), count)
        events = json.loads(Path(session.end_profiling()).read_bytes())
    return Profile(
        samples_ns=samples,
        operators=operators_of(events, skip=WARM_UP),
        resolution_ns=NS_PER_US,
    )


def operators_of(events: Iterable[Event], *, skip: int) -> list[OperatorTime]:
    """Return each node's median over all runs but the first `skip`, in the order of the graph.

    Raises BenchError where no other run was recorded: ONNX Runtime stops at a million events.
    """
    spans = sorted((it for it in events if it.get("ph") == "X"), key=_outer_first)
    runs = [it for it in spans if it["name"] == _RUN][skip:]
    if not runs:
        raise BenchError(
            "ONNX Runtime recorded no inference after the warm-up",
            hint="the net has more nodes than its profile takes: use another runner",
        )
    begins, last = [it["ts"] for it in runs], _end_of(runs[-1])
    spent: dict[_Node, list[float]] = {}
    calls: Counter[_Node] = Counter()
    for event, own_us in _own_times(it for it in spans if begins[0] <= it["ts"] <= last):
        node = _node_of(event)
        each = spent.setdefault(node, [0.0] * len(runs))
        each[bisect_right(begins, event["ts"]) - 1] += own_us
        calls[node] += 1
    return [
        OperatorTime(
            name=node[0] or f"{node[1]}.{node[3]}",
            type=node[1],
            ns=median(each) * NS_PER_US,
            calls=calls[node] / len(runs),
            kernel=node[2],
        )
        for node, each in spent.items()
    ]


def _outer_first(event: Event) -> tuple[int, int]:
    return event["ts"], -event["dur"]


def _end_of(event: Event) -> int:
    end: int = event["ts"] + event["dur"]
    return end


def _own_times(spans: Iterable[Event]) -> list[tuple[Event, float]]:
    """Return each node's event with its time without the nodes that it encloses, in us."""
    owns: list[tuple[Event, list[float]]] = []
    around: list[tuple[Event, list[float]]] = []
    for event in spans:
        if event.get("cat") != "Node" or not event["name"].endswith(_END):
            continue
        while around and _end_of(around[-1][0]) < _end_of(event):
            around.pop()
        if around:
            around[-1][1][0] -= event["dur"]
        owns.append((event, [float(event["dur"])]))
        around.append(owns[-1])
    return [(event, own) for event, [own] in owns]


def _node_of(event: Event) -> _Node:
    """Return what names the node of an event: its name, type, kernel and index in the graph."""
    name = event["name"].removesuffix(_END)
    args = event["args"]
    kernel = args.get("provider", "").removesuffix("ExecutionProvider")
    blocked = " NCHWc" if name.endswith(_BLOCKED) else ""
    return name, args.get("op_name", ""), kernel + blocked, args.get("node_index", "")
