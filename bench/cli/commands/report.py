"""`bench report`: every table and plot again, from results/ alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Reversible
from dataclasses import dataclass
from pathlib import Path

from bench.analysis.brief import Brief
from bench.analysis.details import details
from bench.analysis.grade import explain, findings
from bench.analysis.run_context import unfinished
from bench.analysis.series import StoredRun, View
from bench.analysis.time_use import TimeUse, time_use
from bench.cli.console import OutputOptions, tell_broken, tell_grades, written
from bench.cli.resume import resume_stored
from bench.cli.stored import check_results, viewed
from bench.core.errors import BrokenResult, InputError
from bench.core.escape import lines
from bench.core.output import say_command, show, show_lines
from bench.core.units import number_of
from bench.experiments.context import Options, Tables
from bench.reports.build import (
    in_full,
    load_accuracies,
    load_runs,
    load_servings,
    report_folder,
    view_of,
    write_report,
)
from bench.reports.language import words
from bench.reports.markdown import markers, seed_page
from bench.reports.terminal.cells import Shown, shown_cells
from bench.storage.files import read_text_file, rewrite
from bench.storage.schema.latency import Record, RunManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class PasteOptions:
    """Whether tables are printed or put into files instead, and their language where it's given."""

    page: bool = False
    update: bool = False
    lang: str | None = None


def run(options: Options, tables: Tables) -> int:
    """Write the report and name its files, or print or update tables alone.

    Raises ResultsError where there is no results folder, InputError for what doesn't go together.
    """
    pasted = options.of(PasteOptions)
    _check(options, pasted)
    check_results(options.results, "cpu")
    if pasted.page or pasted.update:
        return _paste(options, pasted)
    output = options.of(OutputOptions)
    explained = output.explain
    broken: list[BrokenResult] = []
    runs = _runs(options, broken, timed=explained)
    accuracies = load_accuracies(options.results, options.run, broken=broken)
    servings = load_servings(options.results, options.run, broken=broken)
    view = view_of(runs, options.models, accuracies, servings)
    files = write_report(view, report_folder(options.results, options.run), output.lang)
    records = shown_records(view) if explained else []
    uses = _time_uses(in_full(runs)) if explained or options.run else {}
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


def _runs(
    options: Options, broken: list[BrokenResult], *, timed: bool = False
) -> Reversible[StoredRun | Brief]:
    """Return what the report is of; `timed`: of each run all."""
    if timed or options.run is not None:
        return load_runs(options.results, options.run, broken=broken)
    return viewed(options, broken)


def _check(options: Options, pasted: PasteOptions) -> None:
    if pasted.page and pasted.update:
        raise InputError("--page prints and --update writes", hint="leave out one of them")
    if options.words and not pasted.update:
        raise InputError(
            f"report takes no word, and {options.words[0]} is one",
            hint="name a run with --run RUN, and files to update after --update",
        )


def _paste(options: Options, pasted: PasteOptions) -> int:
    """Print the page's sections or, without a file, the tables' keys, or write the tables of each
    file again; write no report.
    """
    broken: list[BrokenResult] = []
    runs = _runs(options, broken)
    accuracies = load_accuracies(options.results, options.run, broken=broken)
    servings = load_servings(options.results, options.run, broken=broken)
    view = view_of(runs, options.models, accuracies, servings)
    if pasted.page:
        text = seed_page.render(view, words(pasted.lang or "zh"))
        show(json.dumps({"page": text}, indent=1) + "\n" if options.as_json else text)
        return tell_broken(broken)
    if not options.words:
        keys = markers.keys(view)
        show(json.dumps({"keys": keys}, indent=1) + "\n" if options.as_json else lines(keys))
        return tell_broken(broken)
    old = {path: read_text_file(path) for path in dict.fromkeys(map(Path, options.words))}
    new = {path: markers.updated(path, data, view, pasted.lang) for path, data in old.items()}
    changed = {path: data for path, (data, _) in new.items() if data != old[path]}
    if changed:
        rewrite(changed)
    tables = {str(path): names for path, (_, names) in new.items()}
    show(json.dumps({"files": tables}, indent=1) + "\n" if options.as_json else _changes(tables))
    return tell_broken(broken)


def _changes(tables: Mapping[str, Mapping[str, bool]]) -> str:
    """Return a line a file: which of its tables changed."""
    said = []
    for path, one in tables.items():
        names = ", ".join(name for name, new in one.items() if new)
        said.append(f"{path}: {names or 'nothing'} changed, of {number_of(len(one), 'table')}\n")
    return "".join(said)


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
