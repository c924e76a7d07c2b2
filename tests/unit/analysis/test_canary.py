"""How fast the machine was, by the canaries of a cell's own sessions."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from bench.analysis import canary, grade
from bench.analysis.canary import Mode, modes, speeds
from bench.analysis.contention import counted_ns
from bench.storage.schema.latency import Record
from tests.fakes.records import of_sessions, paced, session

CHANCE = random.Random(7)  # noqa: S311 - no secret


def of(*canaries: int) -> Record:
    """A record of sessions of ten bursts of equal length before which the canary took so long."""
    parts = [*range(0, len(canaries), 10), len(canaries)]
    return of_sessions(
        *(paced([2.0] * (end - at), canaries[at:end]) for at, end in pairwise(parts))
    )


def test_sessions_without_canaries_say_nothing() -> None:
    assert speeds([session()]) is None
    assert canary.best_ns([session()]) is None


def test_the_best_is_a_low_quantile_that_one_lucky_canary_does_not_move() -> None:
    assert canary.best_ns(of(10, *[100] * 39).sessions) == 100_000


@pytest.mark.parametrize(("slow", "share"), [(109, 0.0), (111, 0.25)])
def test_bursts_are_slow_by_the_best_of_the_cells_own_sessions(slow: int, share: float) -> None:
    told = speeds(of(*[100] * 15, *[slow] * 5).sessions)
    assert told is not None
    assert told.slow_share == share


def test_shares_are_of_the_time_and_not_of_the_bursts() -> None:
    told = speeds([paced([1.0] * 10, [100] * 10), paced([9.0] * 10, [150] * 10)])
    assert told is not None
    assert told.slow_share == pytest.approx(0.9)
    assert [mode.share for mode in told.modes] == pytest.approx([0.1, 0.9])


def test_two_speeds_are_named_with_what_can_not_be_seen() -> None:
    record = of(*[100, 101, 99] * 12, *[139, 140] * 12)
    told = speeds(record.sessions)
    assert told is not None
    fast, slow = told.modes
    assert (fast.speed, slow.speed) == pytest.approx((0.99, 99 / 139.5), abs=0.001)
    assert fast.share == pytest.approx(0.6)
    sentence = canary.sentence(told)
    assert "two speeds: 0.99 and 0.71 of its best, 60% and 40% of the time" in sentence
    assert "other hyperthread" in sentence
    assert sentence.endswith("over 10% slower than its best for 40% of the time")


@pytest.mark.parametrize(("bursts", "allowed"), [(20, 5), (100, 1)])
@pytest.mark.parametrize(
    "draw",
    [
        lambda: CHANCE.gauss(1, 0.1),
        lambda: CHANCE.uniform(1, 2),
        lambda: 1 + CHANCE.expovariate(5),
        lambda: 1 + 0.3 * (CHANCE.random() < 0.01),  # some disturbed ones are no mode
        lambda: CHANCE.choice([1.0, 1.03]),  # two clocks so close that no figure shows them
        lambda: 1.0,
    ],
)
def test_a_series_of_one_mode_is_not_cut_in_two(draw: object, bursts: int, allowed: int) -> None:
    assert callable(draw)
    cut = [bool(modes([(max(draw(), 0.1), 1) for _ in range(bursts)])) for _ in range(50)]
    assert sum(cut) <= allowed


def test_a_few_bursts_show_no_modes() -> None:
    assert modes([(1.0, 1)] * 9 + [(1.4, 1)] * 9) == ()
    fast, slow = modes([(1.0, 1)] * 10 + [(1.4, 1)] * 10)
    assert fast == Mode(speed=1.0, share=0.5)
    assert slow.speed == pytest.approx(1 / 1.4)


@pytest.mark.parametrize(("slow", "letter"), [(0, "A"), (3, "B"), (10, "B"), (12, "C"), (18, "C")])
def test_a_figure_of_a_slow_machine_is_marked_and_never_scaled(slow: int, letter: str) -> None:
    record = of(*[100] * (20 - slow), *[150] * slow)
    (found,) = [one for one in grade.findings(record) if one.rule == "speed"]
    assert found.grade == letter
    assert ("two speeds" in str(grade.warnings([found]))) == (letter == "C")
    assert {ns for one in record.sessions for ns in counted_ns(one)} == {2_000_000}


def test_the_work_of_a_gpu_is_not_judged_by_a_canary_of_the_cpu() -> None:
    fast, slow = paced([2.0] * 4, [100] * 4), paced([2.0] * 20, [150] * 20)
    record = of_sessions(fast, slow, runner="tensorrt")
    (found,) = [one for one in grade.findings(record) if one.rule == "speed"]
    assert found.grade == "A"
