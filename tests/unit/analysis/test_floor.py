"""The fastest tenth of undisturbed bursts at the machine's best."""

from __future__ import annotations

import pytest

from bench.analysis.details import details
from bench.analysis.floor import floor
from bench.storage.schema.latency import Session
from tests.fakes.records import of_sessions, paced, session

MS = 1e6


def test_sessions_without_canaries_have_no_floor() -> None:
    assert floor([session(), session()]) is None


def test_it_is_the_mean_over_sessions_of_the_fastest_tenth_of_the_bursts() -> None:
    one = paced([4.0, 2.0, *[5.0] * 9, 3.0, *[6.0] * 8], [100] * 20)
    other = paced([4.5, 3.5, *[5.0] * 18], [100] * 20)
    told = floor([one, other])
    assert told is not None
    assert told.value_ns == pytest.approx((2.5 * MS + 4.0 * MS) / 2)
    assert told.half_width_ns == pytest.approx(12.706 * 0.75 * MS, rel=1e-3)
    assert (told.sessions, told.samples, told.statistic) == (2, 12, "floor")


def test_a_single_session_bears_no_interval() -> None:
    told = floor([paced([2.0] * 4, [100] * 4)])
    assert told is not None
    assert (told.value_ns, told.half_width_ns) == (2.0 * MS, None)


def waits(index: int, count: int) -> list[int]:
    return [10**9 if at == index else 0 for at in range(count)]


@pytest.mark.parametrize(
    ("canaries", "columns"),
    [
        ([104, 100, 100, 100], {}),
        ([103, 100, 100, 100], {"wait_ns": waits(0, 4), "cpu_ns": [0] * 4}),
    ],
)
def test_bursts_that_others_disturbed_or_of_a_slower_machine_have_no_part_in_it(
    canaries: list[int], columns: dict[str, list[int]]
) -> None:
    told = floor([paced([1.0, 2.0, 2.0, 2.0], canaries, **columns)])
    assert told is not None
    assert told.value_ns == 2.0 * MS


def test_within_the_tolerance_the_machine_is_at_its_best() -> None:
    told = floor([paced([1.0, 2.0, 2.0, 2.0], [103, 100, 100, 100])])
    assert told is not None
    assert told.value_ns == 1.0 * MS


def slow(bursts: int) -> Session:
    return paced([3.0] * bursts, [140] * bursts)


def test_a_session_of_a_slow_machine_has_no_part_in_it_and_the_details_say_so() -> None:
    fast = paced([2.0] * 4, [100] * 4)
    told = floor([fast, fast, slow(4)])
    assert told is not None
    assert (told.value_ns, told.sessions) == (2.0 * MS, 2)
    assert "floor: 2.00 ± 0 ms in 2 of 3 sessions" in details(of_sessions(fast, fast, slow(4)))


def test_details_say_where_there_is_no_floor() -> None:
    busy = paced([2.0] * 4, [100] * 4, wait_ns=[10**9] * 4, cpu_ns=[0] * 4)
    assert "floor: no burst was undisturbed and within 3% of the best speed" in details(
        of_sessions(busy)
    )
    assert details(of_sessions(session())) == []
