"""The same tables for machines: latency.csv, a row a cell, and costs.csv, a row a model.

sustained.csv, a row a long session, is there where a run was made with --sustained; device.csv, a
row a cell, where one was measured on a GPU; energy.csv, a row a cell, where sessions could read
what the processor used; engines.csv where engines stand side by side; accuracy.csv, a row a net and
runner, where accuracy was measured; serving.csv, a row a load of a server; operators.csv, a row
an operator of each profiled cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bench.analysis import naming
from bench.analysis import sustained_rows as sustained
from bench.analysis.boxes import Box
from bench.analysis.gpu_figures import OnDevice
from bench.analysis.known_accuracy import Measured, measured
from bench.analysis.series import Column, Series, View
from bench.analysis.side_by_side import SideBySide, side_by_side
from bench.analysis.statistics import PERCENTILES
from bench.analysis.turns import Race
from bench.core import escape
from bench.reports.csv_operators import OPERATORS_HEAD, operators_rows
from bench.reports.csv_serving import SERVING_HEAD, serving_rows

RATIO_HEAD = ("ratio", "ratio_low", "ratio_high")
"""A latency over the fastest that it took turns with, and its 95% interval."""

LATENCY_HEAD = (
    "system_id", "system", "emulated", "runner", "settings", "precision", "preset", "statistic",
    "weights", "engine", "variant", "batch", "threads", "outcome", "latency_ns",
    "half_width_95_ns", "sessions", "samples", "unsettled_sessions", "grade", "stopped", "p90_ns",
    "p95_ns", "p99_ns", "relative_l2", "warnings", "run_id", "cell_id", "contended", "cpu_share",
    "slow_share", "floor_ns", "floor_half_width_95_ns", *RATIO_HEAD,
)  # fmt: skip

COSTS_HEAD = (
    "variant", "model", "weights", "macs", "flops_paddle", "params", "params_trainable",
    "storage_bytes", "storage_format", "published_top1", "published_top5", "published_flops_m",
    "published_params_m", "published_storage_mb",
)  # fmt: skip

DECLARED = ("declared_top1", "declared_top5")
"""Columns of costs.csv that are there where an entry declares its accuracy."""

ACCURACY_HEAD = (
    "system_id", "variant", "model", "model_hash", "weights", "weights_sha256", "runner", "images",
    "limited_from", "read", "data_digest", "top1_hits", "top1", "top1_low", "top1_high",
    "top5_hits", "top5", "top5_low", "top5_high", "run_id",
)  # fmt: skip

SUSTAINED_HEAD = (
    "system_id", "system", "emulated", "runner", "settings", "precision", "weights", "engine",
    "variant", "batch", "threads", "outcome", "asked_s", "ran_ns", "first_tenth_ns",
    "last_tenth_ns", "ratio", "samples", "capped", "run_id", "cell_id",
)  # fmt: skip

ENGINES_HEAD = (
    "system_id", "system", "suite", "precision", "preset", "statistic", "weights", "batch",
    "threads", "variant", "runner", "settings", "engine", "outcome", "latency_ns",
    "half_width_95_ns", "sessions", "grade", "fastest", *RATIO_HEAD, "load_ns", "peak_rss_mib",
    "relative_l2", "run_id", "cell_id",
)  # fmt: skip

DEVICE_HEAD = (
    "system_id", "runner", "settings", "precision", "preset", "variant", "batch", "on_device_ns",
    "on_device_half_width_95_ns", "enqueue_ns", "launch_bound", "energy_mj_per_inference",
    "builds", "build_spread", "build_ns", "run_id", "cell_id",
)  # fmt: skip

ENERGY_HEAD = (
    "system_id", "runner", "settings", "precision", "preset", "variant", "batch", "threads",
    "package_energy_mj_per_inference", "run_id", "cell_id",
)  # fmt: skip

_ALWAYS = ("latency.csv", "costs.csv")
_PUBLISHED = ("top1", "top5", "flops_m", "params_m", "storage_mb")


Row = dict[str, object]
"""What is known by column; a head chooses of it, and what isn't known is None or lacks."""


def _rounded(value: float | None, digits: int | None = None) -> float | None:
    return None if value is None else round(value, digits)


def settings_text(settings: Mapping[str, str]) -> str:
    """Return a runner's settings as name=value."""
    return " ".join(f"{name}={value}" for name, value in sorted(settings.items()))


