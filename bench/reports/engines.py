"""The format of engines side by side: engines.csv and a plot for each table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.analysis import naming
from bench.analysis.series import Box, View
from bench.analysis.side_by_side import SideBySide, fastest, plotted, side_by_side

HEAD = (
    "system_id", "system", "suite", "precision", "preset", "statistic", "weights", "batch",
    "threads", "variant", "runner", "settings", "engine", "outcome", "latency_ns",
    "half_width_95_ns", "sessions", "grade", "fastest", "load_ns", "peak_rss_mib", "relative_l2",
    "run_id", "cell_id",
)  # fmt: skip


def csv_rows(tables: Iterable[SideBySide]) -> list[Sequence[object]]:
    """Return the rows of engines.csv, one for each box of each table."""
    return [
        _csv_row(table, variant, index, box)
        for table in tables
        for variant, row in table.rows.items()
        for index, box in enumerate(row)
        if box is not None
    ]


def _csv_row(table: SideBySide, variant: str, index: int, box: Box) -> Sequence[object]:
    series, estimate = table.engines[index], box.estimate
    half = estimate.half_width_ns if estimate else None
    return (
        series.system.system_id, series.system.heading, series.suite, series.precision,
        series.preset, series.statistic, series.weights, *table.column, variant, series.runner,
        naming.settings(series), series.engine, box.outcome.kind if box.outcome else "measured",
        round(estimate.value_ns) if estimate else "", "" if half is None else round(half),
        estimate.sessions if estimate else "", box.grade,
        fastest(table.rows[variant]) == index, "" if box.load_ns is None else round(box.load_ns),
        "" if box.peak_rss_mib is None else round(box.peak_rss_mib, 1),
        "" if box.relative_l2 is None else f"{box.relative_l2:.3g}", box.run_id, box.cell_id,
    )  # fmt: skip


def write(view: View, folder: Path) -> dict[Path, bytes]:
    """Return engines.csv and the plots, and their bytes; nothing without a table."""
    tables = side_by_side(view)
    if not tables:
        return {}
    from bench.reports.plots.engines import render

    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(csv_rows(tables))
    files = {folder / "engines.csv": buffer.getvalue().encode()}
    for table in plotted(tables):
        files |= {folder / name: data for name, data in render(view, table).items()}
    return files
