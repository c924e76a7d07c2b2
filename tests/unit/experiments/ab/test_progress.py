"""The loop of a live comparison, over sessions that a function makes up."""

from __future__ import annotations

from bench.analysis.interleaved import Growth
from bench.core.cell import Cell
from bench.storage.schema.ab import AbMeasured, AbUnfinished
from tests.fakes.ab_bench import FAILED, ONE, TWO, Bench, pair, stops
from tests.fakes.values import cell


def test_a_cell_whose_interval_is_narrow_has_three_sessions_numbered_in_order() -> None:
    bench = Bench()
    (record,) = bench.run(pair())
    assert stops([record]) == ["narrow"]
    assert [it.round for it in record.sessions] == [0, 1, 2]
    assert bench.orders == [0, 1, 2]
    assert bench.told == [(ONE.label, 6), (ONE.label, 5), (ONE.label, 4)]


def test_a_cell_grows_until_its_own_interval_is_narrow_or_to_the_cap() -> None:
    def wide(one: Cell, count: int) -> float:
        return 1.0 + 0.2 * (count % 2) if one is ONE else 1.1

    bench = Bench(wide)
    records = bench.run(pair(ONE), pair(TWO))
    assert stops(records) == ["cap", "narrow"]
    assert [len(it.sessions) for it in records] == [6, 3]


def test_every_round_has_every_cell_once_in_an_order_of_its_own_by_the_seed() -> None:
    def order(seed: int) -> list[str]:
        bench = Bench(lambda _, count: 1.0 + 0.2 * (count % 2))
        bench.run(pair(ONE), pair(TWO), seed=seed)
        rounds = [round_ for _, round_ in bench.measured]
        assert rounds == sorted(rounds)
        assert all(
            {*bench.measured[i : i + 2]} == {(ONE, i // 2), (TWO, i // 2)} for i in range(0, 12, 2)
        )
        return [it.variant for it, _ in bench.measured]

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(4)}) > 1


def test_growth_ends_with_the_time_that_there_is() -> None:
    bench = Bench(lambda _, count: 1.0 + 0.2 * (count % 2))
    growth = Growth(sessions=3, max_sessions=10, half_width=0.01, grow_for_s=40.0)
    (record,) = bench.run(pair(), growth=growth)
    assert stops([record]) == ["time"]
    assert len(record.sessions) == 4
    short = Growth(sessions=3, max_sessions=10, half_width=0.01, grow_for_s=5.0)
    (record,) = Bench(bench.ratio).run(pair(), growth=short)
    assert len(record.sessions) == 3


def test_a_cell_that_comes_late_in_a_round_does_not_grow_past_the_time() -> None:
    growth = Growth(sessions=3, max_sessions=10, half_width=0.01, grow_for_s=65.0)
    records = Bench(lambda _, count: 1.0 + 0.2 * (count % 2)).run(
        pair(ONE), pair(TWO), growth=growth
    )
    assert stops(records) == ["time", "time"]
    # 6 sessions took 60 s; the first of the fourth round went past the time, and is the last.
    assert sorted(len(it.sessions) for it in records) == [3, 4]


def test_a_session_that_failed_ends_its_cell_and_no_other() -> None:
    bench = Bench(lambda one, count: FAILED if one is ONE and count == 1 else 1.0)
    one, two = bench.run(pair(ONE), pair(TWO))
    assert one.outcome == FAILED
    assert len(one.sessions) == 1
    assert stops([two]) == ["narrow"]
    assert sum(it is ONE for it, _ in bench.measured) == 2


def test_a_cell_without_an_artifact_is_never_measured() -> None:
    bench = Bench()
    one, two = bench.run(pair(ONE, failed=FAILED), pair(TWO))
    assert one.outcome == FAILED
    assert {it for it, _ in bench.measured} == {TWO}
    assert stops([two]) == ["narrow"]


def test_a_record_is_written_before_the_first_session_and_after_each() -> None:
    bench = Bench()
    bench.run(pair())
    assert [len(it.sessions) for it in bench.written] == [0, 1, 2, 3]
    assert isinstance(bench.written[0].outcome, AbUnfinished)
    assert isinstance(bench.written[-1].outcome, AbMeasured)


def test_a_pair_of_unlike_cells_is_named_by_both() -> None:
    other = cell(threads=2)
    assert pair(ONE).id == ONE.id
    assert pair(ONE).label == ONE.label
    assert pair(ONE, other).id == f"{ONE.id}--{other.id}"
    assert pair(ONE, other).label == f"{ONE.label} -> {other.label}"
