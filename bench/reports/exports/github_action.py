"""A run for benchmark-action/github-action-benchmark, `tool: customSmallerIsBetter`.

An entry a cell: name, unit, value, and as text the interval (range) and what the chart's tooltip
shows (extra). The name is the cell's id, so that commits are compared cell by cell.
"""

from __future__ import annotations

import json
from typing import Any

from bench.core.escape import plain
from bench.core.units import NS_PER_MS
from bench.reports.csv_tables import Row
from bench.reports.exports import Job

_EXTRA = ("system", "engine", "grade", "warnings", "sessions", "run_id")


def write(job: Job) -> None:
    """Write the array of entries."""
    entries = [_entry(one.row) for one in job.stored]
    job.path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


def _entry(row: Row) -> dict[str, Any]:
    mark = " (emulated)" if row.get("emulated") else ""
    entry: dict[str, Any] = {
        "name": f"{row['cell_id']}{mark}",
        "unit": "ms",
        "value": _ms(row["latency_ns"]),
        "extra": "\n".join(f"{it}: {plain(str(row[it]))}" for it in _EXTRA if row.get(it)),
    }
    half = row.get("half_width_95_ns")
    return entry if half is None else entry | {"range": f"± {_ms(half):.4g}"}


def _ms(ns: object) -> float:
    return float(str(ns)) / NS_PER_MS