def _known(series: Series, box: Box, variant: str, column: Column) -> Row:
    """Return what the tables of cells have in common."""
    estimate, distance = box.estimate, box.relative_l2
    return {
        "system_id": series.system.system_id, "system": series.system.heading,
        "emulated": series.system.emulated, "runner": series.runner,
        "settings": settings_text(series.settings),
        "precision": series.precision, "preset": series.preset, "statistic": series.statistic,
        "suite": series.suite, "weights": series.weights, "engine": series.engine,
        "variant": variant, "batch": column[0], "threads": column[1],
        "outcome": box.outcome.kind if box.outcome else "measured", "grade": box.grade,
        "latency_ns": _rounded(estimate.value_ns if estimate else None),
        "half_width_95_ns": _rounded(estimate.half_width_ns if estimate else None),
        "sessions": estimate and estimate.sessions, "samples": estimate and estimate.samples,
        "relative_l2": None if distance is None else f"{distance:.3g}",
        "run_id": box.run_id, "cell_id": box.cell_id,
    }  # fmt: skip


def box_row(series: Series, box: Box, variant: str, column: Column) -> Row:
    """Return all that the tables of cells have of a box, but its ratio to others."""
    return {
        **_known(series, box, variant, column),
        **{f"p{p}_ns": _rounded(box.percentiles.get(p)) for p in PERCENTILES},
        "unsettled_sessions": box.unsettled, "stopped": box.stopped,
        "warnings": "; ".join(box.warnings), "grade_reasons": "; ".join(box.grade_reasons),
        "contended": None if box.taken is None else box.contended,
        "cpu_share": None if box.taken is None else f"{box.taken.cpu_share:.3f}",
        "slow_share": None if box.speeds is None else f"{box.speeds.slow_share:.3f}",
        "floor_ns": _rounded(box.floor.value_ns if box.floor else None),
        "floor_half_width_95_ns": _rounded(box.floor.half_width_ns if box.floor else None),
        "load_ns": _rounded(box.load_ns), "peak_rss_mib": _rounded(box.peak_rss_mib, 1),
        "package_energy_mj_per_inference": _rounded(box.energy_mj, 4), **_on_device(box.device),
    }  # fmt: skip


def _rows(view: View) -> Iterator[tuple[Box, Row]]:
    for series in view.series:
        for variant, row in series.boxes.items():
            for column, box in sorted(row.items()):
                yield box, box_row(series, box, variant, column)


def latency_rows(view: View) -> list[Row]:
    """Return the rows of latency.csv; a percentile that the samples can't bear is empty."""
    ratios = _ratios(view)
    return [row | ratios[box.cell_id, box.run_id] for box, row in _rows(view)]


def _ratios(view: View) -> dict[tuple[str, str], Row]:
    """Return each cell's ratio to the fastest net of its column, by cell and run."""
    return {
        (row[column].cell_id, row[column].run_id): _ratio(run, index)
        for series in view.series
        for column, run in ((column, series.race(column)) for column in series.columns)
        for index, row in enumerate(series.boxes.values())
        if column in row
    }


def sustained_rows(view: View) -> list[Row]:
    """Return the rows of sustained.csv."""
    return [_sustained_row(row) for series in view.sustained for row in sustained.rows(series)]


def _sustained_row(row: sustained.Row) -> Row:
    known = box_row(row.series, row.box, row.variant, (row.batch, row.threads))
    if row.box.long is None:
        return known
    over = row.box.long.course
    return known | {
        "asked_s": row.box.long.asked_s, "ran_ns": over.ran_ns,
        "first_tenth_ns": round(over.first_ns), "last_tenth_ns": round(over.last_ns),
        "ratio": _rounded(over.ratio, 5), "samples": over.samples, "capped": row.box.long.capped,
    }  # fmt: skip


def device_rows(view: View) -> list[Row]:
    """Return the rows of device.csv, one for each cell with figures on the device."""
    return [row for box, row in _rows(view) if box.device is not None]


def energy_rows(view: View) -> list[Row]:
    """Return the rows of energy.csv, one for each cell that knows its energy."""
    return [row for box, row in _rows(view) if box.energy_mj is not None]


def _on_device(it: OnDevice | None) -> Row:
    return {} if it is None else {
        "on_device_ns": round(it.on_device.value_ns),
        "on_device_half_width_95_ns": _rounded(it.on_device.half_width_ns),
        "enqueue_ns": round(it.enqueue.value_ns), "launch_bound": it.launch_bound,
        "energy_mj_per_inference": _rounded(it.energy_mj, 4), "builds": it.builds,
        "build_spread": _rounded(it.build_spread, 4), "build_ns": _rounded(it.build_ns),
    }  # fmt: skip


