"""Rules about the same net twice: a distilled copy beside its net, a column in two tables. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from statistics import median

from bench.analysis.audit.table import Column, Oddity, Row, Table, digits

# Weights distilled by PaddleClas's SSLD: the same net, and so a second measurement of it.
_DISTILLED = "_ssld"
# A ratio beyond five robust standard deviations (1.4826 median) is a slip and no noise.
_SLIP = 5 * 1.4826
_COSTS = ("flops", "params", "storage")
_COPIED_ROWS, _TELLING_DIGITS = 3, 4


def twins(table: Table) -> list[tuple[Row, Row]]:
    """Return each distilled copy with its net."""
    nets = {row.name: row for row in table.rows}
    pairs = ((row, nets.get(row.name.removesuffix(_DISTILLED), row)) for row in table.rows)
    return [(copy, net) for copy, net in pairs if copy is not net]


def repeatability(tables: Sequence[Table]) -> dict[str, float]:
    """Return by which ratio two measurements of one net part at most, by column of a latency.

    Figures that were copied tell nothing, and ratios that are slips among those of all tables are
    left out: else one wrong figure would allow all others. A column of which nothing is known gets
    the largest ratio of the others.
    """
    ratios = {
        column.name: [ratio for pair in twins(table) if (ratio := _ratio(column, *pair)) > 1]
        for table in tables
        for column in table.of_kind("latency")
    }
    every = [ratio - 1 for ratios_of in ratios.values() for ratio in ratios_of]
    limit = 1 + _SLIP * median(every) if every else 1.0
    known = {
        name: [ratio for ratio in ratios_of if ratio <= limit] for name, ratios_of in ratios.items()
    }
    largest = max((ratio for ratios_of in known.values() for ratio in ratios_of), default=0.0)
    if not largest:
        return {}
    return {name: max(ratios_of, default=largest) for name, ratios_of in known.items()}


def _ratio(column: Column, row: Row, other: Row) -> float:
    """Return the larger over the smaller figure, 1 where one of them isn't there."""
    a, b = row.figure(column), other.figure(column)
    return max(a / b, b / a) if a and b else 1.0


def twins_part(table: Table) -> Iterator[Oddity]:
    """A distilled copy of other costs than its net's, or of a latency further off than chance."""
    for copy, net in twins(table):
        for column in table.columns:
            ratio = _ratio(column, copy, net)
            allowed = 1.0 if column.kind in _COSTS else table.repeatability.get(column.name)
            if column.kind == "accuracy" or allowed is None or ratio <= allowed:
                continue
            chance = f" ({100 * (allowed - 1):.1f}% may be chance)" if allowed > 1 else ""
            yield Oddity(
                row=copy.name,
                columns=(column.name,),
                values=(copy.shown(column), net.shown(column)),
                reason=f"{copy.shown(column)}, but {net.shown(column)} for {net.name}, the same "
                f"net: they part by {100 * (ratio - 1):.1f}%{chance}",
            )


def copied_columns(tables: Sequence[Table]) -> Iterator[tuple[Table, Oddity]]:
    """A column of one table that another table has to the digit, as of another precision.

    Where not all of its figures are the same, each of four digits and more is named alone.
    """
    for earlier, table in combinations(tables, 2):
        pairs = product(earlier.of_kind("latency"), table.of_kind("latency"))
        for left, right in (pair for pair in pairs if _same_work(*pair)):
            others = {row.name: row for row in earlier.rows if left.name in row.texts}
            both = [row for row in table.rows if right.name in row.texts and row.name in others]
            same = [r for r in both if r.texts[right.name] == others[r.name].texts[left.name]]
            if same == both and len(same) >= _COPIED_ROWS:
                yield table, _copied("", same, right, left, earlier)
                continue
            for row in same:
                if digits(row.texts[right.name]) >= _TELLING_DIGITS:
                    yield table, _copied(row.name, [row], right, left, earlier)


def _same_work(left: Column, right: Column) -> bool:
    own = ("unit", "threads", "batch", "statistic")
    return all(getattr(left, name) == getattr(right, name) for name in own)


def _copied(row: str, same: Sequence[Row], column: Column, other: Column, earlier: Table) -> Oddity:
    shown = tuple(copied.shown(column) for copied in same)
    what = f"all {len(same)} figures are" if len(same) > 1 else f"{shown[0]} is"
    return Oddity(
        row=row,
        columns=(column.name,),
        values=shown,
        reason=f"{what} to the digit {other.name}'s in the table {earlier.title}",
    )
