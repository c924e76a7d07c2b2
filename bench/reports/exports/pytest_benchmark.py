"""A run as pytest-benchmark's JSON: a benchmark a cell, a round a session, in seconds.

A round is a session's median (or mean): the mean of the rounds is the figure of the reports, and
their standard deviation is between sessions. The fields are those of pytest_benchmark/stats.py;
quartiles are interpolated linearly.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import fmean, median, quantiles, stdev
from typing import Any

from bench import __version__
from bench.core.escape import plain
from bench.core.units import NS_PER_S
from bench.reports.data.rows import Stored, session_rows
from bench.reports.exports import Job

_PARAMS = ("variant", "runner", "settings", "precision", "batch", "threads", "preset")
_EXTRA = (
    "engine", "grade", "warnings", "statistic", "samples", "latency_ns", "half_width_95_ns",
    "run_id", "emulated",
)  # fmt: skip


def write(job: Job) -> None:
    """Write the JSON that `pytest-benchmark compare` reads."""
    row = next(iter(job.stored)).row
    names = ("system_id", "system", "emulated", "target", "host")
    report = {
        "machine_info": {name: row.get(name) for name in names},
        "commit_info": {"id": row.get("commit"), "dirty": row.get("changed")},
        "benchmarks": [_benchmark(one) for one in job.stored],
        "datetime": row.get("run_started"),
        "version": f"shufflenet-bench {__version__}",
    }
    job.path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _benchmark(one: Stored) -> dict[str, Any]:
    row, name = one.row, one.record.cell_id
    rounds = [float(str(it["session_latency_ns"])) / NS_PER_S for it in session_rows([one])]
    marked = f"{name} (emulated)" if row.get("emulated") else name
    return {
        "group": plain(f"{row.get('suite')} {row.get('system')}"),
        "name": marked, "fullname": f"{row.get('run_id')}::{marked}",
        "params": {name: row.get(name) for name in _PARAMS}, "param": name,
        "extra_info": {name: row.get(name) for name in _EXTRA},
        "options": {"timer": "perf_counter", "warmup": True},
        "stats": _stats(rounds),
    }  # fmt: skip


def _stats(rounds: Sequence[float]) -> dict[str, Any]:
    mean = fmean(rounds)
    spread = stdev(rounds) if len(rounds) > 1 else 0.0
    first, _, third = quantiles(rounds, method="inclusive") if len(rounds) > 1 else [mean] * 3
    reach = 1.5 * (third - first)
    within = [value for value in rounds if first - reach <= value <= third + reach]
    far = sum(abs(value - mean) > spread for value in rounds)
    return {
        "min": min(rounds), "max": max(rounds), "mean": mean, "stddev": spread,
        "rounds": len(rounds), "median": median(rounds), "iqr": third - first, "q1": first,
        "q3": third, "iqr_outliers": len(rounds) - len(within), "stddev_outliers": far,
        "outliers": f"{far};{len(rounds) - len(within)}", "ld15iqr": min(within),
        "hd15iqr": max(within), "ops": 1 / mean, "total": sum(rounds), "data": list(rounds),
        "iterations": 1,
    }  # fmt: skip
