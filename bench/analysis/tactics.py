"""What explains that two builds of one net differ: the kernels of their layers. Pure.

It is told of cells whose ratio's 95% interval excludes 1, and of the builds of one cell in a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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

    The pairs of all cells are judged together.
    """
    for apart in builds_apart(list(side.measured.values())):
        if all(it.sessions[0].layers in side.layers for it in apart.builds):
            changes = layer_changes(*(_engines(it, side) for it in apart.builds))
            differ = sentence(changes, *apart.names)
            yield f"{apart.label}: in {name} {apart.sentence}: {differ}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildsApart:
    """Two builds of a cell's engine whose latencies differ, as records of their own sessions."""

    label: str
    builds: tuple[Record, Record]
    change: str

    @property
    def names(self) -> list[str]:
        """What the reader calls the builds: `build 0`, or all that have the same layers."""
        numbers = [sorted({s.facts.get("build", "?") for s in it.sessions}) for it in self.builds]
        return [f"build {' and '.join(it)}" for it in numbers]

    @property
    def sentence(self) -> str:
        """Which takes how much longer than the other."""
        first, second = self.names
        return f"{second} takes {self.change} against {first}"


def builds_apart(records: Sequence[Record]) -> list[BuildsApart]:
    """Return the pairs of builds, of sessions of one cell, that differ in latency.

    A build takes two sessions to have an interval.
    """
    judged: list[tuple[CellEvidence, tuple[Record, Record]]] = []
    for pair in (pair for record in records for pair in combinations(_builds(record), 2)):
        evidence = evidence_of(*pair)
        if isinstance(evidence, CellEvidence):
            judged.append((evidence, pair))
    verdicts = judge([evidence for evidence, _ in judged])
    return [
        BuildsApart(label=verdict.label, builds=pair, change=_change(verdict))
        for verdict, (_, pair) in zip(verdicts, judged, strict=True)
        if verdict.is_apart and verdict.q is not None and verdict.q < ALPHA / 2
    ]


def _builds(record: Record) -> list[Record]:
    """Return a record of the sessions of each engine that told its layers."""
    names = dict.fromkeys(session.layers for session in record.sessions)
    return [
        record.model_copy(update={"sessions": [s for s in record.sessions if s.layers == name]})
        for name in names
        if name is not None
    ]


def _change(verdict: CellVerdict) -> str:
    assert verdict.ratio is not None  # noqa: S101 - the caller has judged it
    assert verdict.low is not None  # noqa: S101
    assert verdict.high is not None  # noqa: S101
    return f"{percent(verdict.ratio)} [{percent(verdict.low)}, {percent(verdict.high)}]"


def _unread(name: str, side: Side) -> Iterator[str]:
    named = {s.layers for it in side.records.values() for s in it.sessions if s.layers is not None}
    if lost := len(named - side.layers.keys()):
        which = f"the layers of {number_of(lost, 'engine')} of {name}"
        yield f"{which} can't be read: {command(f'verify --run {side.manifest.run_id}')} names them"
