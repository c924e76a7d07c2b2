from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.analysis import stopping
from bench.core.cell import Cell
from bench.core.errors import BenchError
from bench.experiments.latency.progress import one_by_one, pending_sessions, spent_s
from bench.experiments.latency.schedule import Plan, Step, make_plan
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import JournalEntry, Measured, Record
from tests.fakes.values import SAMPLING, cell, entry, failure, manifest

CELLS = tuple(cell(variant=name, model_hash=name) for name in "abc")
A, B, C = CELLS
PLAN = make_plan(CELLS, replace(SAMPLING, sessions=3), seed=1)
SKIPPED = Skipped(reason="not here", hint="elsewhere")


class Launch:
    """Measures each step in no time; `instead` says what happens at a step's order."""

    def __init__(self, instead: Mapping[int, Callable[[Step], JournalEntry]] | None = None) -> None:
        self.instead = instead or {}
        self.steps: list[Step] = []

    def __call__(self, step: Step) -> JournalEntry:
        self.steps.append(step)
        return self.instead.get(step.order, measured)(step)

    @property
    def orders(self) -> list[int]:
        return [step.order for step in self.steps]


class Watch:
    def __init__(self) -> None:
        self.left: list[int] = []
        self.told: list[tuple[str, str]] = []


def measured(step: Step) -> JournalEntry:
    return entry(step.cell, step.order, round=step.round)


def fails(step: Step) -> JournalEntry:
    return failure(step.cell)


def interrupts(step: Step) -> JournalEntry:
    raise KeyboardInterrupt


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.write_manifest(manifest())
    return folder


def go(
    run: RunFolder,
    launch: Callable[[Step], JournalEntry],
    plan: Plan = PLAN,
    watch: Watch | None = None,
    settled: Mapping[Cell, Failed | Skipped] | None = None,
) -> list[Record]:
    watch = watch or Watch()
    for unit in pending_sessions(plan, launch=one_by_one(launch), run=run, settled=settled or {}):
        watch.left.append(unit.left)
        watch.told.append((unit.label, unit.execute()))
    records = {record.cell_id: record for record in run.records()}
    return [records[cell.id] for cell in plan.cells]


def finished(run: RunFolder) -> set[str]:
    return {path.stem for path in (run.path / "cells").glob("*.json")}


def orders(records: list[Record]) -> dict[str, list[int]]:
    return {record.cell.variant: [it.order for it in record.sessions] for record in records}


def planned(plan: Plan = PLAN) -> dict[str, list[int]]:
    return {c.variant: [s.order for s in plan.steps if s.cell == c] for c in plan.cells}


def test_every_session_is_in_the_journal_before_the_next_one_starts(run: RunFolder) -> None:
    seen: list[int] = []

    def launch(step: Step) -> JournalEntry:
        seen.append(len(run.journal()))
        return measured(step)

    go(run, launch)

    assert seen == list(range(len(PLAN.steps)))


def test_a_cell_is_in_its_file_as_soon_as_its_last_session_is_in(run: RunFolder) -> None:
    seen: list[set[str]] = []

    def launch(step: Step) -> JournalEntry:
        seen.append(finished(run))
        return measured(step)

    go(run, launch)

    last = {c.id: max(s.order for s in PLAN.steps if s.cell == c) for c in CELLS}
    assert seen == [
        {cell_id for cell_id, order in last.items() if order < step.order} for step in PLAN.steps
    ]


def test_the_records_hold_every_session_by_its_order_and_the_hash_of_the_plan(
    run: RunFolder,
) -> None:
    records = go(run, Launch())
    assert orders(records) == planned()
    assert [record.cell_id for record in records] == [c.id for c in PLAN.cells]
    assert all(record.outcome == Measured() for record in records)
    assert [r.plan_hash for r in records] == [PLAN.cell_hash(c) for c in PLAN.cells]
    assert {record.cell_id: record for record in run.records()} == {r.cell_id: r for r in records}


def test_a_failed_cell_is_not_launched_again_and_the_others_go_on(run: RunFolder) -> None:
    second = [step for step in PLAN.steps if step.cell == B][1]
    launch = Launch({second.order: fails})

    records = {record.cell.variant: record for record in go(run, launch)}

    assert launch.orders == [s.order for s in PLAN.steps if s.cell != B or s.round < 2]
    assert isinstance(records["b"].outcome, Failed)
    assert len(records["b"].sessions) == 1
    assert [records[name].outcome for name in "ac"] == [Measured(), Measured()]


def test_a_failed_cell_is_in_its_file_at_once(run: RunFolder) -> None:
    first = next(step for step in PLAN.steps if step.cell == B)
    with pytest.raises(KeyboardInterrupt):
        go(run, Launch({first.order: fails, first.order + 1: interrupts}))
    assert finished(run) == {B.id}


def test_a_cell_whose_outcome_stands_before_is_recorded_and_never_launched(run: RunFolder) -> None:
    launch = Launch()
    records = {record.cell.variant: record for record in go(run, launch, settled={B: SKIPPED})}
    assert all(step.cell != B for step in launch.steps)
    assert records["b"].outcome == SKIPPED
    assert finished(run) == {c.id for c in CELLS}


