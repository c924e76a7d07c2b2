"""`bench report`: every table and plot again, from results/ alone."""

from __future__ import annotations

import json
import sys

from bench.analysis.grade import explain, findings
from bench.cli.console import explanation_text
from bench.core.errors import ResultsError
from bench.experiments.context import Options, Tables
from bench.reports.build import view_of, write_report
from bench.storage.directory import Store


def run(options: Options, tables: Tables) -> int:
    """Write the report and name its files; raises ResultsError where there is no results folder."""
    if not options.results.is_dir():
        raise ResultsError(
            f"there is no results folder {options.results}",
            hint="run `make bench` first, or name one with --results DIR",
        )
    files = [str(path) for path in write_report(options.results, options.models, options.run)]
    reasons = explanations(options) if options.explain else {}
    if options.as_json:
        grades = {"grades": reasons} if options.explain else {}
        sys.stdout.write(json.dumps({"files": files, **grades}, indent=1) + "\n")
    else:
        sys.stdout.writelines(f"wrote {path}\n" for path in files)
        sys.stdout.write(explanation_text(reasons))
    return 0


def explanations(options: Options) -> dict[str, list[str]]:
    """Return, by cell, what lowers its grade, for the figures that the report shows."""
    view, store = view_of(options.results, options.models, options.run), Store(options.results)
    shown = {
        (box.run_id, box.cell_id)
        for series in view.series
        for row in series.boxes.values()
        for box in row.values()
    }
    return {
        record.cell_id: explain(findings(record))
        for run_id in sorted({run_id for run_id, _ in shown})
        for record in store.run(run_id).records()
        if (run_id, record.cell_id) in shown and record.sessions
    }
