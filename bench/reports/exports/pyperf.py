"""A run as pyperf's suite, version 1.0: a benchmark a cell, a run a session, values in seconds.

The values are the samples that the figure is of, the warm-ups those that the session dropped.
Metadata that pyperf knows (date, duration, load_avg_1min, mem_max_rss) has its names and units, so
that its commands print them; the rest is text. The format is that of pyperf/_bench.py.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from typing import Any

from bench.analysis.contention import counted_ns
from bench.core.escape import plain
from bench.core.units import NS_PER_S
from bench.reports.csv_tables import Row
from bench.reports.data.rows import Stored
from bench.reports.exports import Job
from bench.storage.schema.latency import Session

_OF_SUITE = ("system", "run_id", "suite", "target", "commit", "harness", "command")
_OF_CELL = (
    "variant", "model", "weights", "runner", "engine", "settings", "precision", "batch", "threads",
    "preset", "statistic", "grade", "warnings", "latency_ns", "half_width_95_ns",
)  # fmt: skip


def write(job: Job) -> None:
    """Write the suite's JSON."""
    first = next(iter(job.stored)).row
    suite = {
        "version": "1.0",
        "metadata": {"unit": "second", "emulated": _word(first), **_known(first, _OF_SUITE)},
        "benchmarks": [_benchmark(one) for one in job.stored],
    }
    job.path.write_text(json.dumps(suite) + "\n", encoding="utf-8")


def _word(row: Row) -> str:
    return "yes" if row.get("emulated") else "no"


def _known(row: Row, names: tuple[str, ...]) -> dict[str, str | int]:
    """Return what is known of `names`; pyperf takes no empty text and none of several lines."""
    values = {name: row.get(name) for name in names}
    return {
        name: value if isinstance(value, int) else plain(str(value)).strip()
        for name, value in values.items()
        if value is not None and plain(str(value)).strip()
    }


def _benchmark(one: Stored) -> dict[str, Any]:
    return {
        "metadata": {"name": one.record.cell_id, "loops": 1, **_known(one.row, _OF_CELL)},
        "runs": [_run(session) for session in one.record.sessions],
    }


def _run(session: Session) -> dict[str, Any]:
    seconds = [ns / NS_PER_S for ns in counted_ns(session)]
    warmups = [(1, ns / NS_PER_S) for ns in session.warmup_ns]
    run: dict[str, Any] = {"metadata": _metadata(session), "values": seconds}
    return run | ({"warmups": warmups} if warmups else {})


def _metadata(session: Session) -> dict[str, str | int | float]:
    known: dict[str, str | int | float] = {"duration": session.wall_ns / NS_PER_S}
    if (started := _date(session.started)) is not None:
        known["date"] = started
    load, peak = session.before.get("load_1m"), session.covariates.get("peak_rss_mib")
    if isinstance(load, int | float) and load >= 0:
        known["load_avg_1min"] = load
    if isinstance(peak, int | float) and peak >= 0:
        known["mem_max_rss"] = math.floor(peak * (1 << 20))
    return known


def _date(text: str) -> str | None:
    """Return a time as pyperf writes it, without a zone (UTC); None for what is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    zoned = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
    return zoned.astimezone(timezone.utc).replace(tzinfo=None).isoformat(" ")
