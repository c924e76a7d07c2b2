"""The same tables for machines: latency.csv, a row a cell, and costs.csv, a row a model.

sustained.csv, a row a long session, is there where a run was made with --sustained; device.csv, a
row a cell, where one was measured on a GPU; engines.csv where engines stand side by side.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.analysis import naming
from bench.analysis import sustained_rows as sustained
from bench.analysis.boxes import Box
from bench.analysis.gpu_figures import OnDevice
from bench.analysis.series import Column, Series, View
from bench.analysis.side_by_side import SideBySide, fastest, side_by_side
from bench.analysis.statistics import PERCENTILES
from bench.core import escape

LATENCY_HEAD = (
    "system_id", "system", "emulated", "runner", "settings", "precision", "preset", "statistic",
    "weights", "engine", "variant", "batch", "threads", "outcome", "latency_ns",
    "half_width_95_ns", "sessions", "samples", "unsettled_sessions", "grade", "stopped", "p90_ns",
    "p95_ns", "p99_ns", "relative_l2", "warnings", "run_id", "cell_id", "contended", "cpu_share",
)  # fmt: skip

COSTS_HEAD = (
    "variant", "model", "weights", "macs", "flops_paddle", "params", "params_trainable",
    "storage_bytes", "storage_format", "published_top1", "published_top5", "published_flops_m",
    "published_params_m", "published_storage_mb",
)  # fmt: skip

SUSTAINED_HEAD = (
    "system_id", "system", "emulated", "runner", "settings", "precision", "weights", "engine",
    "variant", "batch", "threads", "outcome", "asked_s", "ran_ns", "first_tenth_ns",
    "last_tenth_ns", "ratio", "samples", "capped", "run_id", "cell_id",
)  # fmt: skip

ENGINES_HEAD = (
    "system_id", "system", "suite", "precision", "preset", "statistic", "weights", "batch",
    "threads", "variant", "runner", "settings", "engine", "outcome", "latency_ns",
    "half_width_95_ns", "sessions", "grade", "fastest", "load_ns", "peak_rss_mib", "relative_l2",
    "run_id", "cell_id",
)  # fmt: skip

DEVICE_HEAD = (
    "system_id", "runner", "settings", "precision", "preset", "variant", "batch", "on_device_ns",
    "on_device_half_width_95_ns", "enqueue_ns", "launch_bound", "energy_mj_per_inference",
    "builds", "build_spread", "build_ns", "run_id", "cell_id",
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
        _settings(series), series.precision, series.preset, series.statistic, series.weights,
        series.engine, variant, *column, outcome.kind if outcome else "measured", *figures,
        box.unsettled, box.grade, box.stopped, *_percentiles(box), distance(box),
        "; ".join(box.warnings),
        box.run_id, box.cell_id, *_contention(box),
    )  # fmt: skip


def _contention(box: Box) -> tuple[object, object]:
    """Return whether a session was contended and the least share of the CPU, empty: not known."""
    return ("", "") if box.taken is None else (box.contended, f"{box.taken.cpu_share:.3f}")


def _percentiles(box: Box) -> list[int | str]:
    """Return p90, p95 and p99 in ns, each empty where the count of samples can't bear it."""
    known = box.percentiles
    return [round(known[p]) if p in known else "" for p in PERCENTILES]


def distance(box: Box) -> str:
    """Return the relative L2 from the reference, empty where it isn't known."""
    return "" if box.relative_l2 is None else f"{box.relative_l2:.3g}"


def _settings(series: Series) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(series.settings.items()))


def sustained_rows(view: View) -> list[Sequence[object]]:
    """Return the rows of sustained.csv."""
    return [_sustained_row(row) for series in view.sustained for row in sustained.rows(series)]


def _sustained_row(row: sustained.Row) -> Sequence[object]:
    series, box, long = row.series, row.box, row.box.long
    figures: Sequence[object] = ("",) * 7
    if long is not None:
        over = long.course
        figures = (
            long.asked_s, over.ran_ns, round(over.first_ns), round(over.last_ns),
            "" if over.ratio is None else round(over.ratio, 5), over.samples, long.capped,
        )  # fmt: skip
    return (
        series.system.system_id, series.system.heading, series.system.emulated, series.runner,
        _settings(series), series.precision, series.weights, series.engine, row.variant, row.batch,
        row.threads, box.outcome.kind if box.outcome else "measured", *figures, box.run_id,
        box.cell_id,
    )  # fmt: skip


def device_rows(view: View) -> list[Sequence[object]]:
    """Return the rows of device.csv, one for each cell with figures on the device."""
    return [
        (
            series.system.system_id, series.runner, _settings(series), series.precision,
            series.preset, variant, batch, *_device_figures(box.device), box.run_id, box.cell_id,
        )
        for series in view.series
        for variant, row in series.boxes.items()
        for (batch, _), box in sorted(row.items())
        if box.device is not None
    ]  # fmt: skip


def _device_figures(it: OnDevice) -> list[object]:
    half = it.on_device.half_width_ns
    return [
        round(it.on_device.value_ns), "" if half is None else round(half),
        round(it.enqueue.value_ns), it.launch_bound,
        "" if it.energy_mj is None else round(it.energy_mj, 4), it.builds,
        "" if it.build_spread is None else round(it.build_spread, 4),
        "" if it.build_ns is None else round(it.build_ns),
    ]  # fmt: skip


def engines_rows(tables: Iterable[SideBySide]) -> list[Sequence[object]]:
    """Return the rows of engines.csv, one for each box of each table."""
    return [
        _engines_row(table, variant, index, box)
        for table in tables
        for variant, row in table.rows.items()
        for index, box in enumerate(row)
        if box is not None
    ]


def _engines_row(table: SideBySide, variant: str, index: int, box: Box) -> Sequence[object]:
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


def costs_rows(view: View) -> list[Sequence[object]]:
    """Return the rows of costs.csv; what isn't known is empty."""
    rows: list[Sequence[object]] = []
    for variant, facts in view.models.items():
        costs, storage, row = facts.costs, facts.storage, view.published_of(variant)
        counted = (
            (*(costs.operations or ("", "")), costs.params, costs.params_trainable)
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
    writer.writerows(map(escape.cell, row) for row in rows)
    return buffer.getvalue().encode()


def write(view: View, folder: Path) -> dict[Path, bytes]:
    """Return the files and their bytes."""
    files = {
        folder / "latency.csv": _text(LATENCY_HEAD, latency_rows(view)),
        folder / "costs.csv": _text(COSTS_HEAD, costs_rows(view)),
    }
    optional = {
        "device.csv": (DEVICE_HEAD, device_rows(view)),
        "engines.csv": (ENGINES_HEAD, engines_rows(side_by_side(view))),
        "sustained.csv": (SUSTAINED_HEAD, sustained_rows(view) if view.sustained else []),
    }
    return files | {
        folder / name: _text(head, rows) for name, (head, rows) in optional.items() if rows
    }
