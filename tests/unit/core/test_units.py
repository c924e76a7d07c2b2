"""How numbers are written: as many figures as hold, no exponent, nothing rounded twice."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.core.units import duration, number_of, significant, to_ms, two_decimals, with_interval

POSITIVE = st.floats(min_value=1e-9, max_value=1e12)


def figures_of(text: str) -> int:
    """Return how many significant figures `text` shows; trailing zeros left of a point don't."""
    digits = Decimal(text).as_tuple().digits
    return len(digits) if "." in text else len(str(int(text)).rstrip("0"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (12.345, "12.3"), (1.5, "1.50"), (0.012345, "0.0123"), (123.4, "123"),
        (1234567, "1230000"), (9.996, "10.0"), (0.9996, "1.00"), (999.6, "1000"), (-2.5, "-2.50"),
    ],
)  # fmt: skip
def test_three_figures_are_written_without_an_exponent(value: float, text: str) -> None:
    assert significant(value) == text


def test_two_figures_are_written_when_two_are_asked_for() -> None:
    assert significant(0.0096, 2) == "0.0096"
    assert significant(0.00996, 2) == "0.010"


@given(value=POSITIVE, figures=st.integers(1, 6))
def test_never_more_figures_are_written_than_asked_for(value: float, figures: int) -> None:
    assert figures_of(significant(value, figures)) <= figures


@given(value=POSITIVE, figures=st.integers(1, 6))
def test_a_written_value_is_off_by_half_a_unit_of_its_last_figure(
    value: float, figures: int
) -> None:
    unit = 10.0 ** (math.floor(math.log10(value)) - figures + 1)
    assert abs(float(significant(value, figures)) - value) <= 0.5001 * unit


@pytest.mark.parametrize(
    ("value", "half_width", "text"),
    [
        (12.345, None, "12.3"), (12.345, 0.0, "12.3 ± 0"), (12.345, 0.234, "12.35 ± 0.23"),
        (12.345, 2.34, "12.3 ± 2.3"), (12.345, 23.4, "12 ± 23"), (1234.5, 123.4, "1230 ± 120"),
        (12.345, 0.0996, "12.35 ± 0.10"), (12.345, 9.96, "12 ± 10"), (1234.5, 99.7, "1230 ± 100"),
        (0.5, 0.00021, "0.50000 ± 0.00021"),
    ],
)  # fmt: skip
def test_the_half_width_says_how_many_figures_of_the_value_hold(
    value: float, half_width: float | None, text: str
) -> None:
    assert with_interval(value, half_width) == text


@given(value=POSITIVE, half_width=POSITIVE)
def test_value_and_half_width_end_at_the_same_place(value: float, half_width: float) -> None:
    assume(half_width < 1e3 * value)
    left, right = with_interval(value, half_width).split(" ± ")
    assert len(left.partition(".")[2]) == len(right.partition(".")[2])
    assert figures_of(right) <= 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (45.4, "45 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"),
        (3599.6, "1 h 00 min"), (3900, "1 h 05 min"), (90000, "25 h 00 min"),
    ],
)  # fmt: skip
def test_a_duration_is_written_for_a_person(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_million_nanoseconds_are_a_millisecond() -> None:
    assert to_ms(2_500_000) == 2.5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00"), (0.61, "0.61"), (0.1, "0.10"), (0.0996, "0.10"), (0.00124, "0.0012"),
        (3.2e-5, "0.000032"), (-0.004, "-0.0040"), (148.864, "148.86"),
    ],
)  # fmt: skip
def test_a_small_count_keeps_two_figures(value: float, text: str) -> None:
    assert two_decimals(value) == text


def test_a_noun_has_an_s_unless_there_is_one() -> None:
    assert [number_of(count, "more cell") for count in (0, 1, 2)] == [
        "0 more cells",
        "1 more cell",
        "2 more cells",
    ]
