"""Ratios of cells that took turns."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean

import pytest

from bench.analysis.boxes import Box, box_of
from bench.analysis.turns import Race, Ratio, fastest_of, race, ratio
from bench.storage.schema.latency import Bursts, Session
from tests.fakes.values import record, session

LAPS, CALLS = 8, 5
BURST_NS = 1_000_000
CANARY_NS = 100_000


def took_turns(
    ns: Callable[[int, int], float],
    *,
    sessions: int = 5,
    turn: int | None = 0,
    disturbed: Callable[[int], bool] = lambda _: False,
    slow: Callable[[int, int], bool] | None = None,
) -> Box:
    """Return the box of a cell whose inferences take `ns(session, lap)`."""
    taken = [_session(number, ns, turn, disturbed) for number in range(sessions)]
    if slow is not None:
        taken = [_with_canary(one, partial(slow, number)) for number, one in enumerate(taken)]
    return box_of(record(sessions=taken), "run")


def _with_canary(one: Session, slow: Callable[[int], bool]) -> Session:
    assert one.bursts is not None
    canary_ns = [CANARY_NS * 3 // 2 if slow(lap) else CANARY_NS for lap in range(LAPS)]
    return one.model_copy(update={"bursts": one.bursts.model_copy(update={"canary_ns": canary_ns})})


def _session(
    number: int,
    ns: Callable[[int, int], float],
    turn: int | None,
    disturbed: Callable[[int], bool],
) -> Session:
    bursts = [[round(ns(number, lap))] * CALLS for lap in range(LAPS)]
    return session(
        number,
        samples_ns=[each for burst in bursts for each in (3 * burst[0], *burst[1:])],
        turn=None if turn is None else turn + 10 * number,
        started=f"2026-01-01T00:00:{number:02}Z",
        bursts=Bursts(
            samples=[CALLS] * LAPS,
            wait_ns=[BURST_NS // 2 if disturbed(lap) else 0 for lap in range(LAPS)],
            cpu_ns=[BURST_NS // 2 if disturbed(lap) else BURST_NS for lap in range(LAPS)],
            wall_ns=[BURST_NS] * LAPS,
        ),
    )


def drifting(ns: float, seed: int = 0) -> Callable[[int, int], float]:
    """Return durations that a common drift changes by a factor of up to two."""
    chance = random.Random(seed)  # noqa: S311 - a machine, not a secret
    drift = {(s, lap): 1 + chance.random() for s in range(20) for lap in range(LAPS)}
    return lambda session, lap: ns * drift[session, lap]


def test_what_the_machine_does_to_all_falls_out_of_the_ratio() -> None:
    run = race([took_turns(drifting(1_000_000)), took_turns(drifting(1_100_000))])
    assert run is not None
    ratio = run.ratios[1]
    assert (run.first, run.ratios[0]) == (0, None)
    assert ratio is not None
    assert ratio.value == pytest.approx(1.1, rel=1e-5)
    assert ratio.high - ratio.low < 1e-4
    assert ratio.sessions == 5


def test_the_first_inference_of_a_burst_does_not_count() -> None:
    alone = took_turns(lambda *_: 1000.0)
    assert max(alone.sessions[0].samples_ns) == 3000
    run = race([alone, took_turns(lambda *_: 1000.0)])
    assert run is not None
    assert run.ratios[1] is not None
    assert run.ratios[1].value == 1.0


def test_those_that_were_not_alive_together_have_no_ratio() -> None:
    one, other = took_turns(drifting(1e6)), took_turns(drifting(2e6), turn=3)
    assert race([one, other]) is None
    assert race([one, took_turns(drifting(1e6), turn=None)]) is None
    assert race([one, None]) is None
    run = race([one, other, took_turns(drifting(2e6))])
    assert run is not None
    assert [ratio is None for ratio in run.ratios] == [True, True, False]


def test_one_session_bears_no_ratio() -> None:
    assert race([took_turns(drifting(1e6), sessions=1)] * 2) is None


def test_laps_that_others_disturbed_do_not_count() -> None:
    odd = took_turns(lambda _, lap: 5e6 if lap < 3 else 1e6, disturbed=lambda lap: lap < 3)
    run = race([odd, took_turns(lambda *_: 2e6)])
    assert run is not None
    assert run.first == 0
    assert run.ratios[1] is not None
    assert run.ratios[1].value == pytest.approx(2.0)


def beside(slow: Callable[[int, int], bool], *, sessions: int = 5) -> tuple[Ratio, Ratio]:
    """Return the ratio of an engine that a slow machine slows threefold to one that it doesn't,
    without the slow laps and with them.
    """
    hurt = took_turns(
        lambda number, lap: 3e6 if slow(number, lap) else 1e6, sessions=sessions, slow=slow
    )
    steady = took_turns(lambda *_: 2e6, sessions=sessions, slow=lambda *_: False)
    calm, every = ratio(hurt, steady), ratio(hurt, steady, slow_too=True)
    assert calm is not None
    assert every is not None
    assert ratio(steady, hurt).value == pytest.approx(1 / calm.value)  # type: ignore[union-attr]
    return calm, every


def test_laps_of_a_slow_machine_do_not_count() -> None:
    calm, every = beside(lambda number, lap: lap < 4)
    assert calm.value == pytest.approx(0.5)
    assert calm.sessions == 5
    assert every.value == pytest.approx(0.5 * 3**0.5)


def test_a_session_that_is_mostly_slow_does_not_count() -> None:
    calm, every = beside(lambda number, lap: number == 0 and lap < 5)
    assert calm.value == pytest.approx(0.5)
    assert calm.sessions == 4
    assert every.value > 0.55
    assert every.sessions == 5


def test_all_laps_count_where_too_few_sessions_are_left() -> None:
    calm, every = beside(lambda number, lap: number < 2)
    assert calm == every
    assert calm.sessions == 5


def test_slow_laps_of_few_sessions_do_not_count_where_none_of_them_is_lost() -> None:
    calm, every = beside(lambda _, lap: lap < 4, sessions=3)
    assert calm.value == pytest.approx(0.5)
    assert every.value > 0.55


def test_a_row_in_which_another_is_faster_than_the_first_is_undecided() -> None:
    sure = Ratio(value=1.2, low=1.1, high=1.3, sessions=5, p=1e-6)
    slower = Race(first=0, ratios=(None, sure))
    faster = Race(first=0, ratios=(None, replace(sure, value=0.9)))
    assert fastest_of([slower, faster]) == [0, None]


def noisy(ns: float, seed: int, spread: float = 0.01) -> Box:
    chance = random.Random(seed)  # noqa: S311 - a machine, not a secret
    levels = [ns * chance.gauss(1, spread) for _ in range(20)]
    return took_turns(lambda number, _: levels[number])


def test_the_fastest_is_faster_than_all_others_of_its_row() -> None:
    clear = [noisy(1e6, 1), noisy(1.5e6, 2), noisy(2e6, 3)]
    close = [noisy(1e6, 4), noisy(1.001e6, 5), noisy(2e6, 6)]
    assert fastest_of([race(clear), race(close), None]) == [0, None, None]


def test_a_larger_table_claims_less() -> None:
    row = [noisy(1e6, 1, 0.02), noisy(1.05e6, 2, 0.02)]
    run = race(row)
    assert run is not None
    assert run.ratios[1] is not None
    assert 0.001 < run.ratios[1].p < 0.05
    assert fastest_of([run]) == [0]
    assert fastest_of([run] * 60) == [None] * 60


def test_of_tables_of_equal_engines_one_in_twenty_claims_a_fastest_at_most() -> None:
    def claims(table: int) -> bool:
        rows: list[Sequence[Box]] = [
            [noisy(1e6, 100 * table + 10 * row + column) for column in range(3)] for row in range(3)
        ]
        return any(index is not None for index in fastest_of([race(row) for row in rows]))

    assert fmean(claims(table) for table in range(60)) <= 0.1
