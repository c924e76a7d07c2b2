"""Two stored runs, cell by cell: which cells may be compared, and what their sessions tell. Pure.

A session's median (or mean, as the preset has it) is one observation; the ratio's logarithm has
Welch's standard error and degrees of freedom (Welch, Biometrika 34 (1947) 28), since two runs need
not be equally noisy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median, variance

from bench.analysis.comparability import unalike
from bench.analysis.contention import counted_ns
from bench.analysis.run_context import changes, run_context, unfinished
from bench.analysis.stored_doubts import Side, doubts_of, elsewhere, ran_of
from bench.analysis.verdicts import (
    CellEvidence,
    CellVerdict,
    Comparison,
    Word,
    judge,
)
from bench.config.thresholds import Gate
from bench.core.program import command
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import Record


def compare_runs(base: Side, head: Side, gate: Gate, *, tells: float | None) -> Comparison:
    """Return the verdicts on every cell that `base` has a figure of.

    `tells` is the smallest slowdown that this system's newest self-test can show, None without one.
    """
    judged: dict[str, CellEvidence | CellVerdict] = {}
    partners = match(base, head)
    for cell_id, record in base.measured.items():
        judged[cell_id] = _weigh(record, partners[cell_id], base, head)
    evidence = [cell for cell in judged.values() if isinstance(cell, CellEvidence)]
    verdicts = {cell.cell_id: cell for cell in judge(evidence, gate)}
    cells = tuple(
        verdicts[cell_id] if isinstance(cell, CellEvidence) else cell
        for cell_id, cell in judged.items()
    )
    return Comparison(
        base=base.name,
        head=head.name,
        cells=cells,
        notes=tuple(_notes(base, head, partners)),
        doubts=(
            *doubts_of(base, head, cells, gate, tells),
            *elsewhere(base, head),
            *unalike(ran_of(base, head, partners)),
        ),
    )


def match(base: Side, head: Side) -> dict[str, Record | None]:
    """Return for each cell of `base` its record in `head`: the same cell's or, where `head` lacks
    that, the most similar of the same net that no cell of `base` has claimed: of its runner and
    batch, or otherwise in one field alone.
    """
    partners = {cell_id: head.records.get(cell_id) for cell_id in base.measured}
    free = [record for cell_id, record in head.records.items() if cell_id not in base.records]
    for cell_id in (cell_id for cell_id, record in partners.items() if record is None):
        own = base.records[cell_id]
        near = [other for other in free if _is_near(own, other)]
        if near:
            chosen = min(near, key=lambda other: len(list(_workload(own, other))))
            partners[cell_id] = chosen
            free.remove(chosen)
    return partners


def _is_near(own: Record, other: Record) -> bool:
    """Tell whether a person who looks for `own` means `other`."""
    ours, theirs = own.cell, other.cell
    if ours.variant != theirs.variant:
        return False
    same = (ours.runner, ours.batch) == (theirs.runner, theirs.batch)
    return same or len(list(_workload(own, other))) == 1


def welch(base: Sequence[float], head: Sequence[float]) -> tuple[float, float, float]:
    """Return ln(HEAD / BASE) of two groups of latencies, its standard error, degrees of freedom.

    Raises ValueError for a group of fewer than two.
    """
    if min(len(base), len(head)) < 2:
        raise ValueError("a standard error takes two sessions a side")
    logs = [[math.log(value) for value in group] for group in (base, head)]
    parts = [variance(group) / len(group) for group in logs]
    total = sum(parts)
    weights = sum(part**2 / (len(group) - 1) for part, group in zip(parts, logs, strict=True))
    df = total**2 / weights if weights else len(base) + len(head) - 2.0
    return fmean(logs[1]) - fmean(logs[0]), math.sqrt(total), df


def _weigh(own: Record, other: Record | None, base: Side, head: Side) -> CellEvidence | CellVerdict:
    if base.manifest.system_id != head.manifest.system_id:
        systems = f"{base.manifest.system_id} in BASE, {head.manifest.system_id} in HEAD"
        return _without(own, "INCOMPARABLE", f"hardware: {systems}")
    if other is None:
        return _without(own, "MISSING", _why_missing(own, head))
    apart = [*_workload(own, other), *_weights(own, other, base, head), *_sampling(own, other)]
    if apart:
        return _without(own, "INCOMPARABLE", "; ".join(apart))
    if isinstance(other.outcome, Failed | Skipped):
        return _without(own, "MISSING", _outcome(other.outcome))
    effective = list(_effective(own, other))
    if effective:
        return _without(own, "INCOMPARABLE", "; ".join(effective))
    return evidence_of(own, other)


def evidence_of(own: Record, other: Record) -> CellEvidence | CellVerdict:
    """Return what the sessions of two records that may be compared tell, a verdict where they
    bear no interval.
    """
    for name, record in (("BASE", own), ("HEAD", other)):
        if any(session.reported_ns is not None for session in record.sessions):
            return _without(own, "INCONCLUSIVE", f"a tool's averages in {name} bear no interval")
        if len(record.sessions) < 2:
            return _without(own, "INCONCLUSIVE", f"one session in {name} bears no interval")
    groups = [_latencies(own), _latencies(other)]
    log_ratio, se, df = welch(*groups)
    base_ns, head_ns = (math.exp(fmean(map(math.log, group))) for group in groups)
    return CellEvidence(
        cell_id=own.cell_id,
        label=own.cell.to_cell().label,
        log_ratio=log_ratio,
        se=se,
        df=df,
        base_ns=base_ns,
        head_ns=head_ns,
    )


def _latencies(record: Record) -> list[float]:
    """Return each session's figure in ns."""
    sessions = [counted_ns(session) for session in record.sessions]
    if record.sampling.statistic == "mean":
        return [fmean(samples) for samples in sessions]
    return [float(median(samples)) for samples in sessions]


