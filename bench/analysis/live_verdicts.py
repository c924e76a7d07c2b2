"""A live comparison's records -> its verdicts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

from bench.analysis.comparability import Ran, not_as_requested, unalike
from bench.analysis.contention import counted_bursts, taken_of_arms
from bench.analysis.interleaved import ARMS, Burst, Measure, estimate, figure_ns, log_ratio
from bench.analysis.verdicts import CellEvidence, CellVerdict, Comparison, judge, same_way
from bench.config.thresholds import Gate
from bench.storage.schema.ab import AbRecord, ArmFailed, ArmName
from bench.storage.schema.common import Failed


def log_ratios(record: AbRecord, measure: Measure = "wall") -> list[float]:
    """Return each session's estimate of log(head / base)."""
    dropped = record.rule.dropped
    return [log_ratio(it, dropped=dropped, measure=measure) for it in _counted(record)]


def _counted(record: AbRecord) -> list[list[Burst]]:
    """Return each session's bursts that count."""
    return [
        [Burst(it.arm, tuple(it.ns), cpu_ns=it.cpu_ns) for it in counted_bursts(session)]
        for session in record.sessions
    ]


def evidence(record: AbRecord, measure: Measure = "wall") -> CellEvidence | None:
    """Return the evidence of a measured cell, None where it has no interval."""
    if isinstance(record.outcome, ArmFailed) or len(record.sessions) < 2:
        return None
    result = estimate(log_ratios(record, measure))
    return CellEvidence(
        cell_id=record.pair_id,
        label=record.label,
        log_ratio=result.log_ratio,
        se=result.se,
        df=result.df,
        base_ns=_median_ns(record, "base", measure),
        head_ns=_median_ns(record, "head", measure),
    )


def _median_ns(record: AbRecord, arm: ArmName, measure: Measure) -> float:
    """Return the median over sessions of an arm's median sample, or burst's CPU time for each
    inference; for the reader alone.
    """
    return median(
        median(ns for it in session if it.arm == arm for ns in _of_burst(record, it, measure))
        for session in _counted(record)
    )


def _of_burst(record: AbRecord, burst: Burst, measure: Measure) -> Sequence[float]:
    dropped = record.rule.dropped
    if measure == "wall":
        return burst.ns[dropped:]
    figure = figure_ns(burst, dropped=dropped, measure=measure)
    return [] if figure is None else [figure]


def verdicts(
    records: Sequence[AbRecord],
    *,
    base: str,
    head: str,
    gate: Gate,
    doubts: Sequence[str] = (),
    measure: Measure = "wall",
) -> Comparison:
    """Return the comparison: cells judged by `analysis.verdicts`, the others with the reason.

    Both arms ran by turns, so that no doubt about the machine's clocks stands against it; `doubts`
    and arms that didn't run alike make it advice and no more. Other load is no doubt about
    CPU time.
    """
    evidences = {record.pair_id: evidence(record, measure) for record in records}
    judged = {
        cell.cell_id: cell
        for cell in judge([each for each in evidences.values() if each is not None], gate)
    }
    cells = tuple(
        _named(judged[record.pair_id], measure) if record.pair_id in judged else _without(record)
        for record in records
    )
    ran = [_ran(record, measure) for record in records]
    others = list(not_as_requested(ran))
    return Comparison(
        base=base,
        head=head,
        cells=cells,
        notes=tuple(_notes(cells, measure)),
        doubts=(*doubts, *others, *unalike(ran)),
        as_asked=not others,
        measure=measure,
    )


def _named(cell: CellVerdict, measure: Measure) -> CellVerdict:
    """Return the verdict with the measure in its reason, where that isn't the latency."""
    return replace(cell, reason=f"CPU time: {cell.reason}") if measure == "cpu" else cell


def _ran(record: AbRecord, measure: Measure) -> tuple[str, Ran, Ran]:
    """Return how both arms of a cell ran."""
    shares = [taken_of_arms(session) for session in record.sessions]
    base, head = (
        Ran(
            cell=record.cells.get(name),
            facts=[session.arms[name].facts for session in record.sessions],
            steady=[session.arms[name].steady for session in record.sessions],
            contended=sum(share.contended for share in shares if share and measure == "wall"),
        )
        for name in ARMS
    )
    return record.label, base, head


def _notes(cells: Sequence[CellVerdict], measure: Measure) -> Iterator[str]:
    if measure == "cpu":
        yield (
            "the change and the two figures are of CPU time, all threads' for each inference or "
            "run: waiting isn't in it, and spinning is"
        )
    elif any(cell.ratio is not None for cell in cells):
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
