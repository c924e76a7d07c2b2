"""What a self-test tells, against simulated sessions whose spread is known."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from bench.analysis.coverage import (
    Rate,
    _median_interval,
    clopper_pearson,
    coverage,
    naive_coverage,
)
from bench.analysis.power import ratio_by_round, smallest_slowdown
from bench.analysis.selftest import detections, false_alarms, weigh
from bench.analysis.statistics import t_interval
from bench.storage.schema.latency import Session
from tests.fakes.values import session

SD = 0.03


def simulated(seed: int, count: int, *, slower: float = 1.0, sd: float = SD) -> list[float]:
    """Medians of sessions (ns) with a relative standard deviation of `sd` and no drift."""
    logs = np.random.default_rng(seed).normal(math.log(2e6 * slower), sd, count)
    return [float(value) for value in np.exp(logs)]


def test_a_shares_interval_is_clopper_and_pearsons() -> None:
    for hits, of in ((0, 2), (3, 3), (1, 7), (40, 1000)):
        expected = scipy_stats.binomtest(hits, of).proportion_ci(0.95, method="exact")
        assert clopper_pearson(hits, of) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert Rate(hits=1, of=4).share == 0.25


@pytest.mark.parametrize("count", [9, 24, 60])
def test_intervals_hold_95_percent_whatever_the_number_recorded(count: int) -> None:
    found = [coverage(simulated(seed, count), draws=100) for seed in range(150)]
    assert fmean(one.mean.share for one in found) == pytest.approx(0.95, abs=0.015)
    assert fmean(one.median.share for one in found) == pytest.approx(0.94, abs=0.025)


def test_a_median_is_held_where_a_slow_session_pulls_the_others_mean_away() -> None:
    found = coverage([*simulated(2, 30), *(3 * value for value in simulated(3, 2))])
    assert found.median.share > 0.9
    assert found.mean.share < 0.8


def test_the_draws_for_the_median_are_independent_and_their_target_exact() -> None:
    medians, k = simulated(3, 12), 5
    hits = 0
    for row in np.random.default_rng(7).integers(0, 12, (1000, k)):
        middle, half = t_interval([medians[index] for index in row])
        assert half is not None
        hits += abs(middle - statistics.median(medians)) <= half
    assert coverage(medians, k=k, seed=7).median.hits == hits


def test_the_mean_of_the_rest_is_held_as_often_as_by_the_finite_populations_interval() -> None:
    medians, k = simulated(3, 12), 5
    factor, hits = math.sqrt(1 - k / len(medians)), 0
    for row in np.random.default_rng(0).random((1000, len(medians))).argsort(axis=1):
        middle, half = t_interval([medians[index] for index in row[:k]])
        assert half is not None
        hits += abs(middle - fmean(medians)) <= half * factor
    assert coverage(medians, k=k).mean.hits == hits


def test_drift_shows_in_consecutive_sessions_and_not_in_drawn_ones() -> None:
    drifting = [value * 1.02**index for index, value in enumerate(simulated(1, 40))]
    found = coverage(drifting)
    assert found.mean.share > 0.9
    assert (found.in_time.of, found.in_time.share <= 0.5) == (8, True)
    alarms = false_alarms(drifting)
    assert alarms.welch.drawn.share < 0.1
    assert (alarms.welch.in_time.of, alarms.welch.in_time.share >= 0.75) == (4, True)


def test_every_count_is_the_same_with_the_same_seed_only() -> None:
    medians = simulated(5, 24)
    assert coverage(medians, seed=1) == coverage(medians, seed=1)
    assert false_alarms(medians, seed=1) == false_alarms(medians, seed=1)
    assert false_alarms(medians, seed=1) != false_alarms(medians, seed=2)


@pytest.mark.parametrize("count", [1, 5])
def test_no_coverage_without_a_session_left_out(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} sessions leave none out of 5"):
        coverage(simulated(0, count))


def test_equal_sessions_are_covered_and_raise_no_alarm() -> None:
    same = [1_234_567.0] * 12
    found, alarms = coverage(same), false_alarms(same)
    assert [found.median.share, found.mean.share, found.in_time.share] == [1, 1, 1]
    assert [alarms.welch.drawn.hits, alarms.rule.drawn.hits] == [0, 0]


def of_samples(seed: int, *, between: float) -> list[list[int]]:
    """30 sessions of 100 samples that vary by 1% within and by `between` from each other."""
    numbers = np.random.default_rng(seed)
    centres = numbers.normal(2e6, 2e6 * between, 30)
    return [[round(x) for x in numbers.normal(centre, 2e4, 100)] for centre in centres]


def test_an_interval_over_samples_is_right_only_where_sessions_agree() -> None:
    assert naive_coverage(of_samples(1, between=0.0)).share > 0.8
    apart = naive_coverage(of_samples(1, between=0.05))
    assert (apart.of, apart.share < 0.2) == (30, True)


@given(count=st.integers(1, 200))
def test_the_interval_of_a_median_is_scipys_or_the_whole_range(count: int) -> None:
    ranks = list(range(count))
    found: Any = scipy_stats.quantile_test(ranks, q=0.0, p=0.5).confidence_interval(0.95)
    expected = (0, count - 1) if math.isnan(found.low) else (found.low, found.high)
    assert _median_interval(ranks) == expected


def test_sessions_of_one_net_differ_in_5_percent_of_comparisons_by_welch() -> None:
    medians = simulated(0, 20_000)
    alarms = false_alarms(medians, draws=10).welch.in_time
    assert alarms.of == 2000
    assert alarms.share == pytest.approx(0.05, abs=0.015)
    drawn = [false_alarms(simulated(seed, 24), draws=100).welch.drawn for seed in range(100)]
    assert fmean(one.share for one in drawn) == pytest.approx(0.05, abs=0.015)


def test_the_rule_of_5_percent_alarms_as_often_as_the_spread_makes_it() -> None:
    alarms = false_alarms(simulated(0, 20_000, sd=0.06), draws=10).rule.in_time
    # A ratio of two means of five: nearly normal on the log scale, its spread sd * sqrt(2/5).
    expected = 2 * float(scipy_stats.norm.sf(math.log(1.05) / (0.06 * math.sqrt(2 / 5))))
    assert alarms.share == pytest.approx(expected, abs=0.03)


def test_welch_agrees_with_scipy() -> None:
    for seed in range(40):
        one = simulated(seed, 10)
        found = false_alarms(one, draws=1).welch.in_time
        p = scipy_stats.ttest_ind(np.log(one[:5]), np.log(one[5:]), equal_var=False).pvalue
        assert (found.of, found.hits) == (1, int(p < 0.05))


def test_alarms_need_two_groups() -> None:
    with pytest.raises(ValueError, match="9 sessions don't make two groups of 5"):
        false_alarms(simulated(0, 9))


@pytest.mark.parametrize("k", [5, 10])
def test_the_smallest_slowdown_is_told_in_80_percent_of_comparisons(k: int) -> None:
    slowdown = smallest_slowdown(SD, k)
    # The quantiles of the distribution itself: a population with no error of its own.
    ranks = (np.arange(1000) + 0.5) / 1000
    base = [float(value) for value in np.exp(SD * scipy_stats.norm.ppf(ranks))]
    told = detections(base, [(1 + slowdown) * one for one in base], k=k, draws=4000)
    # Welch's degrees are a little fewer than the formula's.
    assert told.share == pytest.approx(0.80, abs=0.03)


def test_the_smallest_slowdown_grows_with_the_spread_and_shrinks_with_sessions() -> None:
    assert smallest_slowdown(0.0, 5) == 0
    assert smallest_slowdown(0.01, 5) < smallest_slowdown(0.02, 5)
    assert smallest_slowdown(0.02, 10) < smallest_slowdown(0.02, 5)
    # Cohen, Statistical Power Analysis, table 2.4.1: d = 1.00 takes 17 a group.
    assert smallest_slowdown(1.0, 17) == pytest.approx(math.expm1(1.0), rel=0.02)


def test_a_faster_net_is_never_told_as_slower() -> None:
    base, faster = simulated(1, 100), simulated(2, 100, slower=0.7)
    assert detections(base, faster).hits == 0


def test_a_ratio_is_paired_by_round_so_that_drift_drops_out() -> None:
    drift = [1.0, 1.5, 0.7, 1.2, 2.0, 0.9]
    one = {index: 2e6 * factor for index, factor in enumerate(drift)}
    other = {index: 1.07 * value for index, value in one.items()}
    found = ratio_by_round([one], other)
    assert (found.ratio, found.low, found.high) == pytest.approx((1.07, 1.07, 1.07))
    assert found.p < 1e-9


def test_a_ratios_interval_and_p_are_scipys() -> None:
    one, again, other = (dict(enumerate(simulated(seed, 8))) for seed in (1, 2, 3))
    found = ratio_by_round([one, again], other)
    logs = [math.log(other[r]) - math.log(one[r] * again[r]) / 2 for r in range(8)]
    test = scipy_stats.ttest_1samp(logs, 0.0)
    interval = test.confidence_interval(0.95)
    assert found.p == pytest.approx(test.pvalue)
    assert (math.log(found.low), math.log(found.high)) == pytest.approx(tuple(interval))


def test_only_rounds_that_every_arm_has_count() -> None:
    found = ratio_by_round([{0: 1.0, 1: 2.0, 2: 3.0}], {1: 2.0, 2: 3.0, 7: 9.0})
    assert (found.rounds, found.ratio, found.p) == (2, 1.0, 1.0)
    with pytest.raises(ValueError, match="takes two rounds"):
        ratio_by_round([{0: 1.0}], {0: 1.0})


def arms(rounds: int, *, slower: float) -> dict[str, Sequence[Session]]:
    """Sessions of the three arms, with a median of their own each."""
    factors = {"base": 1.0, "again": 1.0, "slower": slower}
    return {
        name: [
            session(3 * r + place, round=r, samples_ns=[round(value)] * 3)
            for r, value in enumerate(simulated(10 + place, rounds, slower=factor))
        ]
        for place, (name, factor) in enumerate(factors.items())
    }


def test_a_slowdown_that_is_there_is_told_with_its_size() -> None:
    trust = weigh(arms(30, slower=1.10))
    assert trust.told_apart
    assert trust.slower.low < 1.10 < trust.slower.high
    assert trust.equal.low < 1 < trust.equal.high
    assert trust.sessions == 60
    assert trust.sd == pytest.approx(SD, rel=0.3)
    assert trust.tells[10] < trust.tells[5]


def test_a_slowdown_that_is_not_there_is_not_told() -> None:
    assert not weigh(arms(30, slower=1.0)).told_apart


def test_base_and_again_are_put_in_the_order_in_which_they_were_measured() -> None:
    mixed = arms(6, slower=1.0)
    turned = {name: list(reversed(sessions)) for name, sessions in mixed.items()}
    assert weigh(turned).coverage == weigh(mixed).coverage


def test_the_sentence_names_what_five_sessions_tell() -> None:
    trust = weigh(arms(12, slower=1.1))
    assert f"5 sessions tell slowdowns from {trust.tells[5]:.1%} on" in trust.sentence
