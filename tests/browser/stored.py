"""What is stored, and the latency that comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean, median

from bench.analysis.contention import counted_ns
from bench.core.paths import PROJECT
from bench.reports.build import load_runs
from bench.storage.schema.latency import Record


def committed_records() -> Mapping[str, Record]:
    """Return the records in results/ by run and cell, as figures name them."""
    runs = load_runs(PROJECT / "results", broken=[])
    return {f"{it.manifest.run_id}/{one.cell_id}": one for it in runs for one in it.records}


def latency(record: Record) -> float:
    """The mean over sessions of the median of the samples that count, in ms."""
    return fmean(median(counted_ns(session)) for session in record.sessions) / 1e6
