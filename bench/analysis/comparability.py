"""Whether both sides of a cell ran alike where they were to: threads, cores, warm-up. Pure.

What differs here makes a comparison advice: the ratio may be of that, and not of the code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.unmet import unmet
from bench.storage.schema.common import CellFields

SETTLED = 0.20
"""The share of sessions whose warm-up may end unsettled: by chance that happens to one of five."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How the sessions of one side of a cell ran: their facts, which settled, whether the latency
    moved within them, how many were contended, whether the machine was slow most of the time, and
    whether they took turns with other cells'. `cell` is None for a command.
    """

    cell: CellFields | None
    facts: Sequence[Mapping[str, str]]
    steady: Sequence[bool]
    moved: bool = False
    contended: int = 0
    slow: bool = False
    by_turns: bool = False


def unalike(cells: Iterable[tuple[str, Ran, Ran]]) -> list[str]:
    """Return a clause for each way in which BASE and HEAD ran otherwise, with the cells' labels."""
    by_clause: dict[str, list[str]] = {}
    for label, base, head in cells:
        for clause in _clauses(base, head):
            by_clause.setdefault(clause, []).append(label)
    return [f"{clause} ({_first(labels)})" for clause, labels in by_clause.items()]


def not_as_requested(cells: Iterable[tuple[str, Ran, Ran]]) -> Iterator[str]:
    """Yield what was effective otherwise than a side's cell requests, and on which sides."""
    for label, base, head in cells:
        by_clause: dict[str, list[str]] = {}
        for name, ran in (("base", base), ("head", head)):
            for clause in unmet(ran.cell, ran.facts) if ran.cell else []:
                by_clause.setdefault(clause, []).append(name)
        for clause, names in by_clause.items():
            yield f"{label}: {' and '.join(names)}: {clause}"


def _first(labels: Sequence[str]) -> str:
    return labels[0] + (f" and {len(labels) - 1} more" if len(labels) > 1 else "")


def _clauses(base: Ran, head: Ran) -> Iterator[str]:
    if base.by_turns != head.by_turns:
        turns, alone = ("BASE", "HEAD") if base.by_turns else ("HEAD", "BASE")
        yield f"{turns} was measured by turns with other cells, {alone} alone"
    if base.cell and head.cell and base.cell.threads == head.cell.threads:
        yield from _apart("effective threads", "threads_worked", base, head)
        # Which cores an engine takes, and which a setting gives it, is what is compared.
        if _engine(base.cell) == _engine(head.cell):
            yield from _apart("cores to run on", "affinity", base, head)
            yield from _apart("cores to run on", "allowed", base, head)
    for side, ran in (("BASE", base), ("HEAD", head)):
        unsettled, count = len(ran.steady) - sum(ran.steady), len(ran.steady)
        if unsettled > SETTLED * count:
            yield f"the warm-up had not settled in {unsettled} of {count} sessions of {side}"
        if ran.moved:
            yield f"the latency moves within the sessions of {side}"
        if ran.contended:
            yield f"{ran.contended} of {count} sessions of {side} are contended by other processes"
        if ran.slow:
            yield f"the machine was slow, by its canary, most of the time of {side}"


def _engine(cell: CellFields) -> object:
    return cell.runner, cell.settings


def _apart(what: str, name: str, base: Ran, head: Ran) -> Iterator[str]:
    """Yield the fact that differs, where both sides have it."""
    values = [
        " or ".join(sorted({facts[name] for facts in ran.facts if name in facts}))
        for ran in (base, head)
    ]
    if all(values) and values[0] != values[1]:
        yield f"{what}: {values[0]} in BASE, {values[1]} in HEAD"
