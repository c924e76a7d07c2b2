"""`bench export --to FORMAT OUT`: stored results as files of other programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.series import StoredRun
from bench.cli.console import tell_broken
from bench.cli.stored import check_results, viewed
from bench.core.errors import BrokenResult, InputError, UnknownName
from bench.core.output import say, show, show_lines
from bench.core.program import command
from bench.core.units import number_of
from bench.experiments.context import Options, Tables
from bench.reports.build import StoredRuns, in_full, load_runs
from bench.reports.data.rows import Cells
from bench.reports.exports import EXPORTS, ExportFormat, Job, export, format_of


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
    _check_out(options.words, chosen.to, form)
    check_results(options.results, "cpu")
    broken: list[BrokenResult] = []
    stored, runs = _stored(options, form, broken)
    if not runs:
        raise UnknownName("run", "latest", [])
    job = Job(
        stored=stored,
        level=chosen.level or "cell",
        out=options.words[0] if options.words else "",
        replace=chosen.force,
    )
    left_out = {it.record.cell_id: str(it.row.get("reason") or _LONG) for it in export(form, job)}
    written = stored.count - len(left_out)
    if options.as_json:
        about = {"out": job.out, "cells": written, "left_out": left_out}
        show(json.dumps(about, indent=1) + "\n")
    else:
        of = _of_run(options, runs[-1].manifest.run_id, len(runs)) if form.figures else ""
        where = job.out or "to MLFLOW_TRACKING_URI"
        show_lines([f"wrote {where}: {number_of(written, 'cell')}{of}"])
    for cell, reason in left_out.items():
        say(f"bench: left out, for there is no figure: {cell} {reason}")
    return tell_broken(broken)


def _stored(
    options: Options, form: ExportFormat, broken: list[BrokenResult]
) -> tuple[Cells, list[StoredRun]]:
    """Return what is exported, of all runs as they are read, and those that are in memory."""
    if options.run is None:
        seen = list(viewed(options, broken))
        runs = in_full(seen)
        newest = runs[-1:]
        every = StoredRuns(options.results, None, broken)
        return (Cells(newest) if form.figures else Cells(every, seen)), runs
    runs = load_runs(options.results, options.run, broken=broken)
    return Cells(runs[-1:] if form.figures else runs), runs


def _check_out(words: Sequence[str], to: str, form: ExportFormat) -> None:
    """Raise InputError where no file is named to write to, or more than one is."""
    if len(words) == 1 or not (form.is_file or words):
        return
    as_in = command(f"export --to {to} results.{'json' if form.figures else to}")
    if not words:
        raise InputError(f"--to {to} writes a file, and none is named", hint=f"as in {as_in}")
    raise InputError(
        f"export writes one OUT, and {len(words)} are named",
        hint=f"as in {as_in}" if form.is_file else "name one, or none for MLFLOW_TRACKING_URI",
    )


def _of_run(options: Options, run_id: str, runs: int) -> str:
    """Return which run's figures a format of one run has."""
    newest = ", the newest; --run names another" if options.run is None and runs > 1 else ""
    return f" of run {run_id}{newest}"
