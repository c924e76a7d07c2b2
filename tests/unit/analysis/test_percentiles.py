"""MLPerf's early-stopping rule: which percentiles a count of samples bears out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from bench.analysis.statistics import needed, passing_rank, percentiles, session_percentile


@pytest.mark.parametrize(("percentile", "count"), [(90, 64), (95, 130), (99, 662)])
def test_the_counts_are_those_of_the_published_rule(percentile: int, count: int) -> None:
    assert needed(percentile) == count
    assert passing_rank(count - 1, percentile) is None


@given(st.integers(64, 3000), st.sampled_from([90, 95, 99]))
def test_the_rank_is_the_largest_that_the_binomial_lets_pass(count: int, percentile: int) -> None:
    rank = passing_rank(count, percentile)
    over = 1 - percentile / 100
    if rank is None:
        assert binom.cdf(1, count, over) > 0.01
    else:
        assert binom.cdf(rank, count, over) <= 0.01 < binom.cdf(rank + 1, count, over)


def test_too_few_samples_give_no_percentile_rather_than_a_guess() -> None:
    assert session_percentile(list(range(63)), 90) is None
    assert percentiles([list(range(63))]) == {}


def test_a_percentile_is_a_sample_and_lies_above_the_plain_quantile() -> None:
    samples = list(range(1000, 2000))
    bound = session_percentile(samples, 90)
    assert bound in samples
    assert 1900 <= bound <= 1940


def test_sessions_are_not_pooled_and_each_must_bear_the_percentile_out() -> None:
    enough, short = list(range(200)), list(range(63))
    assert set(percentiles([enough, enough])) == {90, 95}
    assert percentiles([enough, short]) == {}
    assert percentiles([short] * 20) == {}


def test_the_figure_is_the_mean_of_the_sessions_bounds() -> None:
    one, other = [10] * 64, [30] * 64
    assert percentiles([one, other]) == {90: 20}


def test_no_session_has_no_percentile() -> None:
    assert percentiles([]) == {}
