"""ONNX Runtime's events -> the median of each node."""

from __future__ import annotations

from typing import Any

import pytest

from bench.core.errors import BenchError
from bench.runners.onnxruntime_profile import operators_of


def run(ts: int, dur: int) -> dict[str, Any]:
    return {"cat": "Session", "ph": "X", "name": "model_run", "ts": ts, "dur": dur, "args": {}}


def node(name: str, ts: int, dur: int, index: str = "0", kind: str = "Conv") -> dict[str, Any]:
    told = {"op_name": kind, "provider": "CPUExecutionProvider", "node_index": index}
    return {
        "cat": "Node", "ph": "X", "name": f"{name}_kernel_time", "ts": ts, "dur": dur, "args": told,
    }  # fmt: skip


def test_a_node_has_its_median_over_the_runs_after_the_warm_up() -> None:
    events = [
        node("a", 1, 90), run(0, 100),
        node("a", 201, 10), node("b_nchwc", 215, 5), run(200, 30),
        node("a", 301, 70), node("b_nchwc", 375, 7), run(300, 90),  # another process had the core
        node("a", 401, 12), node("b_nchwc", 415, 6), run(400, 30),
    ]  # fmt: skip
    a, b = operators_of(events, skip=1)
    assert (a.name, a.ns, a.calls, a.kernel) == ("a", 12_000, 1, "CPU")
    assert (b.name, b.ns, b.calls, b.kernel) == ("b_nchwc", 6_000, 1, "CPU NCHWc")


def test_what_the_nodes_of_a_subgraph_took_is_not_the_enclosing_nodes_own() -> None:
    events = [
        node("body", 11, 20, "1"), node("body", 35, 20, "1"), node("loop", 10, 50, kind="Loop"),
        node("next", 60, 7, "2"), run(0, 100),
    ]  # fmt: skip
    loop, body, after = operators_of(events, skip=0)
    assert (loop.type, loop.ns, loop.calls) == ("Loop", 10_000, 1)
    assert (body.ns, body.calls) == (40_000, 2)
    assert after.ns == 7_000


def test_nodes_of_the_same_name_stay_apart_and_one_without_a_name_gets_one() -> None:
    events = [node("", 1, 3, "4"), node("", 5, 2, "7"), run(0, 9)]
    assert [(it.name, it.ns) for it in operators_of(events, skip=0)] == [
        ("Conv.4", 3_000), ("Conv.7", 2_000),
    ]  # fmt: skip


def test_a_record_that_ended_within_the_warm_up_is_no_profile() -> None:
    with pytest.raises(BenchError, match="no inference after the warm-up"):
        operators_of([run(0, 9), node("a", 1, 2)], skip=1)
