"""Profiles by operator as text for the terminal: one cell's operators, or what two cells differ by.

Times of operators are in microseconds, latencies in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.operators import (
    Group,
    OperatorDiff,
    Row,
    by_family,
    cost,
    diff,
    latency_ns,
    together_ns,
)
from bench.core import escape
from bench.core.output import wrapped
from bench.core.units import NS_PER_US, number_of, significant, to_ms
from bench.reports.terminal.drawing import drawn
from bench.storage.schema.profile import Profiled, ProfileRecord

_SHOWN = 20
_SAID = 3
_WORTH = 0.02
_MUCH = 0.3
_BUSY = (
    "That is much: where other programs had the cores meanwhile, it is mostly time in which they "
    "ran. Profile again on a machine without other load."
)
_KERNELS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A cell's profile: its record, the cell's label, and the run that it is of."""

    label: str
    run_id: str
    record: ProfileRecord
    profiled: Profiled


def profile_text(one: Side, width: int | None, *, every: bool = False) -> str:
    """Return the operators of a cell that take most, or `every` one in the graph's order."""
    operators = one.profiled.operators
    shown = operators if every else sorted(operators, key=lambda it: -it.ns)[:_SHOWN]
    total = together_ns(one.profiled)
    rows = [
        [it.name, _us(it.ns), _percent(it.ns, total), f"{it.calls:g}", it.type, it.kernel]
        for it in shown
    ]
    head = ["operator", "µs", "share", "calls", "type", "kernel"]
    note = [] if len(shown) == len(operators) else [_rest(len(shown), len(operators))]
    table = drawn(f"{one.label}, run {one.run_id}", head, rows, "\n".join(note), width=width)
    return table + _prose(["", *_sentences(one.profiled)], width)


def profiles_table(sides: Sequence[Side], width: int | None) -> str:
    """Return a row a cell: its latency, what the profile costs, and the kinds that take most."""
    rows = [
        [
            it.label,
            significant(to_ms(latency_ns(it.profiled))),
            f"{cost(it.profiled):.2f}",
            str(len(it.profiled.operators)),
            significant(to_ms(together_ns(it.profiled))),
            _kinds(it.profiled),
        ]
        for it in sides
    ]
    head = ["cell", "latency, ms", "× profiled", "operators", "together, ms", "most of it"]
    note = "more on one of them: name its whole label or id"
    return drawn(f"run {sides[0].run_id}", head, rows, note, width=width)


def diff_text(base: Side, head: Side, width: int | None, *, every: bool = False) -> str:
    """Return what two cells spend on each operator, or kind of work, and what that explains."""
    found = diff(base.profiled, head.profiled)
    shown = found.rows if every else found.rows[:_SHOWN]
    columns = ["operator" if found.by_name else "kind of work", "BASE, µs", "HEAD, µs"]
    columns += ["difference, µs", "ratio", "share of BASE", "share of HEAD"]
    totals = together_ns(base.profiled), together_ns(head.profiled)
    rows = [_diff_row(row, totals) for row in shown]
    note = [] if len(shown) == len(found.rows) else [_rest(len(shown), len(found.rows))]
    arms = [f"{name} {it.label}, run {it.run_id}" for name, it in _named(base, head)]
    table = drawn("", columns, rows, "\n".join(note), width=width)
    said = explanation(found, base, head)
    return escape.lines(arms) + table + _prose(["", *said], width)


def diffs_table(pairs: Sequence[tuple[Side, Side]], width: int | None) -> str:
    """Return a row a pair of cells: how far apart they are, and what explains it most."""
    rows = []
    for base, head in pairs:
        found = diff(base.profiled, head.profiled)
        apart = [found.base_ns, found.head_ns]
        signed = [found.difference_ns, found.explained_ns, found.unexplained_ns]
        most = found.rows[0]
        rows.append(
            [
                f"{base.label} → {head.label}",
                *(significant(to_ms(ns)) for ns in apart),
                *(f"{to_ms(ns):+.3f}" for ns in signed),
                f"{most.name} {to_ms(most.difference_ns):+.3f}",
            ]
        )
    head_row = ["BASE → HEAD", "BASE, ms", "HEAD, ms", "difference", "operators", "outside"]
    note = (
        "difference: HEAD less BASE, in ms; what of it the operators explain; name a cell for more"
    )
    return drawn("", [*head_row, "differs most"], rows, note, width=width)


