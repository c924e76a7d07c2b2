"""A run's latency tables as plain text for the terminal."""

from __future__ import annotations

import io

from bench.reports import naming
from bench.reports.view import Box, Series, View
from bench.units import to_ms, with_interval


def latency_tables(view: View) -> str:
    """Return each series as a heading, a table and what its figures are."""
    return "\n".join(_table(view, series) for series in view.series)


def _table(view: View, series: Series) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("latency, ms")
    for column in series.columns:
        table.add_column(naming.setting(series, column), justify="right", no_wrap=True)
    for variant, row in series.boxes.items():
        table.add_row(view.models[variant].title, *(_text(row.get(c)) for c in series.columns))
    console = Console(
        file=io.StringIO(),
        width=max(100, 30 + 22 * len(series.columns)),
        # Titles and presets are the user's own: "[large]" in one is text.
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.print(naming.heading(series), soft_wrap=True)
    console.print(table)
    console.print(naming.statistic(series), soft_wrap=True)
    assert isinstance(console.file, io.StringIO)  # noqa: S101 - it is the one given above
    return console.file.getvalue()


def _text(box: Box | None) -> str:
    if box is None:
        return ""
    if box.estimate is None:
        return box.outcome.kind if box.outcome else ""
    half = box.estimate.half_width_ns
    text = with_interval(to_ms(box.estimate.value_ns), None if half is None else to_ms(half))
    return f"{text} ({box.estimate.sessions})"
