"""run_ab(): the loop of a live comparison, and what its records come to.

Every cell gets a session a round, the rounds in random order, until its own interval is narrow
enough. A session's failure ends its cell: there is no ratio without both arms. A comparison that
ended early goes on from its records.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from bench.analysis.comparability import Ran, not_as_asked, unalike
from bench.analysis.interleaved import Burst, Growth, estimate, log_ratio, stopped
from bench.analysis.verdicts import CellEvidence, CellVerdict, Comparison, judge, same_way
from bench.config.thresholds import Gate
from bench.core.cell import Cell
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.session import ArmStart
from bench.storage.schema.ab import (
    AbMeasured,
    AbOutcome,
    AbRecord,
    AbSession,
    AbUnfinished,
    ArmFailed,
    ArmName,
    RuleFields,
)
from bench.storage.schema.common import CellFields, Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One cell of the comparison: what each arm runs, and how it is started.

    `start` draws the cores of a session; `failed` stands where an arm has no artifact.
    """

    base: Cell
    head: Cell
    start: Callable[[random.Random], Mapping[ArmName, ArmStart]]
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


def pair_id(base: Cell, head: Cell) -> str:
    """Return the cells' id, where they differ both."""
    return base.id if base.id == head.id else f"{base.id}--{head.id}"


class MeasureSession(Protocol):
    """Runs one session of two arms."""

    def __call__(
        self, starts: Mapping[ArmName, ArmStart], *, order: int, round_: int, chance: random.Random
    ) -> AbSession | ArmFailed: ...


class Observer(Protocol):
    """Is told of each session that ended, between sessions only."""

    def __call__(self, record: AbRecord, *, left_at_most: int) -> None: ...


class Progress:
    """The records so far, by pair; those of `begun` are gone on with."""

    def __init__(
        self, pairs: Sequence[Pair], rule: Rule, growth: Growth, begun: Sequence[AbRecord] = ()
    ) -> None:
        self._growth = growth
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
        why = stopped(log_ratios(record), self._growth, elapsed_s=elapsed_s)
        if not self.wants(pair) or why is None:
            return False
        outcome = AbMeasured.model_validate({"stopped": why})
        self.records[pair.id] = record.model_copy(update={"outcome": outcome})
        return True

    def wants(self, pair: Pair) -> bool:
        """Tell whether the cell takes another session."""
        return isinstance(self.records[pair.id].outcome, AbUnfinished)

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
        base=CellFields(**pair.base.to_json()),
        head=CellFields(**pair.head.to_json()),
        rule=rule,
        outcome=outcome,
        sessions=[],
    )


def run_ab(
    pairs: Sequence[Pair],
    *,
    measure: MeasureSession,
    write: Callable[[AbRecord], None],
    observer: Observer,
    rule: Rule,
    growth: Growth,
    seed: int,
    begun: Sequence[AbRecord] = (),
    clock: Callable[[], float] = time.monotonic,
) -> list[AbRecord]:
    """Measure all `pairs`; each record is written after each of its sessions.

    The records of `begun` are gone on with: the time of their sessions counts as this one's.
    """
    progress = Progress(pairs, rule, growth, begun)
    before = progress.sessions
    began = clock() - sum(one.wall_ns for one in before) / 1e9
    order = max((one.order + 1 for one in before), default=0)
    chance = _chance(seed, len(before))
    for record in progress.records.values():
        write(record)
    for round_ in range(growth.max_sessions):
        for pair in chance.sample(list(pairs), len(pairs)):
            # The comparison's time may have run out since the cell's last session.
            if progress.ends(pair, elapsed_s=clock() - began):
                write(progress.records[pair.id])
            if not progress.wants(pair) or progress.has(pair, round_):
                continue
            found = measure(pair.start(chance), order=order, round_=round_, chance=chance)
            order += 1
            record = progress.take(pair, found, elapsed_s=clock() - began)
            write(record)
            wanting = sum(progress.wants(one) for one in pairs)
            observer(record, left_at_most=wanting * (growth.max_sessions - round_ - 1))
    return list(progress.records.values())