def explanation(found: OperatorDiff, base: Side, head: Side) -> Iterator[str]:
    """Yield sentences: how far the two are apart, which operators explain it, what none does."""
    apart = found.difference_ns
    more = f"{_ms(abs(apart))} {'more' if apart >= 0 else 'less'}"
    yield (
        f"BASE takes {_ms(found.base_ns)} without a profile, HEAD {_ms(found.head_ns)}: {more} "
        f"({found.head_ns / found.base_ns:.2f} times)."
    )
    yield (
        f"The operators explain {_signed(found.explained_ns)} of {_signed(apart)}; "
        f"{_signed(found.unexplained_ns)} is outside them: copies, the engine's own work between "
        f"operators, and what engines cut off of their times, up to {_ms(found.resolution_ns)}."
    )
    if abs(found.unexplained_ns) > _MUCH * max(found.base_ns, found.head_ns):
        yield _BUSY
    yield from _most(found)
    kernels = [(row.name, row.kernels) for row in found.rows if row.kernels is not None]
    for name, (before, after) in kernels[:_KERNELS]:
        yield f"{name} runs another kernel: {before} in BASE, {after} in HEAD."
    if len(kernels) > _KERNELS:
        yield f"{len(kernels) - _KERNELS} more operators run another kernel: --json has them."
    if not found.by_name:
        yield "The two graphs share few names, so operators are summed by the kind of their work."
    for name, it in _named(base, head):
        yield f"With the profile {name} takes {cost(it.profiled):.2f} times as long."
    yield "Each side is of one process: whether the cells differ at all is for compare to say."


def _most(found: OperatorDiff) -> Iterator[str]:
    """Yield which rows have most of the difference, in its direction, and against it."""
    sign = 1 if found.difference_ns >= 0 else -1
    least = _WORTH * sum(abs(row.difference_ns) for row in found.rows)
    along = [row for row in found.rows if row.difference_ns * sign > least]
    against = [row for row in found.rows if row.difference_ns * sign < -least]
    if along:
        yield f"Most of it: {'; '.join(map(_said, along[:_SAID]))}."
    if against:
        yield f"Against it: {'; '.join(map(_said, against[:_SAID]))}."


def _said(row: Row) -> str:
    counts = ""
    if row.is_kind:
        counts = f", {_counted(row.base)} in BASE, {_counted(row.head)} in HEAD"
    return f"{row.name} {_signed(row.difference_ns)}{counts}"


def _counted(group: Group | None) -> str:
    """Return how many operators of which types a group has."""
    if group is None:
        return "none"
    return f"{group.count} ({', '.join(group.types)})"


def _sentences(profiled: Profiled) -> Iterator[str]:
    latency, total = latency_ns(profiled), together_ns(profiled)
    shares = ", ".join(f"{name} {_percent(ns, total)}" for name, ns in _spent(profiled).items())
    yield f"By kind of work: {shares}."
    count = len(profiled.operators)
    outside = latency - total
    of_it = f"{_ms(outside)} of it outside them" if outside >= 0 else f"{_ms(-outside)} less"
    yield (
        f"{number_of(count, 'operator')} take {_ms(total)} together; an inference without the "
        f"profile takes {_ms(latency)}, {of_it}."
    )
    if outside > _MUCH * latency:
        yield _BUSY
    if profiled.resolution_ns > 1:
        each, most = profiled.resolution_ns / NS_PER_US, profiled.resolution_ns * count
        yield f"The engine cuts off up to {each:g} µs of each operator, {_ms(most)} in all."
    yield f"With the profile an inference takes {cost(profiled):.2f} times as long."


def _spent(profiled: Profiled) -> Mapping[str, float]:
    return {name: ns for name, ns in by_family(profiled.operators).items() if ns > 0}


def _kinds(profiled: Profiled) -> str:
    total = together_ns(profiled)
    most = list(_spent(profiled).items())[:_SAID]
    return ", ".join(f"{name} {_percent(ns, total)}" for name, ns in most)


def _diff_row(row: Row, totals: tuple[float, float]) -> list[str]:
    return [
        row.name,
        _us(row.base_ns) if row.base else "–",
        _us(row.head_ns) if row.head else "–",
        f"{row.difference_ns / NS_PER_US:+.1f}",
        "" if row.ratio is None else f"{row.ratio:.2f}",
        _percent(row.base_ns, totals[0]),
        _percent(row.head_ns, totals[1]),
    ]


def _named(base: Side, head: Side) -> tuple[tuple[str, Side], tuple[str, Side]]:
    return ("BASE", base), ("HEAD", head)


def _rest(shown: int, of: int) -> str:
    return f"the {shown} of {of} that take or differ most; --all shows every one"


def _prose(texts: Sequence[str], width: int | None) -> str:
    return escape.lines(part for text in texts for part in wrapped(text, width))


def _us(ns: float) -> str:
    return f"{ns / NS_PER_US:.1f}"


def _ms(ns: float) -> str:
    return f"{significant(to_ms(ns))} ms"


def _signed(ns: float) -> str:
    return f"{'+' if ns >= 0 else '-'}{_ms(abs(ns))}"


def _percent(ns: float, total: float) -> str:
    return f"{ns / total:.1%}" if total else ""