def engines_rows(tables: Iterable[SideBySide]) -> list[Row]:
    """Return the rows of engines.csv, one for each box of each table."""
    return [
        box_row(series, box, variant, table.column)
        | {
            "settings": naming.settings(series), "fastest": table.fastest[variant] == index,
            **_ratio(table.races[variant], index),
        }
        for table in tables
        for variant, row in table.rows.items()
        for index, (series, box) in enumerate(zip(table.engines, row, strict=True))
        if box is not None
    ]  # fmt: skip


def _ratio(run: Race | None, index: int) -> Row:
    ratio = None if run is None else run.ratios[index]
    if ratio is None:
        return dict.fromkeys(RATIO_HEAD, 1 if run is not None and run.first == index else None)
    values = (ratio.value, ratio.low, ratio.high)
    return dict(zip(RATIO_HEAD, (f"{value:.5f}" for value in values), strict=True))


def costs_rows(view: View) -> list[Row]:
    """Return the rows of costs.csv."""
    rows: list[Row] = []
    for variant, facts in view.models.items():
        entry = view.declared.get(variant)
        costs, storage, row = facts.costs, facts.storage, view.published_of(variant)
        operations = (costs and costs.operations) or (None, None)
        rows.append({
            "variant": variant, "model": facts.title, "weights": facts.weights,
            "macs": operations[0], "flops_paddle": operations[1],
            "params": costs and costs.params,
            "params_trainable": costs and costs.params_trainable,
            "storage_bytes": storage and storage.bytes,
            "storage_format": storage and storage.format,
            **{f"published_{column}": row and row.texts.get(column) for column in _PUBLISHED},
            **{name: getattr(entry, name.removeprefix("declared_"), None) for name in DECLARED},
        })  # fmt: skip
    return rows


def _costs_head(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the head of costs.csv, with what entries declare where one does."""
    declares = any(row[name] is not None for row in rows for name in DECLARED)
    return (*COSTS_HEAD, *DECLARED) if declares else COSTS_HEAD


def accuracy_rows(view: View) -> list[Row]:
    """Return the rows of accuracy.csv: a row a net and runner of each stored accuracy run."""
    return [_accuracy_row(one) for one in measured(view)]


def _accuracy_row(one: Measured) -> Row:
    manifest, result = one.run.manifest, one.result
    model = manifest.models[result.variant]
    shares: Row = {}
    for name, rate in (("top1", result.top1), ("top5", result.top5)):
        low, high = (f"{end:.6f}" for end in rate.interval)
        shares |= {f"{name}_hits": rate.hits, name: f"{rate.share:.6f}"}
        shares |= {f"{name}_low": low, f"{name}_high": high}
    return {
        "system_id": manifest.system_id, "variant": result.variant, "model": model.title,
        "model_hash": model.model_hash, "weights": model.weights,
        "weights_sha256": model.weights_sha256, "runner": result.runner,
        "images": manifest.data.images, "limited_from": manifest.data.of,
        "read": one.run.summary.read, "data_digest": manifest.data.digest, **shares,
        "run_id": manifest.run_id,
    }  # fmt: skip


def csv_bytes(head: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """Return a table with `head`; of each row what the head names, escaped for a spreadsheet."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([escape.cell(row.get(column)) for column in head] for row in rows)
    return buffer.getvalue().encode()


def write(view: View, folder: Path) -> dict[Path, bytes]:
    """Return the files and their bytes."""
    tables = {
        "latency.csv": (LATENCY_HEAD, latency_rows(view)),
        "costs.csv": (_costs_head(costs_rows(view)), costs_rows(view)),
        "accuracy.csv": (ACCURACY_HEAD, accuracy_rows(view)),
        "device.csv": (DEVICE_HEAD, device_rows(view)),
        "energy.csv": (ENERGY_HEAD, energy_rows(view)),
        "engines.csv": (ENGINES_HEAD, engines_rows(side_by_side(view))),
        "sustained.csv": (SUSTAINED_HEAD, sustained_rows(view)),
        "serving.csv": (SERVING_HEAD, serving_rows(view)),
        "operators.csv": (OPERATORS_HEAD, operators_rows(view)),
    }
    return {
        folder / name: csv_bytes(head, rows)
        for name, (head, rows) in tables.items()
        if rows or name in _ALWAYS
    }
