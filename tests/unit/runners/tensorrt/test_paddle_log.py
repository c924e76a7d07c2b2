"""How much of a graph TensorRT took, read from lines in glog's form.

The lines on sub-graphs and engines are as people have posted them of Paddle runs; the others are
put together from the texts in Paddle 2.6's source.
"""

from __future__ import annotations

import pytest

from bench.runners import RUNNERS
from bench.runners.tensorrt.paddle_log import (
    Engines,
    Nothing,
    Offload,
    Partial,
    Whole,
    engines,
    offload,
)

AT = "I0602 15:08:19.482378 15880 tensorrt_subgraph_pass.cc:"
ENABLED = (
    "I0302 11:40:30.714800 4082974 analysis_predictor.cc:1099] TensorRT subgraph engine is enabled"
)
FUSED = "I0302 11:40:31.123723 4082974 fuse_pass_base.cc:59] ---  detected 425 subgraphs"
SIX = f"{AT}126] ---  detect a sub-graph with 6 nodes"
FORTY = f"{AT}126] ---  detect a sub-graph with 40 nodes"
PREPARES = (
    f"{AT}347] Prepare TRT engine (Optimize model structure, Select OP kernel etc). "
    "This process may cost a lot of time."
)
LOADS = f"{AT}802] Load TRT Optimized Info from /c/build-0//trt_serialized_1234"
CANT = (
    "W0602 15:08:19.482378 15880 tensorrt_subgraph_pass.cc:808] Fail to load TRT Optimized Info "
    "from /c/build-0//trt_serialized_1234. Engine deserialization failed: Serialized Engine Version"
)
SAVES = f"{AT}870] Save TRT Optimized Info to /c/build-0//trt_serialized_1234"
WHOLE = f"{AT}241] The entire graph is offloaded to TensorRT."


def left(kind: str) -> str:
    return (
        f"I0602 15:08:19.482378 15880 tensorrt_subgraph_pass.cc:211] {kind} op is not in TensorRT"
    )


FEED, FETCH = left("feed"), left("fetch")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([ENABLED, FUSED, FEED, FETCH, SIX, PREPARES, WHOLE], Whole(subgraphs=1, nodes=6)),
        ([SIX, PREPARES, FORTY, PREPARES, WHOLE], Whole(subgraphs=2, nodes=46)),
        ([FEED, left("shape"), left("slice"), left("shape"), FETCH, SIX, PREPARES],
         Partial(subgraphs=1, nodes=6, left=("shape", "slice"))),
        ([SIX, FORTY], Partial(subgraphs=2, nodes=46, left=())),
        ([ENABLED, FUSED, FEED, left("conv2d"), FETCH], Nothing()),
        ([], Nothing()),
        ([WHOLE], Nothing()),
    ],
    ids=["whole", "whole in two", "partial", "not told", "none", "silence", "no sub-graph"],
)  # fmt: skip
def test_the_log_tells_how_much_tensorrt_took(lines: list[str], found: Offload) -> None:
    assert offload("\n".join(lines)) == found


def test_a_partial_offload_is_told_in_a_clause() -> None:
    one = Partial(subgraphs=1, nodes=6, left=("shape", "slice"))
    assert one.sentence == "TensorRT took 1 sub-graph of 6 nodes in all, left out: shape, slice"
    two = Partial(subgraphs=2, nodes=46, left=())
    assert two.sentence == (
        "TensorRT took 2 sub-graphs of 46 nodes in all, what is left out isn't told"
    )


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([SIX, PREPARES, SAVES], Engines(built=1, loaded=0, refused=0)),
        ([SIX, LOADS], Engines(built=0, loaded=1, refused=0)),
        ([SIX, CANT, PREPARES, SAVES], Engines(built=1, loaded=0, refused=1)),
        ([SIX, LOADS, FORTY, LOADS], Engines(built=0, loaded=2, refused=0)),
        ([], Engines(built=0, loaded=0, refused=0)),
    ],
)
def test_the_log_tells_what_became_of_the_engines(lines: list[str], found: Engines) -> None:
    assert engines("\n".join(lines)) == found


def test_a_child_is_told_to_say_all_that_is_read_here() -> None:
    told = dict(RUNNERS["paddle-tensorrt"].child_env)
    assert told["GLOG_vmodule"] == "tensorrt_subgraph_pass=3"
    assert told["GLOG_logtostderr"] == "1"
    assert told["NVIDIA_TF32_OVERRIDE"] == "0"
