"""Rules about the order of a family: what a larger net can't do to a latency. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from bench.analysis.audit.table import Column, Cost, Oddity, Row, Table

_FALLING_NETS = 4
_FALLING_FACTOR = 2.0


def larger_net_faster(table: Table) -> Iterator[Oddity]:
    """A larger net of a family is faster than each smaller one of some size, and by more than two
    measurements of one net part.

    Nets of equal cost that differ otherwise (an activation) bound each other: only what is faster
    than the fastest of them contradicts. What contradicts most is named first, until
    the rest is in order; of two that contradict as many, the larger net's.
    """
    for column in table.of_kind("latency"):
        for family in dict.fromkeys(row.family for row in table.rows):
            costs = costs_of(table, column, family)
            pairs = _pairs(table, column, costs)
            while pairs:
                often = Counter(row for pair in pairs for row in pair)
                odd = max(often, key=lambda row: (often[row], costs[row].flops))
                yield _out_of_order(table, column, odd, [pair for pair in pairs if odd in pair])
                pairs = [pair for pair in pairs if odd not in pair]


def costs_of(table: Table, column: Column, family: str) -> dict[Row, Cost]:
    """Return the family's rows that have a figure in the column and a known cost."""
    rows = [row for row in table.rows if row.family == family and row.figure(column) is not None]
    return {row: row.cost for row in rows if row.cost}


def _pairs(table: Table, column: Column, costs: dict[Row, Cost]) -> list[tuple[Row, Row]]:
    """Return the pairs of a smaller net and a larger one that is faster, the widest apart first."""
    fastest: dict[Cost, Row] = {}
    for row in sorted(costs, key=lambda row: row.figures[column.name]):
        fastest.setdefault(costs[row], row)
    allowed = table.repeatability.get(column.name, 1.0)
    apart = [
        (smaller, larger)
        for smaller in fastest.values()
        for larger in costs
        if costs[larger].above(costs[smaller])
        and table.bounds(smaller, column)[0] > table.bounds(larger, column)[1] * allowed
    ]
    return sorted(apart, key=lambda pair: _apart(pair, column), reverse=True)


def _apart(pair: tuple[Row, Row], column: Column) -> float:
    return pair[0].figures[column.name] / pair[1].figures[column.name]


def _out_of_order(
    table: Table, column: Column, odd: Row, pairs: Sequence[tuple[Row, Row]]
) -> Oddity:
    """Say what `odd` contradicts; it stands on one side of all `pairs`, or in the middle."""
    smaller = [net for net, larger in pairs if larger is odd]
    larger = [net for other, net in pairs if other is odd]
    sides = [("below the smaller", smaller), ("above the larger", larger)]
    sides_text = [
        f"{how} {', '.join(f'{net.name} ({net.shown(column)})' for net in others)}"
        for how, others in sides
        if others
    ]
    allowed = table.repeatability.get(column.name)
    limit = f" ({100 * (allowed - 1):.1f}% may be chance)" if allowed else ""
    return Oddity(
        row=odd.name,
        columns=(column.name,),
        values=tuple(row.shown(column) for row in (odd, *smaller, *larger)),
        reason=f"{odd.shown(column)} is {' and '.join(sides_text)}: the widest part by "
        f"{100 * (_apart(pairs[0], column) - 1):.1f}%{limit}",
    )


def falls_with_size(table: Table) -> Iterator[Oddity]:
    """A family's figures fall with each larger net, to half and less: frames a second?"""
    for column in table.of_kind("latency"):
        for family in dict.fromkeys(row.family for row in table.rows):
            costs = costs_of(table, column, family)
            rows = sorted(costs, key=lambda row: (costs[row].flops, costs[row].params))
            values = [row.figures[column.name] for row in rows]
            falling = all(a > b for a, b in pairwise(values))
            if len(rows) >= _FALLING_NETS and falling and values[0] >= _FALLING_FACTOR * values[-1]:
                yield Oddity(
                    row=family,
                    columns=(column.name,),
                    values=tuple(row.shown(column) for row in rows),
                    reason=f"falls from {rows[0].shown(column)} to {rows[-1].shown(column)} over "
                    f"{len(rows)} nets of growing size: not a time, perhaps frames a second",
                )
