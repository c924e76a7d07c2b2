"""A live comparison's records -> its verdicts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from bench.analysis.comparability import Ran, not_as_requested, unalike
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
            [Burst(burst.arm, tuple(burst.ns)) for burst in counted_bursts(session)],
            dropped=record.rule.dropped,
        )
        for session in record.sessions
    ]


def evidence(record: AbRecord) -> CellEvidence | None:
    """Return the evidence of a measured cell, None where it has no interval."""
    if isinstance(record.outcome, ArmFailed) or len(record.sessions) < 2:
        return None
    result = estimate(log_ratios(record))
    return CellEvidence(
        cell_id=record.pair_id,
        label=record.label,
        log_ratio=result.log_ratio,
        se=result.se,
        df=result.df,
        base_ns=_median_ns(record, "base"),
        head_ns=_median_ns(record, "head"),
    )


def _median_ns(record: AbRecord, arm: ArmName) -> float:
    """Return the median over sessions of an arm's median sample; for the reader alone."""
    dropped = record.rule.dropped
    return median(
        median(
            ns for burst in counted_bursts(session) if burst.arm == arm for ns in burst.ns[dropped:]
        )
        for session in record.sessions
    )


def verdicts(
    records: Sequence[AbRecord], *, base: str, head: str, gate: Gate, doubts: Sequence[str] = ()
) -> Comparison:
    """Return the comparison: cells judged by `analysis.verdicts`, the others with the reason.

    Both arms ran by turns, so that no doubt about the machine's clocks stands against it; `doubts`
    and arms that didn't run alike make it advice and no more.
    """
    evidences = {record.pair_id: evidence(record) for record in records}
    judged = {
        cell.cell_id: cell
        for cell in judge([each for each in evidences.values() if each is not None], gate)
    }
    cells = tuple(judged.get(record.pair_id) or _without(record) for record in records)
    ran = [_ran(record) for record in records]
    others = list(not_as_requested(ran))
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
    shares = [taken_of_arms(session) for session in record.sessions]
    base, head = (
        Ran(
            cell=cell,
            facts=[session.arms[name].facts for session in record.sessions],
            steady=[session.arms[name].steady for session in record.sessions],
            contended=sum(share.contended for share in shares if share is not None),
        )
        for name, cell in cells.items()
    )
    return record.label, base, head


def _notes(cells: Sequence[CellVerdict]) -> Iterator[str]:
    if any(cell.ratio is not None for cell in cells):
        yield (
            "the change is of bursts that ran in turns; the two latencies are each arm's own "
            "medians, and may differ otherwise"
        )
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
    detail = f"{why.failure}: {why.message}" if isinstance(why, Failed) else why.reason
    return CellVerdict(
        cell_id=record.pair_id,
        label=record.label,
        verdict="MISSING" if outcome.arm == "head" else "INCOMPARABLE",
        reason=" ".join(f"{lacks} ({detail}): {why.hint}".split()),
    )
