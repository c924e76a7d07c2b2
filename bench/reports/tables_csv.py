"""The same tables for machines: latency.csv, a row a cell, and costs.csv, a row a model."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from bench.reports.view import Box, Column, Series, View

LATENCY_HEAD = (
    "system_id", "system", "emulated", "runner", "settings", "precision", "preset", "statistic",
    "weights", "engine", "variant", "batch", "threads", "outcome", "latency_ns",
    "half_width_95_ns", "sessions", "samples", "unsettled_sessions", "run_id", "cell_id",
)  # fmt: skip

COSTS_HEAD = (
    "variant", "model", "weights", "macs", "flops_paddle", "params", "params_trainable",
    "storage_bytes", "storage_format", "published_top1", "published_top5", "published_flops_m",
    "published_params_m", "published_storage_mb",
)  # fmt: skip

_PUBLISHED = ("top1", "top5", "flops_m", "params_m", "storage_mb")


def latency_rows(view: View) -> list[Sequence[object]]:
    """Return the rows of latency.csv."""
    return [
        _latency_row(series, variant, column, row[column])
        for series in view.series
        for variant, row in series.boxes.items()
        for column in sorted(row)
    ]


def _latency_row(series: Series, variant: str, column: Column, box: Box) -> Sequence[object]:
    estimate, outcome = box.estimate, box.outcome
    settings = " ".join(f"{name}={value}" for name, value in sorted(series.settings.items()))
    figures = (
        ("", "", "", "")
        if estimate is None
        else (
            round(estimate.value_ns),
            "" if estimate.half_width_ns is None else round(estimate.half_width_ns),
            estimate.sessions,
            estimate.samples,
        )
    )
    return (
        series.system.system_id, series.system.heading, series.system.emulated, series.runner,
        settings, series.precision, series.preset, series.statistic, series.weights, series.engine,
        variant, *column, outcome.kind if outcome else "measured", *figures, box.unsettled,
        box.run_id, box.cell_id,
    )  # fmt: skip


def costs_rows(view: View) -> list[Sequence[object]]:
    """Return the rows of costs.csv; what isn't known is empty."""
    rows: list[Sequence[object]] = []
    for variant, facts in view.models.items():
        costs, storage, row = facts.costs, facts.storage, view.published_of(variant)
        counted = (
            (costs.macs, costs.flops_paddle, costs.params, costs.params_trainable)
            if costs
            else ("",) * 4
        )
        stored = (storage.bytes, storage.format) if storage else ("", "")
        published = [row.texts.get(column, "") if row else "" for column in _PUBLISHED]
        rows.append((variant, facts.title, facts.weights, *counted, *stored, *published))
    return rows


def _text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def write(view: View, folder: Path) -> dict[Path, bytes]:
    """Return both files and their bytes."""
    return {
        folder / "latency.csv": _text(LATENCY_HEAD, latency_rows(view)),
        folder / "costs.csv": _text(COSTS_HEAD, costs_rows(view)),
    }