@pytest.mark.parametrize("at", range(len(PLAN.steps)))
def test_an_interrupted_run_goes_on_with_exactly_what_is_missing(run: RunFolder, at: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(run, Launch({at: interrupts}))
    assert [it.session.order for it in run.journal() if it.session] == list(range(at))

    launch = Launch()
    records = go(run, launch)

    assert launch.orders == list(range(at, len(PLAN.steps)))
    assert orders(records) == planned()


def test_a_run_goes_on_with_the_same_steps_when_its_cells_come_in_another_order(
    run: RunFolder,
) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(run, Launch({5: interrupts}))
    # A manifest keeps its cells by id, the suite by variant.
    again = make_plan(CELLS[::-1], PLAN.sampling, seed=PLAN.seed)

    launch = Launch()
    records = go(run, launch, again)

    assert launch.orders == list(range(5, len(PLAN.steps)))
    assert orders(records) == planned()


def test_a_failure_in_the_journal_stands_after_an_interrupt(run: RunFolder) -> None:
    first = next(step for step in PLAN.steps if step.cell == B)
    with pytest.raises(KeyboardInterrupt):
        go(run, Launch({first.order: fails, 4: interrupts}))
    shutil.rmtree(run.path / "cells")  # as if the machine went down between journal and file

    launch = Launch()
    records = {record.cell.variant: record for record in go(run, launch)}

    assert all(step.cell != B for step in launch.steps)
    assert isinstance(records["b"].outcome, Failed)


def test_a_finished_cell_counts_without_any_journal(run: RunFolder) -> None:
    go(run, Launch())
    (run.path / "cells" / f"{C.id}.json").unlink()

    launch = Launch()
    records = go(run, launch)

    assert [step.cell for step in launch.steps] == [C, C, C]
    assert orders(records) == planned()


def test_a_cell_measured_under_another_plan_is_measured_again(run: RunFolder) -> None:
    go(run, Launch())
    longer = make_plan(CELLS, replace(PLAN.sampling, samples=99), seed=1)

    launch = Launch()
    records = go(run, launch, longer)

    assert launch.orders == [step.order for step in longer.steps]
    assert [r.plan_hash for r in records] == [longer.cell_hash(c) for c in longer.cells]
    assert {r.plan_hash for r in run.records()} == {r.plan_hash for r in records}


def test_what_belongs_to_no_cell_of_the_plan_is_left_alone(run: RunFolder) -> None:
    other = cell(variant="other", model_hash="other")
    run.append(entry(other))

    launch = Launch()
    records = go(run, launch)

    assert len(launch.steps) == len(PLAN.steps)
    assert orders(records) == planned()


def test_the_journal_is_dropped_once_every_cell_is_in_its_file(run: RunFolder) -> None:
    go(run, Launch())
    assert sorted(path.name for path in run.path.iterdir()) == ["cells", "run.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), BenchError("the disk", hint="is full")])
def test_an_error_out_of_the_launcher_leaves_everything_so_far(
    run: RunFolder, error: BaseException
) -> None:
    def falls(step: Step) -> JournalEntry:
        raise error

    with pytest.raises(type(error)):
        go(run, Launch({7: falls}))

    assert [it.session.order for it in run.journal() if it.session] == list(range(7))
    in_file = {c.id for c in CELLS if max(s.order for s in PLAN.steps if s.cell == c) < 7}
    assert finished(run) == in_file
    assert in_file


def test_the_observer_hears_of_every_session_and_how_many_are_left(run: RunFolder) -> None:
    watch, launch = Watch(), Launch()
    go(run, launch, watch=watch)
    assert watch.left == list(range(len(PLAN.steps), 0, -1))
    assert watch.told == [(step.cell.label, "0.00000300 ms") for step in launch.steps]


def test_after_an_interrupt_the_observer_hears_only_of_what_is_left(run: RunFolder) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(run, Launch({4: interrupts}))
    watch = Watch()
    go(run, Launch(), watch=watch)
    assert watch.left == [5, 4, 3, 2, 1]


def test_what_is_left_counts_no_cell_that_has_its_record(run: RunFolder) -> None:
    go(run, Launch())
    (run.path / "cells" / f"{C.id}.json").unlink()
    watch = Watch()
    go(run, Launch(), watch=watch)
    assert watch.left == [3, 2, 1]


@pytest.mark.parametrize("count", [10, 200])
def test_a_session_takes_as_many_steps_whatever_the_number_of_cells(
    count: int, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed = 0
    real = stopping.stopped

    def counting(*arguments: Any, **how: Any) -> str | None:
        nonlocal weighed
        weighed += 1
        return real(*arguments, **how)

    monkeypatch.setattr("bench.experiments.latency.progress.stopped", counting)
    many = [cell(variant=f"v{n}", model_hash=f"v{n}") for n in range(count)]
    plan = make_plan(many, replace(SAMPLING, sessions=2), seed=1)
    go(run, Launch(), plan)
    assert weighed <= 2 * len(plan.steps)


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
    for unit in units:
        assert unit.left >= unit.count
        unit.execute()


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
