"""A session over its time: known drifts give known ratios."""

from __future__ import annotations

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.time_course import course
from bench.core.units import NS_PER_S

MS = 1_000_000
SAMPLES = st.lists(st.integers(1, 10**9), min_size=1, max_size=300)


def test_a_known_drift_gives_the_known_ratio() -> None:
    found = course([10 * MS] * 500 + [12 * MS] * 500)
    assert (found.first_ns, found.last_ns, found.ratio) == (10 * MS, 12 * MS, 1.2)
    assert (found.ran_ns, found.samples) == (11_000 * MS, 1000)


def test_a_steady_session_has_a_ratio_of_one() -> None:
    assert course([3 * MS] * 1000).ratio == 1.0


def test_tenths_are_of_time_and_not_of_count() -> None:
    # 900 quick samples fill 0.9 s of 9.9 s: the first tenth reaches a little into the slow ones, by
    # count it would be all quick and the ninth tenth too.
    found = course([1 * MS] * 900 + [90 * MS] * 100)
    assert (found.first_ns, found.last_ns) == (1 * MS, 90 * MS)
    quick_last = course([90 * MS] * 100 + [1 * MS] * 900)
    assert (quick_last.first_ns, quick_last.last_ns) == (90 * MS, 1 * MS)
    late = course([1 * MS] * 90 + [10 * MS] * 91)
    assert late.first_ns == 1 * MS, "90 of the samples of the first tenth are quick"
    assert late.parts[49].median_ns == 10 * MS, "half of the count is quick, a tenth of the time"


def test_a_tenth_holds_the_samples_that_begin_in_it_or_end_in_it() -> None:
    found = course([1] * 10)
    assert (found.first_ns, found.last_ns) == (1, 1)
    assert course([10] * 7 + [20, 10]).last_ns == 10, "the 20 end where the last tenth begins"
    assert course([10, 20] + [10] * 7).first_ns == 10, "the 20 begin where the first tenth ends"
    assert course([5, 1, 1, 1, 1, 1, 1, 1, 1, 7]).first_ns == 5
    assert course([5, 1, 1, 1, 1, 1, 1, 1, 1, 7]).last_ns == 7


@given(samples=SAMPLES)
def test_a_session_turned_around_has_the_inverse_ratio(samples: list[int]) -> None:
    there, back = course(samples), course(samples[::-1])
    assert (there.first_ns, there.last_ns) == (back.last_ns, back.first_ns)


@given(samples=SAMPLES)
def test_parts_follow_each_other_within_the_time_and_hold_their_median(samples: list[int]) -> None:
    found = course(samples)
    times = [part.at_s for part in found.parts]
    assert times == sorted(set(times))
    assert 0 < times[0] <= times[-1] < found.ran_ns / NS_PER_S
    for part in found.parts:
        assert min(samples) <= part.low_ns <= part.median_ns <= part.high_ns <= max(samples)


@given(samples=SAMPLES)
def test_one_part_is_the_whole_session(samples: list[int]) -> None:
    (whole,) = course(samples, parts=1).parts
    assert whole.median_ns == median(samples)
    assert whole.at_s == pytest.approx(sum(samples) / NS_PER_S / 2)


def test_a_part_tells_the_5th_and_the_95th_percentile_by_nearest_rank() -> None:
    (whole,) = course(list(range(1, 101)), parts=1).parts
    assert (whole.low_ns, whole.high_ns) == (5, 95)


def test_a_part_without_a_sample_is_left_out() -> None:
    found = course([50 * MS, 50 * MS], parts=100)
    assert [part.at_s for part in found.parts] == pytest.approx([0.0255, 0.0755])


def test_a_session_is_followed_though_its_clock_saw_no_time_pass() -> None:
    found = course([0, 0, 0])
    assert (found.ran_ns, found.ratio, found.parts) == (0, None, ())


def test_no_sample_is_no_course() -> None:
    with pytest.raises(ValueError, match="no sample"):
        course([])
