"""A table as CSV, by RFC 4180: what isn't known is empty; text is no formula."""

from __future__ import annotations

import csv

from bench.core import escape
from bench.reports.data.columns import LEVELS
from bench.reports.data.rows import rows_of
from bench.reports.exports import Job


def write(job: Job) -> None:
    """Write the table of the job's level."""
    names = [it.name for it in LEVELS[job.level]]
    with job.path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in rows_of(job.level, job.stored):
            writer.writerow([escape.cell(row.get(name)) for name in names])
