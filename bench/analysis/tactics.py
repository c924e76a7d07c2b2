"""What explains that two builds of one net differ: the kernels of their layers. Pure.

It is told of cells whose ratio's 95% interval excludes 1, and of the builds of one cell in a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from bench.analysis.layer_changes import layer_changes, sentence
from bench.analysis.stored_doubts import Side
from bench.analysis.stored_runs import evidence_of, match
from bench.analysis.verdicts import ALPHA, CellEvidence, CellVerdict, Comparison, judge, percent
from bench.core.program import command
from bench.core.units import number_of
from bench.storage.schema.latency import Record
from bench.storage.schema.layers import EngineLayers


def with_tactics(comparison: Comparison, base: Side, head: Side) -> Comparison:
    """Return `comparison` with the layers that run other kernels, where engines tell theirs."""
    partners = match(base, head)
    cells = tuple(_explained(it, base, head, partners[it.cell_id]) for it in comparison.cells)
    notes = [f"{it.label}: {sentence(it.layers)}" for it in cells if it.layers is not None]
    sides = {"HEAD": head} if base.records == head.records else {"BASE": base, "HEAD": head}
    for name, side in sides.items():
        notes += [*_builds_apart(name, side), *_unread(name, side)]
    return replace(comparison, cells=cells, notes=(*comparison.notes, *notes))


def _explained(cell: CellVerdict, base: Side, head: Side, partner: Record | None) -> CellVerdict:
    if partner is None or not cell.is_apart:
        return cell
    engines = [_engines(base.records[cell.cell_id], base), _engines(partner, head)]
    return replace(cell, layers=layer_changes(*engines)) if all(engines) else cell


def _engines(record: Record, side: Side) -> list[EngineLayers]:
    """Return the engines that the record's sessions ran, as far as their layers are known."""
    names = dict.fromkeys(session.layers for session in record.sessions)
    return [side.layers[name] for name in names if name is not None and name in side.layers]


def _builds_apart(name: str, side: Side) -> Iterator[str]:
    """Yield each two builds of a cell that differ in latency, with the layers that differ in them.

    A build takes two sessions to have an interval; the pairs are judged together.
    """
    judged: list[tuple[CellEvidence, Record, Record]] = []
    for record in side.measured.values():
        for pair in combinations(_builds(record, side), 2):
            evidence = evidence_of(*pair)
            if isinstance(evidence, CellEvidence):
                judged.append((evidence, *pair))
    verdicts = judge([evidence for evidence, *_ in judged])
    for verdict, (_, first, second) in zip(verdicts, judged, strict=True):
        if verdict.is_apart and verdict.q is not None and verdict.q < ALPHA / 2:
            yield f"{verdict.label}: in {name} {_pair(verdict, first, second, side)}"


def _builds(record: Record, side: Side) -> list[Record]:
    """Return a record of the sessions of each engine whose layers are known."""
    return [
        record.model_copy(update={"sessions": [s for s in record.sessions if s.layers == name]})
        for name in dict.fromkeys(session.layers for session in record.sessions)
        if name in side.layers
    ]


def _pair(verdict: CellVerdict, first: Record, second: Record, side: Side) -> str:
    assert verdict.ratio is not None  # noqa: S101 - the caller has judged it
    assert verdict.low is not None  # noqa: S101
    assert verdict.high is not None  # noqa: S101
    names = [_build(record) for record in (first, second)]
    change = f"{percent(verdict.ratio)} [{percent(verdict.low)}, {percent(verdict.high)}]"
    changes = layer_changes(_engines(first, side), _engines(second, side))
    return f"{names[1]} takes {change} against {names[0]}: {sentence(changes, *names)}"


def _build(record: Record) -> str:
    numbers = sorted({session.facts.get("build", "?") for session in record.sessions})
    return f"build {' and '.join(numbers)}"


def _unread(name: str, side: Side) -> Iterator[str]:
    named = {s.layers for it in side.records.values() for s in it.sessions if s.layers is not None}
    if lost := len(named - side.layers.keys()):
        which = f"the layers of {number_of(lost, 'engine')} of {name}"
        yield f"{which} can't be read: {command(f'verify --run {side.manifest.run_id}')} names them"
