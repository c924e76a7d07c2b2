"""Which sessions of a live comparison are still to be run, and its records so far.

Every cell gets a session a round, the rounds in random order, until its own interval is narrow
enough. A session's failure ends its cell: there is no ratio without both arms. A comparison that
ended early goes on from its records.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Protocol

from bench.analysis.interleaved import Growth, Measure, estimate, stopped
from bench.analysis.live_verdicts import log_ratios
from bench.analysis.verdicts import percent
from bench.core.cell import Cell
from bench.core.units import number_of
from bench.experiments.ab.command import Command
from bench.experiments.ab.interleave import Rule
from bench.experiments.progress import Unit, Units
from bench.experiments.session import Start
from bench.storage.schema.ab import (
    AbMeasured,
    AbOutcome,
    AbRecord,
    AbSession,
    AbUnfinished,
    ArmFailed,
    ArmName,
    CommandFields,
    Compared,
    RuleFields,
)
from bench.storage.schema.common import CellFields, Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One cell of the comparison: what each arm runs, and how it is started.

    `start` draws the cores of a session; `failed` stands where an arm has no artifact.
    """

    base: Cell | Command
    head: Cell | Command
    start: Callable[[random.Random], Mapping[ArmName, Start]]
    failed: ArmFailed | None = None

    @property
    def id(self) -> str:
        """What names the pair."""
        return pair_id(self.base, self.head)

    @property
    def label(self) -> str:
        """What a person reads."""
        base, head = self.base.label, self.head.label
        return base if base == head else f"{base} -> {head}"


def pair_id(base: Cell | Command, head: Cell | Command) -> str:
    """Return the cells' id, where they differ both."""
    return base.id if base.id == head.id else f"{base.id}--{head.id}"


class MeasureSession(Protocol):
    """Runs one session of two arms."""

    def __call__(
        self, starts: Mapping[ArmName, Start], *, order: int, round_: int, chance: random.Random
    ) -> AbSession | ArmFailed: ...


class Progress:
    """The records so far, by pair; those of `begun` are gone on with."""

    def __init__(
        self,
        pairs: Sequence[Pair],
        rule: Rule,
        growth: Growth,
        begun: Sequence[AbRecord] = (),
        ratio_of: Measure = "wall",
    ) -> None:
        self._growth = growth
        self._ratio_of: Measure = ratio_of
        fields, known = rule_fields(rule), {record.pair_id: record for record in begun}
        self.records = {pair.id: known.get(pair.id) or _record(pair, fields) for pair in pairs}

    @property
    def sessions(self) -> list[AbSession]:
        """All sessions that are in."""
        return [one for record in self.records.values() for one in record.sessions]

    def take(self, pair: Pair, found: AbSession | ArmFailed, *, elapsed_s: float) -> AbRecord:
        """Count a session in and return the cell's record as it is now."""
        record = self.records[pair.id]
        if isinstance(found, ArmFailed):
            record = record.model_copy(update={"outcome": found})
        else:
            record = record.model_copy(update={"sessions": [*record.sessions, found]})
        self.records[pair.id] = record
        self.ends(pair, elapsed_s=elapsed_s)
        return self.records[pair.id]

    def ends(self, pair: Pair, *, elapsed_s: float) -> bool:
        """End a cell that has enough by now; tell whether it has just ended."""
        record = self.records[pair.id]
        why = stopped(log_ratios(record, self._ratio_of), self._growth, elapsed_s=elapsed_s)
        if not self.wants(pair) or why is None:
            return False
        outcome = AbMeasured.model_validate({"stopped": why})
        self.records[pair.id] = record.model_copy(update={"outcome": outcome})
        return True

    def wants(self, pair: Pair) -> bool:
        """Tell whether the cell takes another session."""
        return isinstance(self.records[pair.id].outcome, AbUnfinished)

    def left_at_most(self) -> int:
        """Return how many sessions there will be where no interval is narrow in time."""
        wanting = (it for it in self.records.values() if isinstance(it.outcome, AbUnfinished))
        return sum(self._growth.max_sessions - len(record.sessions) for record in wanting)

    def has(self, pair: Pair, round_: int) -> bool:
        """Tell whether the cell had its session of that round before this process began."""
        return len(self.records[pair.id].sessions) > round_


def rule_fields(rule: Rule) -> RuleFields:
    """Return `rule` as it is stored."""
    return RuleFields(
        pairs=rule.pairs,
        burst_s=rule.burst_s,
        least_calls=rule.least_calls,
        most_calls=rule.most_calls,
        dropped=rule.dropped,
    )


def _record(pair: Pair, rule: RuleFields) -> AbRecord:
    outcome: AbOutcome = pair.failed or AbUnfinished()
    return AbRecord(
        pair_id=pair.id,
        label=pair.label,
        base=_compared(pair.base),
        head=_compared(pair.head),
        rule=rule,
        outcome=outcome,
        sessions=[],
    )


def _compared(what: Cell | Command) -> Compared:
    fields = what.to_json()
    return CellFields(**fields) if isinstance(what, Cell) else CommandFields(**fields)


def pending_sessions(
    pairs: Sequence[Pair],
    *,
    measure: MeasureSession,
    write: Callable[[AbRecord], None],
    rule: Rule,
    growth: Growth,
    seed: int,
    begun: Sequence[AbRecord] = (),
    ratio_of: Measure = "wall",
    clock: Callable[[], float] = time.monotonic,
) -> Units:
    """Yield the sessions that `pairs` still need; a record is written after each of its sessions.

    The records of `begun` are resumed: the time of their sessions counts as this one's.
    """
    progress = Progress(pairs, rule, growth, begun, ratio_of)
    before = progress.sessions
    began = clock() - sum(one.wall_ns for one in before) / 1e9
    orders = count(max((one.order + 1 for one in before), default=0))
    chance = _chance(seed, len(before))
    for record in progress.records.values():
        write(record)

    def execute(pair: Pair, round_: int) -> str:
        result = measure(pair.start(chance), order=next(orders), round_=round_, chance=chance)
        record = progress.take(pair, result, elapsed_s=clock() - began)
        write(record)
        return result_text(record, ratio_of)

    for round_ in range(growth.max_sessions):
        for pair in chance.sample(list(pairs), len(pairs)):
            # The comparison's time may have run out since the cell's last session.
            if progress.ends(pair, elapsed_s=clock() - began):
                write(progress.records[pair.id])
            if not progress.wants(pair) or progress.has(pair, round_):
                continue
            left = progress.left_at_most()
            yield Unit(label=pair.label, left=left, execute=partial(execute, pair, round_))


def result_text(record: AbRecord, ratio_of: Measure = "wall") -> str:
    """Return what a cell came to so far, in a few words."""
    if isinstance(record.outcome, ArmFailed):
        why = record.outcome.why
        name = why.failure if isinstance(why, Failed) else "not available"
        return f"{record.outcome.arm} failed ({name})"
    ratios = log_ratios(record, ratio_of)
    if len(ratios) < 2:
        return "1 session"
    return f"{percent(estimate(ratios).ratio)} after {number_of(len(ratios), 'session')}"


def _chance(seed: int, sessions: int) -> random.Random:
    """Return what orders and cores are drawn from, after so many `sessions`.

    Seeded with `seed` alone, a comparison that goes on would draw what its first sessions drew: the
    order of the cells, which arm opens, the order in each pair of bursts. Whatever hangs on these
    would then be in twice instead of evening out.
    """
    return random.Random(f"{seed}, {sessions} in" if sessions else seed)  # noqa: S311 - no secret
