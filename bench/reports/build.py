"""Build a report: read runs once, judge them, render every format, write it whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.analysis.accuracy import StoredAccuracy, summarize
from bench.analysis.audit import audit, measured_tables, published_tables
from bench.analysis.contention import counted_ns
from bench.analysis.selftest import SUITE as SELFTEST
from bench.analysis.series import Declared, Mark, StoredRun, View, gather
from bench.analysis.variance import Components, components
from bench.config.catalog import load_catalogue
from bench.config.published import load_faults, load_published
from bench.core.errors import BrokenResult
from bench.reports import optional_files, render_all
from bench.storage.files import replace_report
from bench.storage.run_folders import AccuracyFolder
from bench.storage.schema.accuracy import AccuracyManifest
from bench.storage.store import Store

FOLDER = "report"


def load_runs(
    results: Path, run_id: str | None = None, *, broken: list[BrokenResult]
) -> list[StoredRun]:
    """Return all runs in `results` but self-tests, oldest first, or one; each file is read once.

    A self-test is of this machine, not of a model. What can't be read is left out and added to
    `broken`: a cell, or a run without its manifest or system. Raises UnknownName.
    """
    store, loaded = Store(results), []
    try:
        folders = store.runs() if run_id is None else [store.run(run_id)]
        broken += store.without_manifest() if run_id is None else ()
    except BrokenResult as error:
        broken.append(error)
        return []
    for folder in folders:
        try:
            manifest = folder.manifest()
            if run_id is None and manifest.suite == SELFTEST:
                continue
            system = store.system(manifest.system_id)
        except BrokenResult as error:
            broken.append(error)
            continue
        records = tuple(folder.records(broken, sealed=manifest.sealed))
        loaded.append(StoredRun(manifest=manifest, system=system, records=records))
    return loaded


def report_folder(results: Path, run_id: str | None = None) -> Path:
    """Return where the report on all runs lies, or that on one; raises UnknownName."""
    return (results if run_id is None else Store(results).run(run_id).path) / FOLDER


def load_accuracies(
    results: Path, run_id: str | None = None, *, broken: list[BrokenResult]
) -> list[StoredAccuracy]:
    """Return all complete accuracy runs in `results`, oldest first; each file is read once.

    A report on one run of latencies, `run_id`, shows none. What can't be read is left out and added
    to `broken`.
    """
    loaded = []
    try:
        folders = AccuracyFolder.all(Store(results)) if run_id is None else []
    except BrokenResult as error:
        broken.append(error)
        return []
    for folder in folders:
        try:
            manifest = folder.manifest()
            if manifest.status == "complete":
                loaded.append(_accuracy(folder, manifest))
        except BrokenResult as error:
            broken.append(error)
    return loaded


def _accuracy(folder: AccuracyFolder, manifest: AccuracyManifest) -> StoredAccuracy:
    """Return what a run came to; raises BrokenResult."""
    lines = folder.journal()
    try:
        return StoredAccuracy(manifest=manifest, summary=summarize(manifest, lines))
    except (ValueError, LookupError) as error:
        problem = "its lines don't fit each other or accuracy.json"
        hint = "move the run's folder away and measure again"
        raise BrokenResult(folder.journal_path, problem, hint=hint) from error


def view_of(
    runs: Sequence[StoredRun], models: Path, accuracies: Sequence[StoredAccuracy] = ()
) -> View:
    """Return the view of `runs` and `accuracies`; raises BrokenFile."""
    entries = load_catalogue(models).models
    return gather(
        runs,
        order=list(entries),
        published=load_published(models),
        faults=load_faults(models),
        declared={
            name: Declared(task=it.task, top1=it.top1, top5=it.top5) for name, it in entries.items()
        },
        accuracies=accuracies,
    )


def render_report(
    runs: Sequence[StoredRun],
    models: Path,
    folder: Path,
    accuracies: Sequence[StoredAccuracy] = (),
) -> dict[Path, bytes]:
    """Return the files of the report on `runs` and `accuracies` in `folder`; writes nothing."""
    view = view_of(runs, models, accuracies)
    return render_all(replace(view, variances=_variances(view, runs), marks=_marks(view)), folder)


def _marks(view: View) -> dict[Mark, list[str]]:
    """Return what the audit says of each figure."""
    marks: dict[Mark, list[str]] = {}
    for finding in audit([*published_tables(view.published), *measured_tables(view)]):
        table = finding.table.removeprefix("measured: ").rpartition(",")[0]
        for column in finding.columns if finding.row else ():
            where = column if finding.source == "published" else f"{table}: {column}"
            marks.setdefault((finding.source, finding.row, where), []).append(finding.reason)
    return marks


def _variances(view: View, runs: Sequence[StoredRun]) -> dict[str, Components]:
    """Return the components of variance of each run that `view` shows a figure of."""
    by_run = {run.manifest.run_id: run for run in runs}
    known = {
        run_id: components(
            {
                record.cell_id: {s.round: counted_ns(s) for s in record.sessions}
                for record in by_run[run_id].records
                if record.sessions
            }
        )
        for run_id in view.sources
    }
    return {run_id: one for run_id, one in known.items() if one is not None}


def write_report(
    runs: Sequence[StoredRun],
    models: Path,
    folder: Path,
    accuracies: Sequence[StoredAccuracy] = (),
) -> list[Path]:
    """Write every table and plot on `runs` and `accuracies` into `folder`; return the files.

    Nothing is written unless everything could be rendered. Raises BrokenFile, ResultsNotWritable.
    """
    files = render_report(runs, models, folder, accuracies)
    return replace_report(files, partial(optional_files, folder))