def _without(record: Record, verdict: Word, reason: str) -> CellVerdict:
    label = record.cell.to_cell().label
    return CellVerdict(cell_id=record.cell_id, label=label, verdict=verdict, reason=reason)


def _why_missing(own: Record, head: Side) -> str:
    if own.cell_id in head.manifest.cells:
        return f"HEAD planned it and has no record of it (the run is {head.manifest.status})"
    return "HEAD has no such cell"


def _outcome(outcome: Failed | Skipped) -> str:
    if isinstance(outcome, Failed):
        return f"it failed in HEAD ({outcome.failure}): {' '.join(outcome.message.split())}"
    return f"it was skipped in HEAD: {' '.join(outcome.reason.split())}"


def _workload(own: Record, other: Record) -> Iterator[str]:
    """Yield what makes two cells other ones, the weights aside."""
    for name in ("runner", "precision", "batch", "threads", "input"):
        yield from _differs(name, getattr(own.cell, name), getattr(other.cell, name))
    settings, others = own.cell.settings, other.cell.settings
    for name in sorted(set(settings) | set(others)):
        yield from _differs(name, settings.get(name, "unset"), others.get(name, "unset"))


def _weights(own: Record, other: Record, base: Side, head: Side) -> Iterator[str]:
    base_facts = base.manifest.models.get(own.cell.variant)
    head_facts = head.manifest.models.get(other.cell.variant)
    kinds = [facts.weights if facts else "unknown" for facts in (base_facts, head_facts)]
    if own.cell.model_hash != other.cell.model_hash:
        hashes = own.cell.model_hash, other.cell.model_hash
        apart = kinds[0] != kinds[1]
        yield from _differs("weights" if apart else "net or weights", *(kinds if apart else hashes))
    elif base_facts and head_facts and base_facts.weights_sha256 and head_facts.weights_sha256:
        yield from _differs(
            "weights", base_facts.weights_sha256[:12], head_facts.weights_sha256[:12]
        )


def _sampling(own: Record, other: Record) -> Iterator[str]:
    for name in ("preset", "statistic"):
        yield from _differs(name, getattr(own.sampling, name), getattr(other.sampling, name))


def _effective(own: Record, other: Record) -> Iterator[str]:
    """Yield what was effective on one side alone, whatever was requested."""
    for name in ("precision", *sorted(own.cell.settings)):
        values = [
            ", ".join(sorted({s.facts[name] for s in record.sessions if name in s.facts}))
            for record in (own, other)
        ]
        if all(values):
            yield from _differs(f"{name} in force", *values)


def _differs(name: str, base: object, head: object) -> Iterator[str]:
    if base != head:
        yield f"{name}: {base} in BASE, {head} in HEAD"


def _notes(base: Side, head: Side, partners: Mapping[str, Record | None]) -> Iterator[str]:
    if base.manifest.run_id == head.manifest.run_id:
        yield "BASE and HEAD are the same run"
    for manifest in {it.manifest.run_id: it.manifest for it in (base, head)}.values():
        if (why := unfinished(manifest)) is not None:
            yield f"{why}; {command(f'run --resume {manifest.run_id}')} measures them"
    pairs = (base, head)
    before, after = (run_context(side.manifest, list(side.measured.values())) for side in pairs)
    yield from (f"between the runs: {change}" for change in changes(before, after))
    claimed = {record.cell_id for record in partners.values() if record is not None}
    new = [cell_id for cell_id in head.measured if cell_id not in claimed]
    if new:
        more = f" and {len(new) - 3} more" if len(new) > 3 else ""
        yield f"in HEAD alone, so without a verdict: {', '.join(new[:3])}{more}"
