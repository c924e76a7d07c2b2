"""The measured records below the folders that a script gets by --results."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from bench.reports.build import load_runs
from bench.storage.schema.latency import Measured, Record


def measured(description: str | None, has: Callable[[Record], bool]) -> list[Record]:
    """Read the command line of such a script; return the measured records that have that."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--results", type=Path, nargs="+", required=True)
    return [
        record
        for results in parser.parse_args().results
        for run in load_runs(results, broken=[])
        for record in run.records
        if isinstance(record.outcome, Measured) and has(record)
    ]
