"""Ratios of the nets of a table that took turns: the table below their latencies."""

from __future__ import annotations

from bench.analysis import naming
from bench.analysis.series import Series, View
from bench.core.escape import markdown
from bench.reports.markdown.tables import APART, APART_NOTE, ratio_texts, table

_RATIOS_NOTE = """\
Ratio: the latency over that of the column's fastest net, with its 95% interval, from bursts of both
by turns. What the machine did to both falls out of it; how processes differ doesn't.
"""


def ratios(view: View, series: Series) -> str:
    """Return each net's ratio to the fastest of its column, nothing where none took turns."""
    races = {column: series.race(column) for column in series.columns}
    raced = [column for column in series.columns if races[column] is not None]
    if not raced:
        return ""
    texts = {
        column: ratio_texts(races[column], [row.get(column) for row in series.boxes.values()])
        for column in raced
    }
    rows = [
        [markdown(view.models[variant].title), *(texts[column][index] for column in raced)]
        for index, variant in enumerate(series.boxes)
    ]
    head = ["Models", *(f"Ratio<br>{naming.setting(series, column)}" for column in raced)]
    apart = f"{APART_NOTE.capitalize()}.\n" if any(APART in row for row in rows) else ""
    return f"\n{table(head, rows)}\n{_RATIOS_NOTE}{apart}"
