"""A run's tables as plain text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis import naming, sustained_rows
from bench.analysis.boxes import Box
from bench.analysis.series import Series, View
from bench.analysis.side_by_side import SideBySide, engine_name, side_by_side
from bench.core.units import to_ms, with_interval
from bench.reports.language import ENGLISH
from bench.reports.tables import entries, sustained, titles
from bench.reports.tables.ratios import apart, ratio_entries
from bench.reports.terminal.drawing import drawn
from bench.reports.terminal.labels import labels, shared, which


def latency_tables(view: View, width: int | None = None) -> str:
    """Return each series as a heading, a table and what its figures are, within so many columns.

    Engines that did the same work stand side by side in one table, with their ratios below it.
    """
    compared = [table for table in side_by_side(view) if table.first.precision == "fp32"]
    beside = {(id(series), table.column) for table in compared for series in table.engines}
    tables = [
        drawn(titles.heading(series, ENGLISH), *_parts(view, series), width=width)
        for series in view.series
        if any((id(series), column) not in beside for column in series.columns)
    ]
    tables += [
        drawn(titles.heading(series, ENGLISH), *_sustained_parts(view, series), width=width)
        for series in view.sustained
    ]
    tables += [_side_by_side(view, table, width) for table in compared]
    lower = [table for table in side_by_side(view) if table.first.precision != "fp32"]
    tables += [
        _raced(view, it, width, titles.side_by_side(it, ENGLISH))
        for it in lower
        if any(it.races.values())
    ]
    return "\n".join(tables)


def _side_by_side(view: View, table: SideBySide, width: int | None) -> str:
    """Return the latencies of engines and, of those that took turns, their ratios."""
    head = ["latency, ms", *(engine_name(table, series) for series in table.engines)]
    rows = [
        [view.models[variant].title, *map(figure, boxes)] for variant, boxes in table.rows.items()
    ]
    boxes = [box for row in table.rows.values() for box in row if box is not None]
    note = "\n".join(
        [titles.statistic(titles.most_sessions(table), ENGLISH), *_contended(view, boxes)]
    )
    text = drawn(titles.side_by_side(table, ENGLISH), head, rows, note, width=width)
    return text + _raced(view, table, width) if any(table.races.values()) else text


def _raced(view: View, table: SideBySide, width: int | None, title: str = "") -> str:
    """Return the ratios of engines that took turns."""
    head = ["over the row's fastest", *(engine_name(table, series) for series in table.engines)]
    rows = [[view.models[it].title, *ratio_texts(table, it)] for it in table.rows]
    some_apart = any(
        apart(ratio_entries(table.races[it], boxes, ENGLISH)) for it, boxes in table.rows.items()
    )
    note = [RACED_NOTE, *([ENGLISH("ratios.note_apart")] if some_apart else [])]
    return drawn(title, head, rows, "\n".join(note), width=width)


def ratio_texts(table: SideBySide, variant: str) -> list[str]:
    """Return of each engine its ratio to the fastest of the row, which is named where certain."""
    known = ratio_entries(table.races[variant], table.rows[variant], ENGLISH)
    best = table.fastest[variant]
    return ["fastest" if index == best else entry.text for index, entry in enumerate(known)]


RACED_NOTE = (
    "ratio of the latencies, from bursts by turns, and its 95% interval; fastest: faster than each "
    "other one, at 5% over all pairs of the table; 1: the least, but that isn't certain, or its "
    "figure has a remark (contended, a setting that wasn't effective)"
)


def _parts(view: View, series: Series) -> tuple[list[str], list[list[str]], str]:
    columns = series.columns
    lower = series.precision != "fp32"
    head, rows = ["latency, ms"], []
    for column in columns:
        head += [naming.setting(series, column), *["relative L2"] * lower]
    for variant, row in series.boxes.items():
        texts = [view.models[variant].title]
        for column in columns:
            texts += [figure(row.get(column)), *[entries.distance(row.get(column)).text] * lower]
        rows.append(texts)
    boxes = [box for row in series.boxes.values() for _, box in sorted(row.items())]
    return head, rows, "\n".join([titles.statistic(series, ENGLISH), *_contended(view, boxes)])


def _contended(view: View, boxes: list[Box]) -> list[str]:
    return _remarks(view, boxes, [(box, titles.contended(box, ENGLISH)) for box in boxes])


def _remarks(view: View, boxes: list[Box], said: Sequence[tuple[Box, str]]) -> list[str]:
    """Return what is said of some of a table's `boxes`, each remark once."""
    cells = [view.records[box.run_id, box.cell_id].cell for box in boxes]
    names = dict(zip([box.cell_id for box in boxes], labels(cells), strict=True))
    remarks = shared((names[box.cell_id], text) for box, text in said if text)
    return [
        f"{which(found, len(boxes)) if len(found) == len(boxes) else ', '.join(found)}: {text}"
        for found, text in remarks
    ]


def _sustained_parts(view: View, series: Series) -> tuple[list[str], list[list[str]], str]:
    """Return a series' table of long sessions: its head, its rows, and what they are."""
    head = ["latency, ms", "ran", "first tenth", "last tenth", "last / first", "samples"]
    note = ["medians of the tenths of one session's time; one session bears no interval"]
    cells, said = [], []
    for row in sustained_rows.rows(series):
        setting = naming.setting(series, (row.batch, row.threads))
        known = sustained.figures(row, ENGLISH)
        cells.append(
            [f"{view.models[row.variant].title}, {setting}", *(entry.text for entry in known)]
        )
        if row.box.outcome is None:
            said += [(row.box, text) for entry in known for text in entry.notes]
    note += _remarks(view, [row.box for row in sustained_rows.rows(series)], said)
    return head, cells, "\n".join(note)


def figure(box: Box | None) -> str:
    """Return a box's latency in ms with its interval, sessions and grade, or what became of it."""
    if box is None:
        return ""
    if box.estimate is None:
        return box.outcome.kind if box.outcome else ""
    half = box.estimate.half_width_ns
    text = with_interval(to_ms(box.estimate.value_ns), None if half is None else to_ms(half))
    return text + titles.evidence(box, ENGLISH)
