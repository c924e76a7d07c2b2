"""Which sessions of a plan are still to be run, and the records they come to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from statistics import median

from bench.analysis.contention import counted_ns, taken
from bench.analysis.stopping import stopped
from bench.core.cell import Cell
from bench.core.units import significant, to_ms
from bench.experiments.latency.schedule import Plan, Step
from bench.experiments.progress import Unit, Units
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import CellFields, Failed, SamplingFields, Skipped
from bench.storage.schema.latency import JournalEntry, Measured, Record, Session


class Progress:
    """What is in so far, by cell: sessions, or the outcome that ended the cell early.

    `elapsed_s` tells how long the run has lasted, the sessions of earlier processes included. A
    session costs the same whatever the number of cells: the steps that are left are counted down.
    """

    def __init__(
        self,
        plan: Plan,
        settled: Mapping[Cell, Failed | Skipped],
        elapsed_s: Callable[[], float],
    ) -> None:
        self._plan = plan
        self._groups = plan.groups
        self._elapsed_s = elapsed_s
        self._enough: dict[str, str] = {}
        self._recorded: set[str] = set()
        self._taken = 0
        self._sessions: dict[str, list[Session]] = {}
        self._orders: dict[str, set[int]] = {}
        self._ended: dict[str, Failed | Skipped] = {}
        # Steps of cells that aren't complete: of the first sessions, and of the growth.
        self._first: Counter[str] = Counter()
        self._more: Counter[str] = Counter()
        for step in plan.steps:
            self._counter(step)[step.cell.id] += 1
        self._first_left, self._more_left = self._first.total(), self._more.total()
        for cell, outcome in settled.items():
            self._end(cell.id, outcome)

    def _counter(self, step: Step) -> Counter[str]:
        return self._first if step.round < self._plan.sampling.sessions else self._more

    def has_record(self, cell_id: str) -> None:
        """Take the cell for complete: its record is stored."""
        self._recorded.add(cell_id)
        self._completed(cell_id)

    def _end(self, cell_id: str, outcome: Failed | Skipped) -> None:
        self._ended[cell_id] = outcome
        self._completed(cell_id)

    def _completed(self, cell_id: str) -> None:
        self._first_left -= self._first.pop(cell_id, 0)
        self._more_left -= self._more.pop(cell_id, 0)

    def take(self, entry: JournalEntry) -> None:
        """Count an entry in."""
        if entry.session is not None and self._has(entry.cell_id, entry.session.order):
            return  # in a record as well as in the journal
        self._taken += 1
        if entry.session is not None:
            self._sessions.setdefault(entry.cell_id, []).append(entry.session)
            self._orders.setdefault(entry.cell_id, set()).add(entry.session.order)
            self._weigh(entry.cell_id)
        elif outcome := entry.failed or entry.skipped:
            self._end(entry.cell_id, outcome)

    def _weigh(self, cell_id: str) -> None:
        """Take the cell for complete once it and all that it takes turns with have enough."""
        alive = [one for one in self._groups[cell_id] if not self._is_complete(one)]
        if len({len(self._sessions.get(one, ())) for one in alive}) > 1:
            return  # within a turn
        whys: dict[str, str] = {}
        for one in alive:
            samples = [counted_ns(session) for session in self._sessions.get(one, ())]
            why = stopped(samples, self._plan.sampling, elapsed_s=self._elapsed_s())
            if why is None:
                return
            whys[one] = why
        for one, why in whys.items():
            self._enough[one] = why
            self._completed(one)

    def wants(self, step: Step) -> bool:
        """Tell whether `step` is still to be run; steps come in the plan's order, each once."""
        cell_id = step.cell.id
        if not self._is_complete(cell_id):
            self._weigh(cell_id)  # the run's time may have run out since its last session
        return not self._is_complete(cell_id) and not self._has(cell_id, step.order)

    def _has(self, cell_id: str, order: int) -> bool:
        return order in self._orders.get(cell_id, ())

    def passes(self, step: Step) -> None:
        """Count `step` as over: it was run, or it isn't wanted."""
        counter = self._counter(step)
        if counter.get(step.cell.id, 0):
            counter[step.cell.id] -= 1
            if counter is self._first:
                self._first_left -= 1
            else:
                self._more_left -= 1

    def left(self) -> int:
        """Return how many steps will likely be run: of the growth, what there is time for."""
        rule, first = self._plan.sampling, self._first_left
        if not self._taken or rule.max_sessions is None:
            return first + self._more_left
        elapsed = self._elapsed_s()
        affordable = (rule.grow_for_s - elapsed) / max(elapsed / self._taken, 1e-9)
        return max(1, first + min(self._more_left, max(0, int(affordable) - first)))

    def _is_complete(self, cell_id: str) -> bool:
        return any(cell_id in held for held in (self._ended, self._enough, self._recorded))

    def record(self, cell: Cell) -> Record | None:
        """Return `cell`'s record once it is complete."""
        if cell.id not in self._ended and cell.id not in self._enough:
            return None
        sessions, ended = self._sessions.get(cell.id, []), self._ended.get(cell.id)
        return Record(
            cell_id=cell.id,
            cell=CellFields(**cell.to_json()),
            plan_hash=self._plan.cell_hash(cell),
            sampling=SamplingFields(**self._plan.sampling.to_json()),
            outcome=ended or Measured(stopped=self._enough[cell.id]),  # type: ignore[arg-type]
            sessions=sorted(sessions, key=lambda session: session.order),
        )


