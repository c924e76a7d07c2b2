"""Estimates: the session is the unit, the interval Student's t, scipy and a simulation agree."""

from __future__ import annotations

import random
from statistics import StatisticsError, fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from bench.analysis.statistics import holm, summarize, t_interval, t_quantile

VALUES = st.lists(st.floats(1e3, 1e9), min_size=2, max_size=12).filter(
    lambda values: max(values) - min(values) > 1e-6 * max(values)
)
SESSIONS = st.lists(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=9), min_size=1, max_size=6
)  # fmt: skip


@given(values=VALUES)
def test_the_interval_is_scipys(values: list[float]) -> None:
    middle, half = t_interval(values)
    low, high = scipy_stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert half is not None
    assert middle == pytest.approx((low + high) / 2, rel=1e-9)
    assert half == pytest.approx((high - low) / 2, rel=1e-6)


@given(values=VALUES, factor=st.floats(0.1, 10), shift=st.floats(0, 1e6))
def test_the_interval_moves_with_its_values(
    values: list[float], factor: float, shift: float
) -> None:
    middle, half = t_interval(values)
    moved_middle, moved_half = t_interval([factor * value + shift for value in values])
    assert half is not None
    assert moved_middle == pytest.approx(factor * middle + shift, rel=1e-9)
    assert moved_half == pytest.approx(factor * half, rel=1e-3)


def test_a_single_value_has_no_interval() -> None:
    assert t_interval([4.0]) == (4.0, None)


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert t_interval([4.0, 4.0, 4.0]) == (4.0, 0.0)


def test_the_quantiles_are_those_of_the_printed_tables() -> None:
    rounded = [round(t_quantile(degrees), 3) for degrees in (1, 4, 9, 120)]
    assert rounded == [12.706, 2.776, 2.262, 1.980]
    assert round(t_quantile(4, 0.99), 3) == 4.604


@pytest.mark.parametrize("sessions", [2, 3, 5, 10])
def test_the_interval_covers_the_truth_as_often_as_it_says(sessions: int) -> None:
    draws = np.random.default_rng(1).normal(100.0, 5.0, size=(4000, sessions)).tolist()
    covered = 0
    for values in draws:
        middle, half = t_interval(values)
        covered += half is not None and abs(middle - 100.0) <= half
    assert 0.935 <= covered / len(draws) <= 0.965


def test_the_session_counts_and_not_the_sample() -> None:
    estimate = summarize([[10, 10, 10, 10, 10, 10, 10], [20]], "median")
    assert estimate.value_ns == 15.0
    assert estimate.half_width_ns == pytest.approx(t_quantile(1) * 5.0)
    assert (estimate.sessions, estimate.samples, estimate.statistic) == (2, 8, "median")


def test_a_session_of_many_samples_is_still_one_without_an_interval() -> None:
    assert summarize([[1, 2, 3, 4, 5]], "median").half_width_ns is None


def test_the_median_forgets_an_outlier_and_the_mean_does_not() -> None:
    sessions = [[10, 12, 998]]
    assert summarize(sessions, "median").value_ns == 12.0
    assert summarize(sessions, "mean").value_ns == 340.0


@given(sessions=SESSIONS, seed=st.integers(0, 9), statistic=st.sampled_from(["median", "mean"]))
def test_neither_the_order_of_sessions_nor_of_samples_matters(
    sessions: list[list[int]], seed: int, statistic: str
) -> None:
    shuffled = [list(samples) for samples in sessions]
    shuffler = random.Random(seed)  # noqa: S311 - an order, not a secret
    shuffler.shuffle(shuffled)
    for samples in shuffled:
        shuffler.shuffle(samples)
    one, other = summarize(sessions, statistic), summarize(shuffled, statistic)
    assert other.value_ns == pytest.approx(one.value_ns)
    assert other.half_width_ns == pytest.approx(one.half_width_ns, abs=1e-3)
    assert other.samples == one.samples


@given(sessions=SESSIONS)
def test_an_estimate_lies_between_the_shortest_and_the_longest_sample(
    sessions: list[list[int]],
) -> None:
    samples = [sample for session in sessions for sample in session]
    slack = 1e-9 * fmean(samples)
    value = summarize(sessions, "mean").value_ns
    assert min(samples) - slack <= value <= max(samples) + slack


def test_what_gives_no_figure_is_refused() -> None:
    with pytest.raises(ValueError, match="no session"):
        summarize([], "median")
    with pytest.raises(KeyError, match="mode"):
        summarize([[1]], "mode")
    with pytest.raises(StatisticsError):
        summarize([[1], []], "median")


def test_of_several_hypotheses_the_smallest_p_values_are_rejected_until_one_is_too_large() -> None:
    assert holm([0.02, 0.001, 0.03, 0.04]) == [False, True, False, False]
    assert holm([0.02, 0.001, 0.012]) == [True, True, True]
    assert holm([0.04]) == [True]
    assert holm([]) == []
    # Each would be rejected if it were the only one.
    assert holm([0.03, 0.026]) == [False, False]


def test_hypotheses_that_are_not_given_count_too() -> None:
    assert holm([0.01, 0.02], tests=2) == [True, True]
    assert holm([0.01, 0.02], tests=6) == [False, False]
