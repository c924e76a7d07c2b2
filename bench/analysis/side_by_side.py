"""Engines side by side: the same work through several runners on one system. Nothing here draws.

What stands beside each other agrees in everything but engine and its settings: system, suite,
precision, preset, weights, batch and threads, and in a row the net. Emulated systems stay out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.series import Column, Series, View
from bench.analysis.turns import Race, fastest_of, race
from bench.core.escape import file_name
from bench.runners import RUNNERS


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """One table: `rows` has, by variant, a box for each of `engines`, None where it has none.

    `races` has the rows whose boxes took turns, `fastest` the index of a row's fastest where that
    is certain: on these ratios, else on the intervals.
    """

    column: Column
    engines: tuple[Series, ...]
    rows: Mapping[str, tuple[Box | None, ...]]
    races: Mapping[str, Race | None]
    fastest: Mapping[str, int | None]

    @property
    def first(self) -> Series:
        """The series with what they all have in common."""
        return self.engines[0]

    @property
    def most_sessions(self) -> int:
        """The largest number of sessions behind one of its figures."""
        estimates = [box.estimate for row in self.rows.values() for box in row if box is not None]
        return max((estimate.sessions for estimate in estimates if estimate), default=0)

    @property
    def newest(self) -> str:
        """The newest run that it has a figure of."""
        return max(box.run_id for row in self.rows.values() for box in row if box is not None)


def side_by_side(view: View) -> list[SideBySide]:
    """Return a table for each work that at least two runners have a figure of."""
    groups: dict[tuple[str, ...], list[Series]] = {}
    for series in view.series:
        if not series.system.emulated:
            groups.setdefault(_work(series), []).append(series)
    tables = [
        _table(view, sorted(group, key=_rank), column)
        for group in groups.values()
        for column in sorted({column for series in group for column in series.columns})
    ]
    return [table for table in tables if len(_measuring(table)) > 1]


def _work(series: Series) -> tuple[str, ...]:
    return (
        series.system.system_id, series.target, series.suite, series.precision, series.preset,
        series.statistic, series.weights,
    )  # fmt: skip


def _rank(series: Series) -> tuple[int, str, str]:
    """Order engines as the table of runners has them."""
    names = list(RUNNERS)
    known = names.index(series.runner) if series.runner in names else len(names)
    return known, series.runner, naming.settings(series)


def _table(view: View, group: Sequence[Series], column: Column) -> SideBySide:
    engines = tuple(
        series for series in group if any(column in row for row in series.boxes.values())
    )
    rows = {}
    for variant in view.models:
        boxes = [series.boxes.get(variant, {}).get(column) for series in engines]
        if any(boxes):
            rows[variant] = tuple(_of_one_net(boxes))
    races = {variant: race(boxes) for variant, boxes in rows.items()}
    decided = dict(zip(rows, fastest_of(list(races.values())), strict=True))
    best = {
        variant: fastest(row) if races[variant] is None else _as_requested(row, decided[variant])
        for variant, row in rows.items()
    }
    return SideBySide(column=column, engines=engines, rows=rows, races=races, fastest=best)


def _as_requested(row: Sequence[Box | None], index: int | None) -> int | None:
    """Return the index of a row's fastest, None where not all that was requested was effective."""
    box = None if index is None else row[index]
    return index if box is not None and not box.warnings else None


def _of_one_net(boxes: Sequence[Box | None]) -> Iterable[Box | None]:
    """Leave out the boxes of a net that has changed since the newest of them."""
    newest = max((box for box in boxes if box is not None), key=lambda box: box.run_id)
    return (
        box if box is not None and box.model_hash == newest.model_hash else None for box in boxes
    )


def _measuring(table: SideBySide) -> set[str]:
    """Return the runners that have a figure in `table`."""
    return {
        series.runner
        for row in table.rows.values()
        for series, box in zip(table.engines, row, strict=True)
        if box is not None and box.estimate is not None
    }


def fastest(row: Sequence[Box | None]) -> int | None:
    """Return the index of the fastest box in `row`, None where that isn't certain.

    It is certain only where its interval lies below all others', and where all that was requested
    was effective.
    """
    measured = [(box.estimate, index) for index, box in enumerate(row) if box and box.estimate]
    if len(measured) < 2:
        return None
    measured.sort(key=lambda pair: pair[0].value_ns)
    (best, index), others = measured[0], [estimate for estimate, _ in measured[1:]]
    if best.half_width_ns is None or any(other.half_width_ns is None for other in others):
        return None
    lows = [other.value_ns - (other.half_width_ns or 0.0) for other in others]
    box = row[index]
    assert box is not None  # noqa: S101 - it has an estimate
    clear = best.value_ns + best.half_width_ns < min(lows)
    return index if clear and not box.warnings else None


def engine_name(table: SideBySide, series: Series) -> str:
    """Return an engine's title and version, and its settings where they tell it from another."""
    alike = [other for other in table.engines if other.runner == series.runner]
    more = f", {naming.settings(series)}" if len(alike) > 1 else ""
    version = f" {series.engine.rpartition(' ')[2]}" if series.engine else ""
    return f"{naming.runner_title(series.runner)}{version}{more}"


def stem(table: SideBySide) -> str:
    """Return the file stem of a table's plot: one for each system, precision, batch and threads."""
    batch, threads = table.column
    precision = "" if table.first.precision == "fp32" else f"-{table.first.precision}"
    return file_name(f"engines-{table.first.system.system_id}{precision}-b{batch}-t{threads}")


def plotted(tables: Iterable[SideBySide]) -> list[SideBySide]:
    """Return, of the tables that would share a plot, the one with the most sessions behind it."""
    best: dict[str, SideBySide] = {}
    for table in tables:
        held = best.get(stem(table))
        if held is None or _weight(table) > _weight(held):
            best[stem(table)] = table
    return list(best.values())


def _weight(table: SideBySide) -> tuple[int, int, str]:
    return table.most_sessions, len(table.engines), table.newest
