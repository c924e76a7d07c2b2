"""What becomes of the events of PyTorch's profiler: of nodes on a CPU and on a GPU, and of graphs
that run as a whole. Stand-ins for events; tests/engine/test_profiles.py has real ones.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bench.runners.profiling import OperatorTime
from bench.runners.torch.profile import Told

NODES = [("conv0", "Conv"), ("relu0", "Relu")]


def event(name: str, *below: Any, own: float = 0.0, kernels: Any = (), on: str = "CPU") -> Any:
    total = own + sum(it.cpu_time_total for it in below)
    return SimpleNamespace(
        name=name, cpu_children=list(below), self_cpu_time_total=own, cpu_time_total=total,
        device_type=f"DeviceType.{on}", time_range=SimpleNamespace(elapsed_us=lambda: own),
        kernels=[SimpleNamespace(name=name, duration=us) for name, us in kernels],
    )  # fmt: skip


def flat(*tops: Any) -> list[Any]:
    """All events, as the profiler lists them."""
    return [it for top in tops for it in (top, *flat(*top.cpu_children))]


def operators(
    *tops: Any, nodes: Any = NODES, gpu: bool = False, count: int = 1
) -> list[OperatorTime]:
    told = Told(nodes=nodes, gpu=gpu)
    told.add(flat(*tops))
    return told.operators([100] * count)


def test_a_nodes_time_is_that_of_all_that_it_calls_and_its_kernel_what_took_most() -> None:
    conv = event("aten::conv2d", event("aten::mkldnn_convolution", own=90.0), own=4.0)
    inference = event(
        "bench.inference",
        event("bench.node.0", conv, own=6.0),
        event("bench.node.1", event("aten::relu", own=8.0), own=2.0),
        event("aten::lift_fresh", own=3.0),
    )
    assert operators(inference, inference, count=2) == [
        OperatorTime(name="conv0", type="Conv", ns=100_000.0, kernel="mkldnn_convolution"),
        OperatorTime(name="relu0", type="Relu", ns=10_000.0, kernel="relu"),
    ]


def test_what_the_profiler_does_around_inferences_is_no_operator() -> None:
    assert operators(event("aten::zeros", own=50.0), nodes=[]) == []


def test_a_graph_that_runs_as_a_whole_is_told_by_what_it_calls() -> None:
    digest = "f" * 52
    inference = event(
        "bench.inference",
        event(
            f"## Call CompiledFxGraph {digest} ##",
            event("aten::addmm", own=5.0), event("aten::addmm", own=7.0), own=20.0,
        ),
    )  # fmt: skip
    assert operators(inference, nodes=[]) == [
        OperatorTime(name="Call CompiledFxGraph", type="Call CompiledFxGraph", ns=20_000.0),
        OperatorTime(name="aten::addmm", type="addmm", ns=12_000.0, calls=2.0),
    ]


def test_on_a_gpu_a_node_takes_what_its_kernels_take_and_copies_are_beside() -> None:
    launched = event("aten::conv2d", own=900.0, kernels=[("implicit_gemm", 40.0), ("pad", 2.0)])
    relu = event("aten::relu", own=80.0, kernels=[("pointwise", 2.0)])
    inference = event(
        "bench.inference", event("bench.node.0", launched), event("bench.node.1", relu)
    )
    on_gpu = [
        event(name, own=us, on="CUDA")
        for name, us in (("Memcpy HtoD", 3.0), ("implicit_gemm", 40.0), ("bench.node.0", 50.0))
    ]
    assert operators(inference, *on_gpu, gpu=True) == [
        OperatorTime(name="conv0", type="Conv", ns=42_000.0, kernel="implicit_gemm"),
        OperatorTime(name="relu0", type="Relu", ns=2_000.0, kernel="pointwise"),
        OperatorTime(name="Memcpy HtoD", type="Memcpy HtoD", ns=3_000.0),
    ]


def test_of_a_captured_graph_every_kernel_is_told() -> None:
    on_gpu = [
        event(name, own=us, on="CUDA")
        for name, us in (("gemm", 30.0), ("relu", 2.0), ("gemm", 10.0), ("bench.inference", 60.0))
    ]
    assert operators(event("bench.inference"), *on_gpu, nodes=[], gpu=True) == [
        OperatorTime(name="gemm", type="gemm", ns=40_000.0, calls=2.0),
        OperatorTime(name="relu", type="relu", ns=2_000.0),
    ]


@pytest.mark.parametrize(("us", "resolution_ns"), [(12.0, 1000), (12.345, 1)])
def test_the_resolution_is_the_profilers_own(us: float, resolution_ns: int) -> None:
    told = Told(nodes=NODES, gpu=False)
    told.add(flat(event("bench.inference", event("bench.node.0", own=us))))
    assert told.resolution_ns == resolution_ns
