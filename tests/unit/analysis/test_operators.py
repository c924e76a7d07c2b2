"""What takes the time of a cell, and what two cells differ by."""

from __future__ import annotations

import pytest

from bench.analysis.operators import by_family, cost, diff, family, latency_ns, together_ns
from tests.fakes.records import operator, profiled

CONV, RELU = operator("conv", "Conv", 60), operator("relu", "Relu", 10)


@pytest.mark.parametrize(
    ("kind", "work"),
    [
        ("Conv", "convolution"), ("GroupConvolution", "convolution"),
        ("ConvInteger", "convolution"),
        ("ConvolutionDepthWise", "convolution"), ("aten::conv2d", "convolution"),
        ("Gemm", "matrix product"), ("FullyConnected", "matrix product"),
        ("InnerProduct", "matrix product"), ("ReorderInput", "layout change"),
        ("ShuffleChannels", "data movement"), ("VariadicSplit", "data movement"),
        ("Raster", "data movement"),
        ("GlobalAveragePool", "pooling"), ("ReduceMean", "pooling"), ("HardSwish", "elementwise"),
        ("BinaryOp", "elementwise"), ("LSTM", "LSTM"),
        ("ConvTranspose", "convolution"), ("aten::conv_transpose2d", "convolution"),
        ("QLinearConv", "convolution"), ("QLinearMatMul", "matrix product"),
        ("MatrixMultiply", "matrix product"), ("aten::baddbmm", "matrix product"),
        ("aten::linear", "matrix product"), ("aten::upsample_bilinear2d",) * 2,
        ("QLinearAdd", "elementwise"), ("QLinearGlobalAveragePool", "pooling"),
        ("QuantizeLinear", "quantisation"), ("FakeQuantize", "quantisation"),
        ("DequantizeLinear", "quantisation"), ("MultiHeadAttention", "attention"),
        ("Broadcast", "data movement"), ("Cast", "layout change"), ("Convert", "layout change"),
    ],
)  # fmt: skip
def test_what_engines_name_differently_is_the_same_kind_of_work(kind: str, work: str) -> None:
    assert family(kind) == work


def test_a_profile_is_held_against_inferences_without_it() -> None:
    one = profiled(CONV, RELU, plain_us=80, cost=1.25)
    assert (latency_ns(one), together_ns(one), cost(one)) == (80_000, 70_000, 1.25)
    assert by_family(one.operators) == {"convolution": 60_000, "elementwise": 10_000}


def test_graphs_of_the_same_names_are_matched_by_name_and_the_rest_by_kind() -> None:
    base = profiled(CONV, operator("r_1", "ReorderInput", 5), plain_us=70)
    head = profiled(
        operator("conv", "Conv", 90, "CPU NCHWc"), operator("r_2", "ReorderInput", 3),
        operator("r_3", "ReorderOutput", 4), plain_us=100,
    )  # fmt: skip
    found = diff(base, head)
    assert found.by_name
    conv, layout = found.rows
    assert (conv.name, conv.is_kind, conv.difference_ns, conv.ratio) == ("conv", False, 30_000, 1.5)
    assert conv.kernels == ("CPU", "CPU NCHWc")
    assert (layout.name, layout.is_kind, layout.difference_ns) == ("layout change", True, 2_000)
    assert layout.kernels is None
    assert (layout.base is not None, layout.head is not None) == (True, True)
    assert (found.difference_ns, found.explained_ns, found.unexplained_ns) == (
        30_000, 32_000, -2_000,
    )  # fmt: skip


def test_graphs_of_other_names_are_summed_by_kind_on_both_sides() -> None:
    base = profiled(CONV, RELU, operator("shared", "Concat", 20))
    head = profiled(operator("c", "Convolution", 50), operator("shared", "Concat", 30))
    found = diff(base, head)
    assert not found.by_name
    assert {row.name: (row.base_ns, row.head_ns) for row in found.rows} == {
        "convolution": (60_000, 50_000), "data movement": (20_000, 30_000),
        "elementwise": (10_000, 0),
    }  # fmt: skip
    (alone,) = [row for row in found.rows if row.head is None]
    assert (alone.name, alone.ratio) == ("elementwise", None)


def test_rows_are_in_the_order_of_what_they_differ_by_in_either_direction() -> None:
    base = profiled(operator("a", "Conv", 10), operator("b", "Conv", 50), operator("c", "Conv", 9))
    head = profiled(operator("a", "Conv", 15), operator("b", "Conv", 10), operator("c", "Conv", 9))
    assert [row.name for row in diff(base, head).rows] == ["b", "a", "c"]


def test_operators_of_one_name_are_one_row() -> None:
    twice = profiled(operator("", "Conv", 10), operator("", "Conv", 20))
    (row,) = diff(twice, twice).rows
    assert row.base is not None
    assert (row.base.count, row.base_ns, row.difference_ns) == (2, 30_000, 0)
