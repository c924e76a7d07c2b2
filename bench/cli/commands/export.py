"""`bench export --to FORMAT OUT`: stored results as files of other programs."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bench.cli.console import tell_broken
from bench.cli.stored import check_results
from bench.core.errors import BrokenResult, InputError, UnknownName
from bench.core.output import say, show, show_lines
from bench.core.program import command
from bench.experiments.context import Options, Tables
from bench.reports.build import load_runs
from bench.reports.data.rows import cells
from bench.reports.exports import EXPORTS, Job, export, format_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """The format, the table of a format that has several, and whether a file is replaced."""

    to: str | None = None
    level: str | None = None
    force: bool = False


_LONG = "is of a long session, which has no latency"


def run(options: Options, tables: Tables) -> int:
    """Write the file and name it.

    Returns 0, or 1 where a stored file can't be read. Raises InputError and UnknownName.
    """
    del tables
    chosen = options.of(ExportOptions)
    if chosen.to is None:
        raise InputError(
            "export needs a format", hint=f"as in {command('export --to csv cells.csv')}; "
            f"there are {', '.join(EXPORTS)}",
        )  # fmt: skip
    form = format_of(chosen.to, chosen.level)
    if len(options.words) != 1 and (form.is_file or options.words):
        raise InputError(
            f"export takes one OUT, and {len(options.words)} are given",
            hint=f"as in {command(f'export --to {chosen.to} OUT')}",
        )
    check_results(options.results, "cpu")
    broken: list[BrokenResult] = []
    runs = load_runs(options.results, options.run, broken=broken)
    if not runs:
        raise UnknownName("run", "latest", [])
    stored = cells(runs[-1:] if form.figures else runs)
    job = Job(
        stored=stored,
        level=chosen.level or "cell",
        out=options.words[0] if options.words else "",
        replace=chosen.force,
    )
    left_out = {it.record.cell_id: str(it.row.get("reason") or _LONG) for it in export(form, job)}
    written = len(stored) - len(left_out)
    if options.as_json:
        about = {"out": job.out, "cells": written, "left_out": left_out}
        show(json.dumps(about, indent=1) + "\n")
    else:
        show_lines([f"wrote {job.out or 'to MLFLOW_TRACKING_URI'}: {written} cells"])
    for cell, reason in left_out.items():
        say(f"bench: left out, for there is no figure: {cell} {reason}")
    return tell_broken(broken)
