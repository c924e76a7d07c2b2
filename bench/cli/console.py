"""How a run ends on the terminal: its table, the files written, what failed and why."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.details import details
from bench.analysis.grade import explain, findings
from bench.analysis.series import StoredRun
from bench.analysis.time_use import time_use
from bench.analysis.verdicts import Comparison
from bench.core.errors import BrokenResult
from bench.core.output import say, say_command, show, show_lines
from bench.core.units import number_of
from bench.experiments.context import Options
from bench.reports.build import load_accuracies, load_runs, report_folder, view_of, write_report
from bench.reports.comparison.formats import check_format, rendered, step_summary
from bench.reports.csv_tables import LATENCY_HEAD, SUSTAINED_HEAD, latency_rows, sustained_rows
from bench.reports.terminal import latency_tables
from bench.storage.run_folders import RunFolder
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import Measured, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """How results are shown: a comparison's format, grades explained, files named, a language."""

    output_format: str = "table"
    explain: bool = False
    verbose: bool = False
    lang: str = "en"


def conclude(options: Options, folder: RunFolder, resume: str) -> int:
    """Write the report, print this run's table and the files; `resume` is the command to resume it.

    Returns 0, or 1 where a cell has no figure.
    """
    broken: list[BrokenResult] = []
    runs, files = renew_report(options, broken)
    own = [run for run in runs if run.manifest.run_id == folder.path.name]
    view, records = view_of(own, options.models), [it for run in own for it in run.records]
    use = time_use(session for it in records for session in it.sessions)
    if options.as_json:
        _print_json(
            folder,
            files,
            cells=[{name: row.get(name) for name in LATENCY_HEAD} for row in latency_rows(view)],
            sustained=[
                {name: row.get(name) for name in SUSTAINED_HEAD} for row in sustained_rows(view)
            ],
            time=None if use is None else use.to_json(),
        )
    else:
        show(latency_tables(view))
        show_lines(["", *(() if use is None else (use.sentence,))])
        show_lines([f"wrote {folder.path}", *written(files, options)])
        if options.of(OutputOptions).explain:
            show_lines(explanation(records))
    status = max(tell_failures(records), tell_broken(broken))
    if any(it.failed_for_now for it in records):
        say_command("bench: what was killed, late, lost or out of space is tried again by", resume)
    return status


def renew_report(
    options: Options, broken: list[BrokenResult]
) -> tuple[list[StoredRun], list[Path]]:
    """Write the report on all that is stored; return the runs of latencies and the files.

    What can't be read is left out and added to `broken`.
    """
    runs = load_runs(options.results, broken=broken)
    accuracies = load_accuracies(options.results, broken=broken)
    view = view_of(runs, options.models, accuracies)
    return runs, write_report(view, report_folder(options.results), options.of(OutputOptions).lang)


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


def explanation(records: Sequence[Record]) -> Iterator[str]:
    """Yield what lowers each cell's grade and what its raw data say, indented below its id."""
    for record in records:
        yield record.cell_id
        reasons = explain(findings(record)) or ["A: nothing lowers it"]
        yield from (f"    {line}" for line in [*reasons, *details(record)])


def _print_json(
    folder: RunFolder,
    files: Sequence[Path],
    *,
    time: Mapping[str, int] | None,
    **tables: Sequence[Mapping[str, object]],
) -> None:
    result: dict[str, object] = {"run": str(folder.path), "files": [str(path) for path in files]}
    result["time"] = time
    for name, rows in tables.items():
        result[name] = [{key: None if it == "" else it for key, it in r.items()} for r in rows]
    show(json.dumps(result, indent=1) + "\n")


def tell_failures(records: Sequence[Record]) -> int:
    """Say each reason once, with the cells that it took; return the exit status."""
    reasons: dict[str, list[str]] = {}
    for record in records:
        if not isinstance(record.outcome, Measured):
            reasons.setdefault(_reason(record.outcome), []).append(record.cell_id)
    for reason, cells in reasons.items():
        others = len(cells) - 1
        more = f" and {number_of(others, 'more cell')}" if others else ""
        say(f"bench: {cells[0]}{more} {reason}")
    return 1 if reasons else 0


def _reason(outcome: Failed | Skipped) -> str:
    """Return why in one line: an engine may say it in several."""
    if isinstance(outcome, Failed):
        text = f"failed ({outcome.failure}): {outcome.message}: {outcome.hint}"
    else:
        text = f"skipped: {outcome.reason}: {outcome.hint}"
    return " ".join(text.split())


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
