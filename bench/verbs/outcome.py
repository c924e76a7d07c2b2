"""How a run ends on the terminal: its table, the files written, what failed and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.options import Options
from bench.record import Failed, Measured, Record, Skipped
from bench.report import view_of, write_report
from bench.reports.tables_csv import LATENCY_HEAD, latency_rows
from bench.reports.terminal import latency_tables
from bench.store import RunFolder


def conclude(options: Options, folder: RunFolder, records: Sequence[Record]) -> int:
    """Write the report, print this run's table and the files.

    Returns 0, or 1 where a cell has no figure.
    """
    files = write_report(options.results, options.models)
    view = view_of(options.results, options.models, folder.path.name)
    if options.as_json:
        _print_json(
            folder, files, [dict(zip(LATENCY_HEAD, r, strict=True)) for r in latency_rows(view)]
        )
    else:
        sys.stdout.write(latency_tables(view))
        sys.stdout.write("\n" + "\n".join(f"wrote {path}" for path in [folder.path, *files]) + "\n")
    return _tell_failures(records)


def _print_json(
    folder: RunFolder, files: Sequence[Path], rows: Sequence[Mapping[str, object]]
) -> None:
    cells = [{name: None if it == "" else it for name, it in row.items()} for row in rows]
    result = {"run": str(folder.path), "files": [str(path) for path in files], "cells": cells}
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


def _tell_failures(records: Sequence[Record]) -> int:
    """Say each reason once, with the cells that it took; return the exit status."""
    reasons: dict[str, list[str]] = {}
    for record in records:
        if not isinstance(record.outcome, Measured):
            reasons.setdefault(_reason(record.outcome), []).append(record.cell_id)
    for reason, cells in reasons.items():
        others = len(cells) - 1
        more = f" and {others} more cell{'s' * (others > 1)}" if others else ""
        sys.stderr.write(f"bench: {cells[0]}{more} {reason}\n")
    return 1 if reasons else 0


def _reason(outcome: Failed | Skipped) -> str:
    """Return why in one line: an engine may say it in several."""
    if isinstance(outcome, Failed):
        text = f"failed ({outcome.failure}): {outcome.message}: {outcome.hint}"
    else:
        text = f"skipped: {outcome.reason}: {outcome.hint}"
    return " ".join(text.split())