LaunchTogether = Callable[[Sequence[Step]], Iterable[JournalEntry]]
"""Measures a session of each step that it is given, and yields their entries."""


def one_by_one(launch: Callable[[Step], JournalEntry]) -> LaunchTogether:
    """Return what has `launch` measure one step after the other."""
    return partial(map, launch)


def pending_sessions(
    plan: Plan,
    *,
    launch: LaunchTogether,
    run: RunFolder,
    settled: Mapping[Cell, Failed | Skipped],
    clock: Callable[[], float] = time.monotonic,
) -> Units:
    """Yield every session of `plan` that `run` doesn't hold yet and that its cell still needs;
    those of a turn together.

    `settled` are cells whose outcome stands before anything runs. The time of the sessions that
    `run` holds counts as this one's. Each session is in the journal before the next one starts,
    each cell in a file as soon as its last session is in.
    """
    started = clock() - spent_s(plan, run)
    progress = Progress(plan, settled, lambda: clock() - started)
    done = _resume(plan, run, progress)
    for cell in plan.cells:
        _finish(cell, progress, run, done)

    for together in plan.together:
        steps = [step for step in together if step.cell.id not in done]
        wanted = [step for step in steps if progress.wants(step)]
        for step in steps:
            _finish(step.cell, progress, run, done)
        if wanted:
            yield Unit(
                label=label_of(wanted),
                left=max(progress.left(), len(wanted)),
                count=len(wanted),
                execute=partial(_execute, wanted, launch, progress, run, done),
            )
        for step in steps:
            progress.passes(step)
    run.drop_journal()


def _execute(
    steps: Sequence[Step],
    launch: LaunchTogether,
    progress: Progress,
    run: RunFolder,
    done: dict[str, Record],
) -> str:
    """Measure `steps`; an entry is in the journal before the next one is drawn."""
    entries = []
    for entry in launch(steps):
        run.append(entry)
        progress.take(entry)
        entries.append(entry)
    for step in steps:
        _finish(step.cell, progress, run, done)
    return result_text(entries)


def label_of(steps: Sequence[Step]) -> str:
    """Return what a person reads while `steps` run."""
    cell = steps[0].cell
    return cell.label if len(steps) == 1 else f"{len(steps)} cells by turns, {cell.work}"


def result_text(entries: Sequence[JournalEntry]) -> str:
    """Return what one or more sessions came to, in a few words."""
    if len(entries) == 1:
        return _result_text(entries[0])
    counts = Counter(map(_kind_of, entries))
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _kind_of(entry: JournalEntry) -> str:
    if entry.session is None:
        return "failed" if entry.failed is not None else "skipped"
    it = taken(entry.session)
    return "contended" if it is not None and it.contended else "measured"


def _result_text(entry: JournalEntry) -> str:
    if entry.session is not None:
        engine = entry.session.facts.get("engine_cache", "")
        note = f", engine {engine}" if engine.startswith("rebuilt") else ""
        it = taken(entry.session)
        if it is not None and it.contended:
            note += f", contended: {it.cpu_share:.0%} of the CPU"
        return f"{significant(to_ms(median(counted_ns(entry.session))))} ms{note}"
    if entry.failed is not None:
        return f"failed ({entry.failed.failure})"
    return "skipped"


def spent_s(plan: Plan, run: RunFolder) -> float:
    """Return how long the sessions of `plan` took that `run` holds, each turn counted once."""
    wanted = {cell.id for cell in plan.cells}
    held = [(it.cell_id, it.session) for it in run.journal() if it.session is not None]
    held += [(it.cell_id, one) for it in _done(plan, run) for one in it.sessions]
    took = {
        one.started if one.turn is not None else (cell_id, one.order): one.wall_ns
        for cell_id, one in held
        if cell_id in wanted
    }
    return sum(took.values()) / 1e9


def _resume(plan: Plan, run: RunFolder, progress: Progress) -> dict[str, Record]:
    """Take in what `run` already holds; return its finished cells.

    A cell that failed for now is tried again, with the sessions that it has.
    """
    wanted = {cell.id for cell in plan.cells}
    for entry in run.journal():
        if entry.cell_id in wanted and not (entry.failed and entry.failed.is_passing):
            progress.take(entry)
    done = {}
    for record in _done(plan, run):
        if record.failed_for_now:
            for session in record.sessions:
                progress.take(JournalEntry(cell_id=record.cell_id, session=session))
        else:
            done[record.cell_id] = record
            progress.has_record(record.cell_id)
    return done


def _done(plan: Plan, run: RunFolder) -> list[Record]:
    """Return the records that `run` holds of cells as `plan` has them."""
    hashes = {cell.id: plan.cell_hash(cell) for cell in plan.cells}
    return [record for record in run.records() if hashes.get(record.cell_id) == record.plan_hash]


def _finish(cell: Cell, progress: Progress, run: RunFolder, done: dict[str, Record]) -> None:
    if cell.id in done:
        return
    record = progress.record(cell)
    if record is not None:
        run.write_record(record)
        done[cell.id] = record
