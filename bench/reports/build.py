"""Build a report: read runs once, judge them, render every format, write it whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Reversible, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.analysis.accuracy import StoredAccuracy, summarize
from bench.analysis.audit import audit, measured_tables, published_tables
from bench.analysis.contention import counted_ns
from bench.analysis.selftest import SUITE as SELFTEST
from bench.analysis.series import Declared, Mark, StoredRun, View, gather
from bench.analysis.serving import StoredServing
from bench.analysis.variance import Components, components
from bench.config.catalog import load_catalogue
from bench.config.published import load_faults, load_published
from bench.core.errors import BrokenResult
from bench.reports import optional_files, render_all
from bench.storage.files import replace_report
from bench.storage.run_folders import AccuracyFolder, RunFolder, ServingFolder
from bench.storage.schema.accuracy import AccuracyManifest
from bench.storage.store import Store

FOLDER = "report"


@dataclass(frozen=True, slots=True)
class StoredRuns(Reversible[StoredRun]):
    """All runs in `results` but self-tests, oldest first, or one, each read when its turn comes.

    Who goes over them once has one run in memory at a time. What can't be read is left out and
    added to `broken`: a cell, or a run without its manifest or system. Going over them raises
    UnknownName.
    """

    results: Path
    run_id: str | None
    broken: list[BrokenResult]

    def __iter__(self) -> Iterator[StoredRun]:
        return self._read(self._folders())

    def __reversed__(self) -> Iterator[StoredRun]:
        return self._read(reversed(self._folders()))

    def _folders(self) -> list[RunFolder]:
        store = Store(self.results)
        try:
            folders = store.runs() if self.run_id is None else [store.run(self.run_id)]
            self.broken.extend(store.without_manifest() if self.run_id is None else ())
        except BrokenResult as error:
            self.broken.append(error)
            return []
        return folders

    def _read(self, folders: Iterable[RunFolder]) -> Iterator[StoredRun]:
        for folder in folders:
            try:
                manifest = folder.manifest()
                if self.run_id is None and manifest.suite == SELFTEST:
                    continue
                system = Store(self.results).system(manifest.system_id)
            except BrokenResult as error:
                self.broken.append(error)
                continue
            records = tuple(folder.records(self.broken, sealed=manifest.sealed))
            yield StoredRun(manifest=manifest, system=system, records=records)


def load_runs(
    results: Path, run_id: str | None = None, *, broken: list[BrokenResult]
) -> list[StoredRun]:
    """Return the StoredRuns, all in memory at once; raises UnknownName."""
    return list(StoredRuns(results, run_id, broken))


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


def load_servings(
    results: Path, run_id: str | None = None, *, broken: list[BrokenResult]
) -> list[StoredServing]:
    """Return all complete runs of loads in `results`, as `load_accuracies` does of accuracies."""
    loaded = []
    try:
        folders = ServingFolder.all(Store(results)) if run_id is None else []
    except BrokenResult as error:
        broken.append(error)
        return []
    for folder in folders:
        try:
            manifest = folder.manifest()
            if manifest.status == "complete":
                lines = tuple(folder.journal())
                loaded.append(StoredServing(manifest=manifest, lines=lines))
        except BrokenResult as error:
            broken.append(error)
    return loaded


def view_of(
    runs: Reversible[StoredRun],
    models: Path,
    accuracies: Sequence[StoredAccuracy] = (),
    servings: Sequence[StoredServing] = (),
) -> View:
    """Return the view of `runs`, `accuracies` and `servings`; raises BrokenFile."""
    entries = load_catalogue(models).models
    view = gather(
        runs,
        order=list(entries),
        published=load_published(models),
        faults=load_faults(models),
        declared={name: Declared(top1=it.top1, top5=it.top5) for name, it in entries.items()},
        accuracies=accuracies,
        servings=servings,
    )
    return replace(view, variances=_variances(view), marks=_marks(view))


def _marks(view: View) -> dict[Mark, list[str]]:
    """Return what the audit says of each figure."""
    marks: dict[Mark, list[str]] = {}
    for finding in audit([*published_tables(view.published), *measured_tables(view)]):
        table = finding.table.removeprefix("measured: ").rpartition(",")[0]
        for column in finding.columns if finding.row else ():
            where = column if finding.source == "published" else f"{table}: {column}"
            marks.setdefault((finding.source, finding.row, where), []).append(finding.reason)
    return marks


def _variances(view: View) -> dict[str, Components]:
    """Return the components of variance of each run that `view` shows a figure of."""
    cells: dict[str, dict[str, dict[int, list[int]]]] = {}
    for (run_id, cell_id), record in view.records.items():
        if record.sessions:
            rounds = {session.round: counted_ns(session) for session in record.sessions}
            cells.setdefault(run_id, {})[cell_id] = rounds
    known = {run_id: components(cells.get(run_id, {})) for run_id in view.sources}
    return {run_id: one for run_id, one in known.items() if one is not None}


def write_report(view: View, folder: Path, lang: str = "en") -> list[Path]:
    """Write every table and plot on `view` into `folder`, as `render_all`; return the files.

    Nothing is written unless everything could be rendered. Raises BrokenFile, ResultsNotWritable.
    """
    return replace_report(render_all(view, folder, lang), partial(optional_files, folder))
