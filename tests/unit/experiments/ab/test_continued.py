"""The loop of a live comparison that goes on from the records of an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import pytest

from bench.analysis.interleaved import Growth
from bench.core.cell import Cell
from bench.storage.schema.ab import AbMeasured, AbRecord
from tests.fakes.ab_bench import FAILED, ONE, TWO, Bench, pair, stops
from tests.fakes.values import cell

BOTH = (pair(ONE), pair(TWO))


def wide(_: Cell, number: int) -> float:
    """No interval is ever narrow."""
    return 1.0 + 0.2 * (number % 2)


def cut_off(after: int, *, seed: int = 0) -> tuple[Bench, list[AbRecord]]:
    """What a comparison of both cells had done and kept when it ended after so many sessions."""
    numbers = count()

    def ratio(one: Cell, number: int) -> float:
        if next(numbers) == after:
            raise KeyboardInterrupt
        return wide(one, number)

    bench = Bench(ratio)
    with pytest.raises(KeyboardInterrupt):
        bench.run(*BOTH, seed=seed)
    return bench, list({record.pair_id: record for record in bench.written}.values())


@pytest.mark.parametrize("after", range(1, 12))
def test_every_cell_has_one_session_a_round_wherever_it_was_cut_off(after: int) -> None:
    first, begun = cut_off(after)
    rest = Bench(wide)
    records = rest.run(*BOTH, begun=begun)
    assert len(rest.measured) == 12 - after
    assert [[it.round for it in record.sessions] for record in records] == [[*range(6)]] * 2
    assert sorted(it.order for record in records for it in record.sessions) == [*range(12)]
    assert all(
        record.sessions[: len(old.sessions)] == old.sessions
        for record, old in zip(records, begun, strict=True)
    )
    assert stops(records) == ["cap", "cap"]
    assert first.orders[:after] + rest.orders == [*range(12)]


def test_cells_that_have_ended_are_left_as_they_are() -> None:
    failed, narrow, third = pair(ONE), pair(TWO), pair(cell(variant="x1_0"))
    before = Bench(lambda one, number: FAILED if one is ONE and number == 1 else 1.0)
    begun = before.run(failed, narrow)
    rest = Bench()
    records = rest.run(failed, narrow, third, begun=begun)
    assert records[:2] == begun
    assert (records[0].outcome, len(records[0].sessions)) == (FAILED, 1)
    assert {one for one, _ in rest.measured} == {third.base}
    assert rest.orders == [5, 6, 7]


def draws(begun: Sequence[AbRecord], *, seed: int = 0) -> list[float]:
    rest = Bench(wide)
    rest.run(*BOTH, begun=begun, seed=seed)
    return rest.draws


def test_what_is_drawn_by_chance_is_not_drawn_once_more() -> None:
    first, begun = cut_off(4)
    _, later = cut_off(6)
    assert not set(first.draws) & set(draws(begun))
    assert not set(draws(begun)) & set(draws(later))
    assert draws(begun) == draws(begun) != draws(begun, seed=1)


def lasting(seconds: float, after: int) -> list[AbRecord]:
    """What was kept after so many sessions, each of which took that long."""
    _, begun = cut_off(after)
    return [
        record.model_copy(
            update={
                "sessions": [
                    it.model_copy(update={"wall_ns": round(1e9 * seconds)})
                    for it in record.sessions
                ]
            }
        )
        for record in begun
    ]


@pytest.mark.parametrize(
    ("limit_s", "sessions"),
    [
        (70.0, 0),  # 7 sessions of 10 s have had it all, and each cell its three
        (75.0, 1),  # one more ends past it, and the other cell then finds no time left
        (85.0, 2),
    ],
)
def test_the_time_of_earlier_sessions_counts(limit_s: float, sessions: int) -> None:
    growth = Growth(sessions=3, max_sessions=10, half_width=0.01, grow_for_s=limit_s)
    rest = Bench(wide)
    records = rest.run(*BOTH, begun=lasting(10.0, after=7), growth=growth)
    assert len(rest.measured) == sessions
    assert [it.outcome for it in records] == [AbMeasured(stopped="time")] * 2
