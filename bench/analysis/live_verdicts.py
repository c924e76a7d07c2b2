"""A live comparison's records -> its verdicts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from bench.analysis.comparability import Ran, not_as_asked, unalike
from bench.analysis.contention import counted_bursts, taken_of_arms
from bench.analysis.interleaved import Burst, estimate, log_ratio
from bench.analysis.verdicts import CellEvidence, CellVerdict, Comparison, judge, same_way
from bench.config.thresholds import Gate
from bench.storage.schema.ab import AbRecord, ArmFailed, ArmName
from bench.storage.schema.common import CellFields, Failed


def log_ratios(record: AbRecord) -> list[float]:
    """Return each session's estimate of log(head / base)."""
    return [
        log_ratio(
            [Burst(it.arm, tuple(it.ns)) for it in counted_bursts(one)],
            dropped=record.rule.dropped,
        )
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
        median(ns for it in counted_bursts(one) if it.arm == arm for ns in it.ns[dropped:])
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
    taken = [taken_of_arms(session) for session in record.sessions]
    base, head = (
        Ran(
            cell=cell,
            facts=[one.arms[name].facts for one in record.sessions],
            steady=[one.arms[name].steady for one in record.sessions],
            contended=sum(it.contended for it in taken if it is not None),
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
