"""OpenVINO's counters, which are means since the model was compiled -> the mean of what counts."""

from __future__ import annotations

from bench.runners.openvino import operators_of


def test_what_the_warm_up_took_is_taken_off_the_counters() -> None:
    before = [("conv", "Convolution", "jit_f32", 40)]
    after = [("conv", "Convolution", "jit_f32", 22)]
    (conv,) = operators_of(before, after, 10, 90)
    assert (conv.name, conv.type, conv.kernel, conv.calls) == ("conv", "Convolution", "jit_f32", 1)
    assert conv.ns == (22 * 100 - 40 * 10) * 1000 / 90


def test_a_counter_cut_to_whole_microseconds_gives_no_time_below_zero() -> None:
    before, after = [("a", "Concat", "ref_f32", 1)], [("a", "Concat", "ref_f32", 0)]
    assert [it.ns for it in operators_of(before, after, 10, 90)] == [0]


def test_inputs_and_what_another_operator_took_in_are_no_operators() -> None:
    counters = [
        ("x", "Parameter", "unknown_f32", 0), ("relu", "Relu", "undef", 0),
        ("conv", "Convolution", "jit_f32", 9),
    ]  # fmt: skip
    assert [it.name for it in operators_of(counters, counters, 10, 90)] == ["conv"]
