"""Engines side by side in words: their section of the page."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.series import Series, View
from bench.analysis.side_by_side import SideBySide, heading, plotted, side_by_side, stem
from bench.core.escape import markdown
from bench.core.units import significant, to_ms
from bench.reports.markdown.tables import (
    APART,
    APART_NOTE,
    Footnotes,
    distance_text,
    latency_text,
    ratio_texts,
    table,
)

_NOTE = """\
One row, one net; one table, the same work, from the runs of one suite. Bold: the fastest of its
row, and only where that is certain: by the ratios of a table whose engines took turns (Holm's
method over all pairs of the table), else where its interval lies below every other one's. Load:
from the file to an engine ready to infer, one-time work and optimisation included, and the start of
its interpreter where it needs one of its own (Paddle Lite on x86). Memory: the most that the
process with the engine ever held, Python and loading included. Relative L2: how far the farthest
output was from the reference in FP32. Load and memory are medians over sessions.
"""


def section(view: View, notes: Footnotes) -> list[str]:
    """Return the section's parts, nothing where no two runners did the same work."""
    tables = side_by_side(view)
    if not tables:
        return []
    parts = ["## Engines side by side\n", _NOTE]
    parts += [_part(view, one, notes) for one in tables]
    return [*parts, *(f"![Engines side by side]({stem(one)}.svg)\n" for one in plotted(tables))]


def _part(view: View, one: SideBySide, notes: Footnotes) -> str:
    series = one.first
    weights = f"{markdown(series.weights.capitalize())} weights"
    return "\n".join(
        [
            f"### {markdown(heading(one))}\n",
            f"Latency (ms): {naming.statistic(series)}. {weights}.\n",
            _latencies(view, one, notes),
            *_ratios(view, one),
            "Load time (ms):\n",
            _others(view, one, _load_text),
            "Peak memory (MiB):\n",
            _others(view, one, _memory_text),
            "Relative L2 from the reference:\n",
            _others(view, one, distance_text),
        ]
    )


def _head(one: SideBySide) -> list[str]:
    return ["Models", *map(_column_head, one.engines)]


def _column_head(series: Series) -> str:
    parts = [naming.runner_title(series.runner), series.engine or "", naming.settings(series)]
    return "<br>".join(markdown(part) for part in parts if part)


def _latencies(view: View, one: SideBySide, notes: Footnotes) -> str:
    rows = []
    for variant, boxes in one.rows.items():
        texts = [latency_text(box, notes) for box in boxes]
        best = one.fastest[variant]
        if best is not None:
            texts[best] = f"**{texts[best]}**"
        rows.append([markdown(view.models[variant].title), *texts])
    return table(_head(one), rows)


def _ratios(view: View, one: SideBySide) -> list[str]:
    """Return the table of ratios to each row's fastest, nothing where no row took turns."""
    rows = [
        [markdown(view.models[variant].title), *ratio_texts(one.races[variant], boxes)]
        for variant, boxes in one.rows.items()
    ]
    if not any(one.races.values()):
        return []
    apart = any(APART in row for row in rows)
    return [
        "Over the row's fastest, by turns:\n",
        table(_head(one), rows),
        *([f"{APART_NOTE}.\n"] if apart else []),
    ]


def _others(view: View, one: SideBySide, text: Callable[[Box | None], str]) -> str:
    rows = [
        [markdown(view.models[variant].title), *(text(box) for box in boxes)]
        for variant, boxes in one.rows.items()
    ]
    return table(_head(one), rows)


def _load_text(box: Box | None) -> str:
    return "" if box is None or box.load_ns is None else significant(to_ms(box.load_ns))


def _memory_text(box: Box | None) -> str:
    return "" if box is None or box.peak_rss_mib is None else f"{box.peak_rss_mib:.0f}"
