"""`bench show [RUN|CELL]`: a stored run's tables, or all that is known of a cell. Reads only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from bench.analysis.brief import Brief
from bench.analysis.contention import counted_ns
from bench.analysis.details import details
from bench.analysis.grade import explain, findings
from bench.analysis.series import StoredRun, View
from bench.analysis.time_use import time_use
from bench.cli.cells import cells_named
from bench.cli.console import failures, rows_of, run_values, tell_broken
from bench.cli.stored import check_results, live_comparison, viewed
from bench.core.errors import BrokenResult, UnknownName
from bench.core.escape import lines
from bench.core.output import columns, show, show_lines
from bench.experiments.context import Options, Tables
from bench.reports.build import StoredRuns, in_full, load_runs, view_of
from bench.reports.comparison.formats import rendered
from bench.reports.csv_tables import LATENCY_HEAD, SUSTAINED_HEAD, latency_rows, sustained_rows
from bench.reports.terminal import latency_tables
from bench.reports.terminal.cells import (
    Shown,
    beside_text,
    cell_text,
    cells_table,
    shown_cells,
)
from bench.reports.terminal.histogram import bins
from bench.storage.run_folders import AbFolder
from bench.storage.schema.common import CellFields
from bench.storage.schema.latency import Measured
from bench.storage.store import Store


def run(options: Options, tables: Tables) -> int:
    """Print the newest run, or what the words name; raises UnknownName with the nearest names."""
    del tables
    check_results(options.results, "cpu")
    broken: list[BrokenResult] = []
    words, store = list(options.words), Store(options.results)
    if compared := next((it for it in AbFolder.all(store) if [it.path.name] == words), None):
        system = store.system(compared.manifest().system_id)
        form = "json" if options.as_json else "table"
        show(rendered(live_comparison(compared, compared.begun(), system), form))
        return 0
    named = options.run or (_run_named(words, store) if words else "latest")
    if named is not None and (options.run is None or not words):
        _show_run(options, named, broken)
    else:
        _show_cells(options, words, broken)
    return tell_broken(broken)


def _run_named(words: Sequence[str], store: Store) -> str | None:
    """Return the run whose id is the only word, or begins with it alone."""
    ids = [folder.path.name for folder in store.runs()]
    near = [it for it in ids if len(words) == 1 and it.startswith(words[0])]
    exact = len(words) == 1 and words[0] in (*ids, "latest")
    return words[0] if exact else near[0] if len(near) == 1 else None


def _show_run(options: Options, named: str, broken: list[BrokenResult]) -> None:
    if named == "latest":
        newest = next(iter(reversed(StoredRuns(options.results, None, broken))), None)
        if newest is None:
            raise UnknownName("run", named, [])
        runs = [newest]
    else:
        runs = load_runs(options.results, named, broken=broken)
    view = view_of(runs, options.models)
    if options.as_json:
        values = [{"run": it.manifest.run_id, **run_values(view, it.records)} for it in runs]
        show(json.dumps(values[0] if values else {}, indent=1) + "\n")
        return
    for it in runs:
        manifest, use = it.manifest, time_use(s for record in it.records for s in record.sessions)
        show_lines([f"run {manifest.run_id}, {manifest.status}, started {manifest.started}", ""])
        show(latency_tables(view, columns()))
        ordered = [one.record for one in shown_cells(view)]
        show_lines([*failures(ordered), "", *(() if use is None else (use.sentence,))])


def _show_cells(options: Options, words: Sequence[str], broken: list[BrokenResult]) -> None:
    stored: list[StoredRun | Brief]
    if options.run is None:
        stored = list(viewed(options, broken))
    else:
        stored = [*load_runs(options.results, options.run, broken=broken)]
    runs = in_full(stored)
    known: dict[str, CellFields] = {
        cell_id: cell for it in runs for cell_id, cell in it.manifest.cells.items()
    }
    ids = cells_named(words, known, [it.run_id for it in stored])
    view = view_of(stored, options.models)
    cells = [one for one in shown_cells(view) if one.box.cell_id in ids]
    if not cells:  # no report shows them any more: the net has changed since
        holding = [it for it in runs if any(record.cell_id in ids for record in it.records)]
        view = view_of(holding[-1:], options.models)
        cells = [one for one in shown_cells(view) if one.box.cell_id in ids]
    if options.as_json:
        show(json.dumps({"cells": _values(view, cells, brief=len(ids) > 1)}, indent=1) + "\n")
    elif not cells:
        show_lines([f"{', '.join(ids)}: not measured yet"])
    elif len(ids) > 1:
        show(cells_table(view, cells, columns()))
        show(lines(["", "more on one of them: name its whole id or label"]))
    else:
        show("\n".join(cell_text(view, one, columns()) for one in cells))
        show(beside_text(view, cells, columns()))


def _values(view: View, cells: Sequence[Shown], *, brief: bool) -> list[Mapping[str, object]]:
    """Return the cells' rows of latency.csv; not brief, with what lies behind each."""
    rows = rows_of(latency_rows(view), LATENCY_HEAD) + rows_of(sustained_rows(view), SUSTAINED_HEAD)
    by_cell = {(row["run_id"], row["cell_id"]): row for row in rows}
    return [
        {**by_cell[one.box.run_id, one.box.cell_id], **({} if brief else _behind(view, one))}
        for one in cells
    ]


def _behind(view: View, one: Shown) -> dict[str, object]:
    record, manifest = one.record, view.manifests[one.box.run_id]
    measured = isinstance(record.outcome, Measured)
    samples = [ns for session in record.sessions for ns in counted_ns(session)]
    return {
        "label": record.cell.to_cell().label,
        "grades": explain(findings(record)),
        "details": details(record),
        "histogram": asdict(bins(samples)) if measured else None,
        "outcome_of": record.outcome.model_dump(),
        "sessions_of": [
            session.model_dump(include={"started", "facts", "load_ns", "first_inference_ns"})
            for session in record.sessions
        ],
        "command": manifest.provenance.command,
        "commit": manifest.provenance.commit,
        "operating_system": manifest.provenance.operating_system,
    }
