"""Every cell without a figure, once, in the order of the tables: what became of it, and why."""

from __future__ import annotations

from bench.analysis import naming
from bench.analysis.series import View
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.reports.tables.model import Column, Entry, Table
from bench.storage.schema.common import Failed

_COLUMNS = ("model", "where", "outcome", "reason", "hint")


def failure_tables(view: View, words: Words) -> list[Table]:
    """Return the table; none where each cell has a figure."""
    rows = [
        [
            Entry(text=view.models[variant].title),
            Entry(text=f"{titles.heading(series, words)}, {naming.setting(series, column)}"),
            Entry(text=words(f"outcome.{it.kind}"), cell=(box.run_id, box.cell_id)),
            Entry(text=f"{it.failure}: {it.message}" if isinstance(it, Failed) else it.reason),
            Entry(text=it.hint),
        ]
        for series in (*view.series, *view.sustained)
        for variant, row in series.boxes.items()
        for column, box in row.items()
        if (it := box.outcome) is not None
    ]
    if not rows:
        return []
    columns = [
        Column(title=(words(f"page.failures.{name}"),), origin="name", key=name)
        for name in _COLUMNS
    ]
    return [
        Table(
            key="failed-cells",
            title=words("page.part.failures"),
            caption=words("page.failures.caption", count=len(rows)),
            columns=columns,
            rows=rows,
        )
    ]
