"""Whether outputs are the reference's: distances, names, axes of one, types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.worker.outputs import WrongOutput, check_output, check_outputs

LOGITS = np.array([[3.0, 0.0, 4.0]])
OFF = np.array([[0.0, 0.5, 0.0]])  # a tenth of the logits' length


def test_the_same_output_is_at_no_distance() -> None:
    assert check_output(LOGITS.astype(np.float32), LOGITS, 0.0) == 0.0


def test_the_distance_is_relative_to_the_reference() -> None:
    assert check_output(1000 * LOGITS * 1.01, 1000 * LOGITS, 0.02) == pytest.approx(0.01)
    assert check_output(LOGITS + OFF, LOGITS, 1.0) == pytest.approx(0.1)


def test_a_distance_of_exactly_the_tolerance_is_allowed() -> None:
    output = LOGITS + 1.25 * OFF
    assert check_output(output, LOGITS, 0.125) == 0.125
    with pytest.raises(WrongOutput, match=r"0\.125 away .* 0\.124 is allowed"):
        check_output(output, LOGITS, 0.124)


@pytest.mark.parametrize(("share", "helps"), [(0.01, True), (1.0, False), (np.nan, False)])
def test_what_an_engine_may_have_rounded_can_be_allowed(share: float, *, helps: bool) -> None:
    with pytest.raises(WrongOutput) as caught:
        check_output(LOGITS + share * OFF, LOGITS, 1e-4)
    assert ("--tolerance" in caught.value.hint) is helps


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_is_wrong_whatever_the_tolerance(value: float) -> None:
    with pytest.raises(WrongOutput, match="holds infinities or NaN") as caught:
        check_output([[3.0, value, 4.0]], LOGITS, 1e300)
    with pytest.raises(WrongOutput, match="holds infinities or NaN"):
        check_output([[0, value, 1]], np.array([[0, 1, 1]]), 0.99)
    assert caught.value.kind == "wrong-output"


@pytest.mark.parametrize(
    "reshape",
    [
        lambda x: np.tile(x, 2),
        lambda x: x[None].repeat(2, 0),
        lambda x: x[:, :2],
        lambda x: np.vstack([x, x]),
        lambda _: 3.0,
    ],
)
def test_an_output_of_another_shape_is_wrong_though_it_would_broadcast(
    reshape: Callable[[Any], Any],
) -> None:
    with pytest.raises(WrongOutput, match=r"shape is \(.*\), the reference's \(1, 3\)"):
        check_output(reshape(LOGITS), LOGITS, 1e300)


@pytest.mark.parametrize(
    "reshape", [lambda x: x[0], lambda x: x.T, lambda x: x[..., None, None], lambda x: x[:, None]]
)
def test_an_output_that_differs_from_the_reference_by_axes_of_one_is_compared_without_them(
    reshape: Callable[[Any], Any],
) -> None:
    assert check_output(reshape(LOGITS), LOGITS, 0.0) == 0.0
    with pytest.raises(WrongOutput, match="away from the reference"):
        check_output(reshape(-LOGITS), LOGITS, 1.0)


def test_axes_of_one_are_no_leave_to_transpose() -> None:
    logits = np.arange(6.0).reshape(2, 3)
    with pytest.raises(WrongOutput, match="shape"):
        check_output(logits.T[None], logits, 1e300)


def test_a_reference_of_zeros_alone_is_no_reference() -> None:
    zeros = {"y": np.zeros((1, 3))}
    with pytest.raises(WrongOutput, match="all zeros, which tells no net from another"):
        check_outputs(zeros, zeros, 1.0)


def test_beside_another_output_zeros_are_an_answer() -> None:
    reference = {"y": LOGITS, "none": np.zeros((1, 3))}
    assert check_outputs(reference, reference, 0.0) == 0.0
    with pytest.raises(WrongOutput, match=r"output none: the output is 0\.5 away"):
        check_outputs({**reference, "none": OFF}, reference, 0.1)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3),
    st.floats(1e-6, 1e-2),
)
def test_an_output_passes_exactly_when_its_distance_is_within_the_tolerance(
    off: list[float], tolerance: float
) -> None:
    output = LOGITS + 1e-5 * np.array([off])
    distance = float(np.linalg.norm(output - LOGITS)) / 5.0
    if distance <= tolerance:
        assert check_output(output, LOGITS, tolerance) == pytest.approx(distance)
    else:
        with pytest.raises(WrongOutput):
            check_output(output, LOGITS, tolerance)


BOXES, SCORES = np.arange(8.0).reshape(1, 2, 4) + 1, np.array([[5.0, 6.0]])
REFERENCE = {"boxes": BOXES, "scores": SCORES}


@pytest.mark.parametrize(
    "outputs",
    [
        {"boxes": BOXES, "scores": SCORES},
        {"scores": SCORES, "boxes": BOXES},
        {"out0": BOXES, "out1": SCORES},
        {"out0": SCORES, "out1": BOXES},
        {"spare": SCORES + 1, "scores": SCORES[0], "out1": BOXES[0], "more": BOXES},
    ],
)
def test_outputs_are_matched_by_name_or_by_what_they_are(outputs: dict[str, Any]) -> None:
    assert check_outputs(outputs, REFERENCE, 0.0) == 0.0


def test_outputs_of_one_shape_are_told_apart_by_their_values() -> None:
    one, two = LOGITS, LOGITS + OFF
    assert check_outputs({"a": two, "b": one}, {"first": one, "second": two}, 0.01) == 0.0
    with pytest.raises(WrongOutput, match=r"output second: the output is .* away"):
        check_outputs({"a": one, "b": one}, {"first": one, "second": two}, 0.01)


def test_the_distance_is_that_of_the_worst_output() -> None:
    outputs = {"boxes": BOXES * 1.02, "scores": SCORES * 1.01}
    assert check_outputs(outputs, REFERENCE, 0.1) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"boxes": BOXES}, "the outputs are boxes, the reference's boxes, scores"),
        ({}, "the outputs are none"),
        ({"boxes": BOXES, "scores": SCORES * 2}, "output scores: .* 1 away"),
        ({"boxes": BOXES, "a": BOXES, "b": SCORES + 3}, "output scores: .* away"),
        ({"boxes": BOXES, "a": np.ones((7, 7))}, "output scores: the output's shape is"),
    ],
)
def test_what_is_wrong_is_said_of_the_output(outputs: dict[str, Any], message: str) -> None:
    with pytest.raises(WrongOutput, match=message):
        check_outputs(outputs, REFERENCE, 0.1)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, bool])
def test_whole_numbers_are_compared_one_by_one(dtype: Any) -> None:
    kinds: Any = np.array([[0, 1, 0, 1]]).astype(dtype)
    assert check_output(kinds.astype(np.int32), kinds, 0.0) == 0.0
    assert check_output(0 * kinds, 0 * kinds, 0.0) == 0.0, "zero is an answer too"


def test_large_whole_numbers_are_compared_to_the_last_digit() -> None:
    with pytest.raises(WrongOutput, match="1 away from the reference"):
        check_output(np.array([2**60 + 1]), np.array([2**60]), 0.1)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, bool])
def test_one_whole_number_of_four_that_differs_is_a_quarter(dtype: Any) -> None:
    kinds: Any = np.array([[0, 1, 0, 1]]).astype(dtype)
    with pytest.raises(WrongOutput, match=r"0\.25 away from the reference \(share of values\)"):
        check_output(np.array([[0, 1, 1, 1]]), kinds, 1e-4)
