"""`bench report`: every table and plot again, from results/ alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Reversible

from bench.analysis.details import details
from bench.analysis.grade import explain, findings
from bench.analysis.run_context import unfinished
from bench.analysis.series import StoredRun, View
from bench.analysis.time_use import TimeUse, time_use
from bench.cli.console import OutputOptions, tell_broken, tell_grades, written
from bench.cli.resume import resume_stored
from bench.cli.stored import check_results
from bench.core.errors import BrokenResult
from bench.core.output import say_command, show, show_lines
from bench.experiments.context import Options, Tables
from bench.reports.build import (
    StoredRuns,
    load_accuracies,
    report_folder,
    view_of,
    write_report,
)
from bench.reports.terminal.cells import Shown, shown_cells
from bench.storage.schema.latency import Record, RunManifest


def run(options: Options, tables: Tables) -> int:
    """Write the report and name its files; raises ResultsError where there is no results folder."""
    check_results(options.results, "cpu")
    output = options.of(OutputOptions)
    explained = output.explain
    broken: list[BrokenResult] = []
    runs: Reversible[StoredRun] = StoredRuns(options.results, options.run, broken)
    if explained or options.run:
        runs = list(runs)
    accuracies = load_accuracies(options.results, options.run, broken=broken)
    view = view_of(runs, options.models, accuracies)
    files = write_report(view, report_folder(options.results, options.run), output.lang)
    records = shown_records(view) if explained else []
    uses = _time_uses(runs) if explained or options.run else {}
    _tell_unfinished(view.manifests.values(), options)
    if options.as_json:
        about = {
            "grades": {record.cell_id: explain(findings(record)) for record in records},
            "details": {record.cell_id: details(record) for record in records},
        }
        times = {run_id: use.to_json() for run_id, use in uses.items()}
        more = {**({"time": times} if uses else {}), **(about if explained else {})}
        show(json.dumps({"files": [str(path) for path in files], **more}, indent=1) + "\n")
    else:
        show_lines(written(files, options))
        show_lines([*(f"run {run_id}: {use.sentence}" for run_id, use in uses.items())])
        tell_grades(records)
    return tell_broken(broken)


def _tell_unfinished(manifests: Iterable[RunManifest], options: Options) -> None:
    """Say which runs aren't complete, and the command that completes each."""
    for manifest in manifests:
        if (why := unfinished(manifest)) is not None:
            again, hidden = resume_stored(manifest, options)
            more = " (… stands for a folder that isn't stored)" if hidden else ""
            say_command(f"bench: {why}; measure them with{more}", again)


def _time_uses(runs: Iterable[StoredRun]) -> dict[str, TimeUse]:
    """Return what each run's sessions spent their time on, by the run's id."""
    uses = {
        run.manifest.run_id: time_use(one for record in run.records for one in record.sessions)
        for run in runs
    }
    return {run_id: use for run_id, use in uses.items() if use is not None}


def shown_records(view: View) -> list[Record]:
    """Return the newest record of each cell that the report has a figure of, in its order."""
    newest: dict[str, Shown] = {}
    for one in shown_cells(view):
        known = newest.get(one.box.cell_id)
        if one.box.estimate is not None and (known is None or one.box.run_id > known.box.run_id):
            newest[one.box.cell_id] = one
    return [one.record for one in newest.values()]
