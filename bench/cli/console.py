"""How a run ends on the terminal: its table, the files written, what failed and why."""

from __future__ import annotations

import json
import os
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.series import StoredRun, View
from bench.analysis.time_use import time_use
from bench.analysis.verdicts import Comparison
from bench.cli.stored import viewed
from bench.core.errors import BrokenResult
from bench.core.output import columns, say, say_command, show, show_lines
from bench.core.program import command
from bench.core.units import number_of
from bench.experiments.context import Options
from bench.reports.build import (
    in_full,
    load_accuracies,
    load_servings,
    report_folder,
    view_of,
    write_report,
)
from bench.reports.comparison.formats import check_format, rendered, step_summary
from bench.reports.csv_tables import LATENCY_HEAD, SUSTAINED_HEAD, latency_rows, sustained_rows
from bench.reports.terminal import latency_tables
from bench.reports.terminal.cells import shown_cells
from bench.reports.terminal.explanation import explanation
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import Record, reason
from bench.storage.schema.profile import Profiled, ProfileRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """How results are shown: a comparison's format, grades explained, files named, a language, or
    no report at all.
    """

    output_format: str = "table"
    explain: bool = False
    verbose: bool = False
    lang: str = "en"
    no_report: bool = False


def conclude(options: Options, folders: Sequence[RunFolder], resume: str | None) -> int:
    """Write the report, print these runs' tables and the files; `resume` is the command to resume
    them, None: there is none.

    Returns 0, or 1 where a cell has no figure.
    """
    broken: list[BrokenResult] = []
    names = {folder.path.name for folder in folders}
    runs, files = renew_report(options, broken, whole=names)
    own = [run for run in runs if run.run_id in names]
    profiles = [it for folder in folders for it in folder.profiles(broken)]
    view, records = view_of(own, options.models), [it for run in own for it in run.records]
    use = time_use(session for it in records for session in it.sessions)
    if options.as_json:
        paths = [str(folder.path) for folder in folders]
        about = {"run": paths[0], "runs": paths, "files": [str(path) for path in files]}
        show(json.dumps({**about, **run_values(view, records)}, indent=1) + "\n")
    else:
        show(latency_tables(view, columns()))
        show_lines(["", *(() if use is None else (use.sentence,))])
        show_lines([*(f"wrote {it.path}" for it in folders), *written(files, options)])
        if any(isinstance(it.outcome, Profiled) for it in profiles):
            where = shlex.quote(str(options.results))
            words = f"profile {folders[0].path.name} --results {where}"
            show_lines([f"profiles by operator: {command(words)}"])
        if options.of(OutputOptions).explain:
            tell_grades([one.record for one in shown_cells(view)])
    status = max(tell_failures(records), tell_unprofiled(profiles), tell_broken(broken))
    stored: list[Record | ProfileRecord] = [*records, *profiles]
    if resume is not None and any(it.failed_for_now for it in stored):
        say_command("bench: what was killed, late, lost or out of space is tried again by", resume)
    return status


def renew_report(
    options: Options, broken: list[BrokenResult], *, whole: Collection[str] = ()
) -> tuple[list[StoredRun], list[Path]]:
    """Write the report on all that is stored; return the files, and in full the runs that it shows
    and those of `whole`.

    What can't be read is left out and added to `broken`.
    """
    runs = list(viewed(options, broken, whole=whole))
    accuracies = load_accuracies(options.results, broken=broken)
    servings = load_servings(options.results, broken=broken)
    view = view_of(runs, options.models, accuracies, servings)
    folder, lang = report_folder(options.results), options.of(OutputOptions).lang
    return in_full(runs), write_report(view, folder, lang)


def written(files: Sequence[Path], options: Options) -> Iterator[str]:
    """Yield each file that was written, or how many there are in each folder."""
    if options.of(OutputOptions).verbose:
        yield from (f"wrote {path}" for path in files)
        return
    for folder, count in Counter(path.parent for path in files).items():
        yield f"wrote {number_of(count, 'file')} to {folder}/"


def tell_broken(broken: Sequence[BrokenResult]) -> int:
    """Name the results that can't be read and were left out; return the exit status."""
    for line in dict.fromkeys(f"bench: left out: {error}" for error in broken):
        say(line)
    return int(bool(broken))


def tell_grades(records: Sequence[Record]) -> None:
    """Print what lowers the grades of `records`, and where one sees a cell's raw data."""
    lines = list(explanation(records))
    show_lines(["", *lines, f"what a cell's raw data say: {command('show CELL')}"] if lines else [])


def run_values(view: View, records: Sequence[Record]) -> dict[str, object]:
    """Return what a run came to as values for JSON: its time, its cells, its long sessions."""
    use = time_use(session for it in records for session in it.sessions)
    return {
        "time": None if use is None else use.to_json(),
        "cells": rows_of(latency_rows(view), LATENCY_HEAD),
        "sustained": rows_of(sustained_rows(view), SUSTAINED_HEAD),
    }


def rows_of(
    rows: Iterable[Mapping[str, object]], head: Sequence[str]
) -> list[dict[str, object | None]]:
    """Return rows of a CSV table as values for JSON: None for what isn't known."""
    return [{name: None if (it := r.get(name)) == "" else it for name in head} for r in rows]


def tell_failures(records: Sequence[Record]) -> int:
    """Say each reason once, with the cells that it took; return the exit status."""
    said = list(failures(records))
    for line in said:
        say(f"bench: {line}")
    return 1 if said else 0


def tell_unprofiled(profiles: Sequence[ProfileRecord]) -> int:
    """Say why cells have no profile, each reason once; return 1 where one failed."""
    for line in failures(profiles):
        say(f"bench: the profile of {line}")
    return int(any(isinstance(it.outcome, Failed) for it in profiles))


def failures(records: Sequence[Record | ProfileRecord]) -> Iterator[str]:
    """Yield each reason for which cells have no figure, or profile, once, with the first cell."""
    reasons: dict[str, list[str]] = {}
    for record in records:
        if isinstance(record.outcome, Failed | Skipped):
            reasons.setdefault(reason(record.outcome), []).append(record.cell_id)
    for why, cells in reasons.items():
        others = len(cells) - 1
        more = f" and {number_of(others, 'more cell')}" if others else ""
        yield f"{cells[0]}{more} {why}"


_SUMMARY = "GITHUB_STEP_SUMMARY"


def chosen_format(options: Options) -> str:
    """Return the format that the flags ask for; raises UnknownName."""
    name = "json" if options.as_json else options.of(OutputOptions).output_format
    check_format(name)
    return name


def tell(comparison: Comparison, name: str, *, environment: Mapping[str, str] = os.environ) -> int:
    """Print `comparison` in the format of that name; return its exit status.

    For GitHub the summary is added to the step's, where the environment has a place for it.
    """
    show(rendered(comparison, name))
    place = environment.get(_SUMMARY)
    if name == "github" and place:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(step_summary(comparison))
    return comparison.exit_status
