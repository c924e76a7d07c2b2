"""A run's tables as plain text for the terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence

from bench.analysis import naming, sustained_rows
from bench.analysis.boxes import Box
from bench.analysis.series import Series, View
from bench.analysis.side_by_side import SideBySide, engine_name, heading, side_by_side
from bench.core import escape
from bench.core.units import to_ms, with_interval
from bench.reports.language import words
from bench.reports.tables import entries, sustained
from bench.reports.tables.ratios import apart, ratio_entries


def latency_tables(view: View) -> str:
    """Return each series as a heading, a table and what its figures are."""
    tables = [_drawn(naming.heading(series), *_parts(view, series)) for series in view.series]
    tables += [
        _drawn(naming.heading(series), *_sustained_parts(view, series)) for series in view.sustained
    ]
    tables += [_raced(view, table) for table in side_by_side(view) if any(table.races.values())]
    return "\n".join(tables)


def _raced(view: View, table: SideBySide) -> str:
    """Return the ratios of engines that took turns."""
    head = ["over the row's fastest", *(engine_name(table, series) for series in table.engines)]
    rows, some_apart = [], False
    for variant, boxes in table.rows.items():
        known = ratio_entries(table.races[variant], boxes, words("en"))
        texts, some_apart = [entry.text for entry in known], some_apart or apart(known)
        best = table.fastest[variant]
        if best is not None:
            texts[best] = "fastest"
        rows.append([view.models[variant].title, *texts])
    note = [_RACED_NOTE, *([words("en")("ratios.note_apart")] if some_apart else [])]
    return _drawn(heading(table), head, rows, "\n".join(note))


_RACED_NOTE = (
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
            texts += [_text(row.get(column)), *[entries.distance(row.get(column)).text] * lower]
        rows.append(texts)
    boxes = [box for row in series.boxes.values() for _, box in sorted(row.items())]
    notes = (f"{box.cell_id}: {text}" for box in boxes if (text := naming.contended(box)))
    return head, rows, "\n".join([naming.statistic(series), *notes])


def _sustained_parts(view: View, series: Series) -> tuple[list[str], list[list[str]], str]:
    """Return a series' table of long sessions: its head, its rows, and what they are."""
    head = ["latency, ms", "ran", "first tenth", "last tenth", "last / first", "samples"]
    note = ["medians of the tenths of one session's time; one session bears no interval"]
    cells = []
    for row in sustained_rows.rows(series):
        setting = naming.setting(series, (row.batch, row.threads))
        known = sustained.figures(row, words("en"))
        cells.append(
            [f"{view.models[row.variant].title}, {setting}", *(entry.text for entry in known)]
        )
        if row.box.outcome is None:
            note += [f"{row.box.cell_id}: {text}" for entry in known for text in entry.notes]
    return head, cells, "\n".join(note)


def _drawn(title: str, head: list[str], rows: list[list[str]], note: str) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(escape.plain(head[0]), no_wrap=True)
    for text in head[1:]:
        table.add_column(escape.plain(text), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape.plain, row))
    console = Console(
        file=io.StringIO(),
        width=_width([head, *rows]),
        # Titles and presets are the user's own: "[large]" in one is text.
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.print(escape.plain(title), soft_wrap=True)
    console.print(table)
    for line in note.splitlines():
        console.print(escape.plain(line), soft_wrap=True)
    assert isinstance(console.file, io.StringIO)  # noqa: S101 - it is the one given above
    return escape.lines(console.file.getvalue().splitlines())


def _text(box: Box | None) -> str:
    if box is None:
        return ""
    if box.estimate is None:
        return box.outcome.kind if box.outcome else ""
    half = box.estimate.half_width_ns
    text = with_interval(to_ms(box.estimate.value_ns), None if half is None else to_ms(half))
    return text + naming.evidence(box)


def _width(rows: Sequence[Sequence[str]]) -> int:
    """Return a width in which no cell is cut: a net's name tells the rows apart."""
    from rich.cells import cell_len

    columns = zip(*rows, strict=True)
    return max(
        100, 2 + sum(max(map(cell_len, map(escape.plain, column))) + 3 for column in columns)
    )
