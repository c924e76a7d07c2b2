"""Sessions that take turns: which steps start together, and how an interrupted turn goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from bench.experiments.latency.progress import pending_sessions, spent_s
from bench.experiments.latency.schedule import Plan, Step, make_plan
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import Failed
from bench.storage.schema.latency import JournalEntry, Measured
from tests.fakes.values import SAMPLING, entry
from tests.unit.experiments.latency.conftest import CELLS, B, finished

TURNS = make_plan(CELLS, replace(SAMPLING, sessions=3, laps=4), seed=1)


class LaunchTurns:
    """Measures the steps of a turn; interrupted once so many entries are out."""

    def __init__(self, most: int = 1000) -> None:
        self.turns: list[list[int]] = []
        self._left = most

    def __call__(self, steps: Sequence[Step]) -> Iterator[JournalEntry]:
        self.turns.append([step.order for step in steps])
        for step in steps:
            if not self._left:
                raise KeyboardInterrupt
            self._left -= 1
            yield entry(
                step.cell, step.order, round=step.round, turn=steps[0].order,
                started=f"2026-01-01T00:00:0{step.round}Z",
            )  # fmt: skip


def take_turns(run: RunFolder, launch: LaunchTurns, plan: Plan = TURNS) -> list[tuple[int, int]]:
    units = pending_sessions(plan, launch=launch, run=run, settled={})
    counts = []
    for unit in units:
        counts.append((unit.left, unit.count))
        unit.execute()
    return counts


def test_the_steps_of_a_turn_are_launched_together(run: RunFolder) -> None:
    launch = LaunchTurns()
    assert take_turns(run, launch) == [(9, 3), (6, 3), (3, 3)]
    assert launch.turns == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert finished(run) == {cell.id for cell in CELLS}
    assert {len(record.sessions) for record in run.records()} == {3}


@pytest.mark.parametrize("at", range(9))
def test_a_turn_that_was_interrupted_is_completed_and_no_session_lost(
    at: int, run: RunFolder
) -> None:
    with pytest.raises(KeyboardInterrupt):
        take_turns(run, LaunchTurns(at))
    launch = LaunchTurns()
    take_turns(run, launch)
    assert sorted(order for turn in launch.turns for order in turn) == list(range(at, 9))
    assert {len(record.sessions) for record in run.records()} == {3}


def test_no_cell_of_a_table_stops_before_the_others_do(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(
        CELLS,
        replace(SAMPLING, sessions=2, max_sessions=4, half_width=0.01, grow_for_s=1e6, laps=4),
        seed=1,
    )
    wide = {"a"}

    def launch(steps: Sequence[Step]) -> Iterator[JournalEntry]:
        for step in steps:
            spread = step.round * 1000 if step.cell.variant in wide else 0
            yield entry(
                step.cell, step.order, round=step.round, turn=steps[0].order,
                samples_ns=[10_000 + spread] * 3,
            )  # fmt: skip

    for unit in pending_sessions(plan, launch=launch, run=run, settled={}):
        unit.execute()
    assert {len(record.sessions) for record in run.records()} == {4}
    stopped_for = {
        it.cell.variant: it.outcome.stopped
        for it in run.records()
        if isinstance(it.outcome, Measured)
    }
    assert stopped_for == {"a": "cap", "b": "narrow", "c": "narrow"}


def test_the_time_of_a_turn_counts_once(run: RunFolder) -> None:
    take_turns(run, LaunchTurns())
    took = [session.wall_ns for record in run.records() for session in record.sessions]
    assert spent_s(TURNS, run) == pytest.approx(sum(took) / 1e9 / 3)


def test_what_is_left_is_never_less_than_the_turn_that_starts(run: RunFolder) -> None:
    now = [0.0]
    rule = replace(SAMPLING, sessions=2, max_sessions=4, half_width=1e-9, grow_for_s=100.0, laps=4)

    def launch(steps: Sequence[Step]) -> Iterator[JournalEntry]:
        now[0] += 40.0
        for step in steps:
            yield entry(step.cell, step.order, round=step.round, turn=steps[0].order)

    plan = make_plan(CELLS, rule, seed=1)
    units = pending_sessions(plan, launch=launch, run=run, settled={}, clock=lambda: now[0])
    left_and_count = []
    for unit in units:
        left_and_count.append((unit.left, unit.count))
        unit.execute()
    assert left_and_count == [(12, 3), (4, 3)]


KILLED = Failed(failure="killed", message="it was killed", hint="try again", log_tail="")


def test_a_cell_of_a_table_that_failed_for_now_is_tried_again_and_recorded(run: RunFolder) -> None:
    def launch(steps: Sequence[Step]) -> Iterator[JournalEntry]:
        for step in steps:
            if step.cell == B:
                yield JournalEntry(cell_id=B.id, failed=KILLED)
            else:
                yield entry(step.cell, step.order, round=step.round, turn=steps[0].order)

    for unit in pending_sessions(TURNS, launch=launch, run=run, settled={}):
        unit.execute()
    assert {record.outcome.kind for record in run.records()} == {"measured", "failed"}
    again = LaunchTurns()
    assert [count for _, count in take_turns(run, again)] == [1, 1, 1]
    assert {record.outcome.kind for record in run.records()} == {"measured"}
    assert {len(record.sessions) for record in run.records()} == {3}