def _chance(seed: int, sessions: int) -> random.Random:
    """Return what orders and cores are drawn from, after so many `sessions`.

    Seeded with `seed` alone, a comparison that goes on would draw what its first sessions drew: the
    order of the cells, which arm opens, the order in each pair of bursts. Whatever hangs on these
    would then be in twice instead of evening out.
    """
    return random.Random(f"{seed}, {sessions} in" if sessions else seed)  # noqa: S311 - no secret


def log_ratios(record: AbRecord) -> list[float]:
    """Return each session's estimate of log(head / base)."""
    return [
        log_ratio([Burst(it.arm, tuple(it.ns)) for it in one.bursts], dropped=record.rule.dropped)
        for one in record.sessions
    ]


def evidence(record: AbRecord) -> CellEvidence | None:
    """Return what a measured cell tells, None where it has no interval."""
    if isinstance(record.outcome, ArmFailed) or len(record.sessions) < 2:
        return None
    found = estimate(log_ratios(record))
    return CellEvidence(
        cell_id=record.pair_id,
        label=record.label,
        log_ratio=found.log_ratio,
        se=found.se,
        df=found.df,
        base_ns=_median_ns(record, "base"),
        head_ns=_median_ns(record, "head"),
    )


def _median_ns(record: AbRecord, arm: ArmName) -> float:
    """Return the median over sessions of an arm's median sample; for the reader alone."""
    dropped = record.rule.dropped
    return median(
        median(ns for it in one.bursts if it.arm == arm for ns in it.ns[dropped:])
        for one in record.sessions
    )


def verdicts(
    records: Sequence[AbRecord], *, base: str, head: str, gate: Gate, doubts: Sequence[str] = ()
) -> Comparison:
    """Return the comparison: cells judged by `analysis.verdicts`, the others told why.

    Both arms ran by turns, so that no doubt about the machine's clocks stands against it; `doubts`
    and arms that didn't run alike make it advice and no more.
    """
    known = {one.pair_id: evidence(one) for one in records}
    judged = {
        one.cell_id: one for one in judge([one for one in known.values() if one is not None], gate)
    }
    cells = tuple(judged.get(one.pair_id) or _without(one) for one in records)
    ran = [_ran(record) for record in records]
    others = list(not_as_asked(ran))
    return Comparison(
        base=base,
        head=head,
        cells=cells,
        notes=tuple(_notes(cells)),
        doubts=(*doubts, *others, *unalike(ran)),
        as_asked=not others,
    )


def _ran(record: AbRecord) -> tuple[str, Ran, Ran]:
    """Return how both arms of a cell ran."""
    cells: dict[ArmName, CellFields] = {"base": record.base, "head": record.head}
    base, head = (
        Ran(
            cell=cell,
            facts=[one.arms[name].facts for one in record.sessions],
            steady=[one.arms[name].steady for one in record.sessions],
        )
        for name, cell in cells.items()
    )
    return record.label, base, head


def _notes(cells: Sequence[CellVerdict]) -> Iterator[str]:
    moved = same_way(cells)
    if moved is not None:
        yield f"{moved}: the arms ran by turns, so they differ in something that all of these share"


def _without(record: AbRecord) -> CellVerdict:
    """Return the verdict of a cell that has no ratio; HEAD's alone is a cell that vanished."""
    outcome = record.outcome
    if not isinstance(outcome, ArmFailed):
        return CellVerdict(
            cell_id=record.pair_id,
            label=record.label,
            verdict="INCONCLUSIVE",
            reason="it was interrupted before its second session",
        )
    why, both = outcome.why, outcome.arm == "both"
    lacks = "neither arm has a figure" if both else f"{outcome.arm} has no figure"
    told = f"{why.failure}: {why.message}" if isinstance(why, Failed) else why.reason
    return CellVerdict(
        cell_id=record.pair_id,
        label=record.label,
        verdict="MISSING" if outcome.arm == "head" else "INCOMPARABLE",
        reason=" ".join(f"{lacks} ({told}): {why.hint}".split()),
    )
