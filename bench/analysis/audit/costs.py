"""Rules about costs, accuracy, and what no figure can be. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, pairwise
from statistics import median

from bench.analysis.audit.table import Column, Oddity, Row, Table, base, half_digit

_ONE_CONVENTION = 1.25
_NEAR_TWO = (1.6, 2.5)
_BYTES_A_PARAMETER = 4
_STORAGE_FACTOR = 2.0
_PROGRAM_BYTES = 1 << 20
_Pair = tuple[Column, Column]


def flops_conventions(table: Table) -> Iterator[Oddity]:
    """Two columns of FLOPs that part by more than 25%: one finding for the table."""
    for left, right in combinations(table.of_kind("flops"), 2):
        factors = list(_factors(table, (left, right)).values())
        middle = median(factors) if factors else 1.0
        if 1 / _ONE_CONVENTION <= middle <= _ONE_CONVENTION:
            continue
        larger = max(middle, 1 / middle)
        twice = ", about two operations a multiply-add in one of them"
        yield Oddity(
            row="",
            columns=(left.name, right.name),
            values=(f"{min(factors):.2f}", f"{middle:.2f}", f"{max(factors):.2f}"),
            reason=f"in {len(factors)} rows {left.name} is {min(factors):.2f} to "
            f"{max(factors):.2f} times {right.name} (median {middle:.2f}): two conventions"
            f"{twice if _NEAR_TWO[0] <= larger <= _NEAR_TWO[1] else ''}",
        )


def flops_off_the_factor(table: Table) -> Iterator[Oddity]:
    """A row whose two FLOPs part by 25% more or less than the table's do, rounding allowed for."""
    for pair in combinations(table.of_kind("flops"), 2):
        factors = _factors(table, pair)
        middle = median(factors.values()) if factors else 1.0
        for row, factor in factors.items():
            slack = 1 + sum(_rounding(row, column) for column in pair)
            if max(factor / middle, middle / factor) > _ONE_CONVENTION * slack:
                yield Oddity(
                    row=row.name,
                    columns=tuple(column.name for column in pair),
                    values=tuple(row.shown(column) for column in pair),
                    reason=f"{row.shown(pair[0])} and {row.shown(pair[1])} part by a factor of "
                    f"{factor:.2f}, the table's rows by {middle:.2f}",
                )


def _factors(table: Table, pair: _Pair) -> dict[Row, float]:
    left, right = pair
    return {
        row: base(row.figures[left.name], left) / base(row.figures[right.name], right)
        for row in table.rows
        if row.figure(left) and row.figure(right)
    }


def _rounding(row: Row, column: Column) -> float:
    """Return by which part rounding may have moved a figure; zeros at its end may be padding."""
    text = row.texts[column.name]
    return half_digit(text.rstrip("0") if "." in text else text) / row.figures[column.name]


def one_cost_two_figures(table: Table) -> Iterator[Oddity]:
    """Two rows of equal FLOPs and parameters with other FLOPs in another column; the later row."""
    for column in table.of_kind("flops"):
        first: dict[object, Row] = {}
        for row in table.rows:
            if row.cost is None or row.figure(column) is None:
                continue
            other = first.setdefault(row.cost, row)
            if row.figures[column.name] != other.figures[column.name]:
                yield Oddity(
                    row=row.name,
                    columns=(column.name,),
                    values=(row.shown(column), other.shown(column)),
                    reason=f"{row.shown(column)}, but {other.shown(column)} for {other.name}, "
                    f"though both have {row.cost}",
                )


def storage_off_parameters(table: Table) -> Iterator[Oddity]:
    """A file of FP32 weights less than half of 4 bytes a parameter, or above twice with a program.

    A `.nb` file holds the program too: some 0.4 MiB for ShuffleNetV2, most of a tiny net's file.
    """
    for row, column, value in table.cells("storage"):
        if row.cost is None or row.cost.params <= 0:
            continue
        size, weights = base(value, column), _BYTES_A_PARAMETER * row.cost.params
        if not weights / _STORAGE_FACTOR <= size <= _STORAGE_FACTOR * weights + _PROGRAM_BYTES:
            yield Oddity(
                row=row.name,
                columns=(column.name,),
                values=(row.shown(column),),
                reason=f"{row.shown(column)} are {size / weights:.2f} times 4 bytes for each of "
                f"{row.cost.params / 1e6:.2f} M parameters",
            )


def out_of_order(table: Table) -> Iterator[Oddity]:
    """A figure above one that it can't exceed: min over avg, avg over max, top-1 over top-5."""
    columns = {column.name: column for column in table.columns}
    for group in table.ascending:
        for row in table.rows:
            known = [columns[name] for name in group if name in row.figures]
            for left, right in pairwise(known):
                if row.figures[left.name] > row.figures[right.name]:
                    yield Oddity(
                        row=row.name,
                        columns=(left.name, right.name),
                        values=(row.shown(left), row.shown(right)),
                        reason=f"{left.name} {row.shown(left)} is above "
                        f"{right.name} {row.shown(right)}",
                    )


def impossible_value(table: Table) -> Iterator[Oddity]:
    """A figure that isn't finite and above 0, or an accuracy above 1."""
    for column in table.columns:
        for row in table.rows:
            if (value := row.figures.get(column.name)) is None:
                continue
            why = "isn't finite" if not math.isfinite(value) else "isn't above 0"
            if row.figure(column) is not None:
                if column.kind != "accuracy" or value <= 1:
                    continue
                why = "is above 1, for a fraction"
            yield Oddity(
                row=row.name,
                columns=(column.name,),
                values=(row.texts[column.name],),
                reason=f"{row.texts[column.name]} {why}",
            )
