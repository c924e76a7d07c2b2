"""Rules about latencies: what a thread or an image more can't do to one net's. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench.analysis.audit.table import Axis, Column, Oddity, Row, Table, base, digits

# Figures of three digits repeat by chance in most columns of 40 nets (2.23, 1.93, 2.37). Of
# four digits one column has about 15, from 10 to 67 ms: 105 pairs that agree with 0.00024 each if
# they lie log-uniformly, so one such column in 40. Three digits are odd where a whole row repeats.
_TELLING_DIGITS = 4
_WHOLE_ROW_DIGITS = 3
_WHOLE_ROW_COLUMNS = 3


def repeated_figure(table: Table) -> Iterator[Oddity]:
    """A figure of a net of another cost, to the digit; of the two rows the later one is named."""
    columns = table.of_kind("latency")
    rows_by_figure: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(table.rows):
        named: set[str] = set()
        figures = [(c.name, row.texts[c.name]) for c in columns if c.name in row.texts]
        sharing = sorted({other for figure in figures for other in rows_by_figure.get(figure, ())})
        for figure in figures:
            rows_by_figure.setdefault(figure, []).append(index)
        for earlier in (table.rows[other] for other in sharing):
            repeated = _repeated(columns, row, earlier)
            fresh = [column for column in repeated if column.name not in named]
            if row.cost and earlier.cost and row.cost != earlier.cost and fresh:
                named |= {column.name for column in fresh}
                yield Oddity(
                    row=row.name,
                    columns=tuple(column.name for column in fresh),
                    values=tuple(row.shown(column) for column in fresh),
                    reason=f"{', '.join(map(row.shown, fresh))}: the same to the digit as "
                    f"{earlier.name}'s, a net of {earlier.cost} where this one has {row.cost}",
                )


def _repeated(columns: Sequence[Column], row: Row, earlier: Row) -> list[Column]:
    held = [c for c in columns if c.name in row.texts or c.name in earlier.texts]
    same = [c for c in held if row.texts.get(c.name) == earlier.texts.get(c.name)]
    least = min((digits(row.texts[column.name]) for column in same), default=0)
    if same == held and len(same) >= _WHOLE_ROW_COLUMNS and least >= _WHOLE_ROW_DIGITS:
        return same
    return [column for column in same if digits(row.texts[column.name]) >= _TELLING_DIGITS]


def _lesser(table: Table, row: Row, column: Column, axis: Axis) -> list[Column]:
    """Return the columns with fewer threads, or a smaller batch, that the row has figures for."""
    return [
        other
        for other in table.of_kind("latency")
        if column.differs_in(axis, other) and row.figure(other) is not None
    ]


def more_threads_slower(table: Table) -> Iterator[Oddity]:
    """More threads take longer, up to as many as there are cores; the fastest of fewer is cited."""
    for row, column, _ in table.cells("latency"):
        fewer = _lesser(table, row, column, "threads")
        best = min(fewer, key=lambda other: table.bounds(row, other)[1], default=column)
        in_cores = table.cores is None or (column.threads or 0) <= table.cores
        if in_cores and table.bounds(row, column)[0] > table.bounds(row, best)[1]:
            yield _cells(
                row,
                (column, best),
                f"{row.shown(column)} with {column.threads} threads is above the "
                f"{row.shown(best)} with {best.threads}",
            )


def larger_batch_faster(table: Table) -> Iterator[Oddity]:
    """More images in one call take less time in all; the slowest of fewer is cited."""
    for row, column, _ in table.cells("latency"):
        smaller = _lesser(table, row, column, "batch")
        worst = max(smaller, key=lambda other: table.bounds(row, other)[0], default=column)
        if table.bounds(row, column)[1] < table.bounds(row, worst)[0]:
            yield _cells(
                row,
                (column, worst),
                f"{row.shown(column)} for a batch of {column.batch} is below the "
                f"{row.shown(worst)} for one of {worst.batch}",
            )


def speedup_above_threads(table: Table) -> Iterator[Oddity]:
    """More threads gain more than their number; each row and batch once, at its largest excess."""
    for row in table.rows:
        worst: dict[tuple[int | None, str], tuple[float, Column, Column]] = {}
        for more in table.of_kind("latency"):
            if row.figure(more) is None:
                continue
            for fewer in _lesser(table, row, more, "threads"):
                excess = _least_speedup(table, row, fewer, more) / _ratio(fewer, more)
                known = worst.setdefault((more.batch, more.statistic), (1.0, more, more))
                if excess > known[0]:
                    worst[more.batch, more.statistic] = excess, fewer, more
        for excess, fewer, more in worst.values():
            if excess > 1:
                yield _cells(row, (fewer, more), _speedup_text(row, fewer, more))


def _least_speedup(table: Table, row: Row, fewer: Column, more: Column) -> float:
    """Return the smallest speed-up that intervals and rounding allow; 0 where nothing is known."""
    low = table.bounds(row, fewer)[0] - table.rounding(row, fewer)
    high = table.bounds(row, more)[1] + table.rounding(row, more)
    return low / high if math.isfinite(low) else 0.0


def _ratio(fewer: Column, more: Column) -> float:
    return (more.threads or 1) / (fewer.threads or 1)


def _speedup_text(row: Row, fewer: Column, more: Column) -> str:
    speedup = row.figures[fewer.name] / row.figures[more.name]
    return (
        f"{row.shown(more)} with {more.threads} threads, {row.shown(fewer)} with {fewer.threads}: "
        f"a speed-up of {speedup:.2f}, above {_ratio(fewer, more):.3g}"
    )


def _cells(row: Row, columns: Sequence[Column], reason: str) -> Oddity:
    return Oddity(
        row=row.name,
        columns=tuple(column.name for column in columns),
        values=tuple(row.shown(column) for column in columns),
        reason=reason,
    )


def above_peak_rate(table: Table) -> Iterator[Oddity]:
    """More operations a second than the hardware has, each listed FLOP counted once."""
    for row, column, value in table.cells("latency"):
        if row.cost is None or column.peak is None:
            continue
        rate = row.cost.flops * (column.batch or 1) / base(value, column)
        if rate > column.peak:
            yield Oddity(
                row=row.name,
                columns=(column.name,),
                values=(row.shown(column),),
                reason=f"{row.cost.flops / 1e6:.2f} M FLOPs an image in {row.shown(column)} "
                f"(batch {column.batch or 1}) are {rate / 1e9:.0f} GFLOP/s, above the "
                f"{column.peak / 1e9:.0f} that the hardware can reach",
            )
