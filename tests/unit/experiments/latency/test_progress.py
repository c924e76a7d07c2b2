"""The sessions of a run: its journal, its cells' files, and what an interrupt leaves to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bench.analysis import stopping
from bench.core.cell import Cell
from bench.core.errors import BenchError
from bench.experiments.latency.progress import one_by_one, pending_sessions
from bench.experiments.latency.schedule import Plan, Step, make_plan
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import JournalEntry, Measured, Record
from tests.fakes.values import SAMPLING, cell, entry, failure
from tests.unit.experiments.latency.conftest import CELLS, B, C, finished

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
    assert 0 < weighed <= 2 * len(plan.steps)
