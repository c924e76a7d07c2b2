"""Build a report: read runs once, judge them, render every format, write it whole."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Reversible, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bench.analysis.accuracy import StoredAccuracy, summarize
from bench.analysis.audit import audit, measured_tables, published_tables
from bench.analysis.brief import Brief, Name
from bench.analysis.contention import counted_ns
from bench.analysis.gather import gather
from bench.analysis.selftest import SUITE as SELFTEST
from bench.analysis.series import Declared, Mark, StoredRun, View
from bench.analysis.serving import StoredServing
from bench.analysis.variance import Components, components
from bench.config.catalog import load_catalogue
from bench.config.published import load_faults, load_published
from bench.core.errors import BrokenResult
from bench.reports import optional_files, render_all
from bench.storage.directory import RunDirectory
from bench.storage.files import replace_report
from bench.storage.index import Index, stamp_of
from bench.storage.run_folders import AccuracyFolder, RunFolder, ServingFolder
from bench.storage.schema.accuracy import AccuracyManifest
from bench.storage.schema.serving import ServingManifest
from bench.storage.store import Store

FOLDER = "report"

Folder = TypeVar("Folder", bound=RunDirectory[Any, Any])
Loaded = TypeVar("Loaded")


@dataclass(frozen=True, slots=True)
class StoredRuns(Reversible[StoredRun]):
    """All runs in `results` but self-tests, oldest first, or one, each read when its turn comes.

    Who goes over them once has one run in memory at a time. With `cells`, they are the runs that
    have a record of one of these, with no other record. What can't be read is left out and
    added to `broken`: a cell, or a run without its manifest or system. Going over them raises
    UnknownName.
    """

    results: Path
    run_id: str | None
    broken: list[BrokenResult]
    cells: Collection[str] | None = None

    def __iter__(self) -> Iterator[StoredRun]:
        return self._read(_folders(self.results, self.run_id, self.broken))

    def __reversed__(self) -> Iterator[StoredRun]:
        return self._read(reversed(_folders(self.results, self.run_id, self.broken)))

    def _read(self, folders: Iterable[RunFolder]) -> Iterator[StoredRun]:
        for folder in folders:
            if self.cells is not None and not any(map(folder.has, self.cells)):
                continue
            one = self.run_id is not None
            run = _load(self.results, folder, self.broken, selftests=one, cells=self.cells)
            if isinstance(run, StoredRun):
                yield run


@dataclass(frozen=True, slots=True)
class ViewedRuns(Reversible[StoredRun | Brief]):
    """All that a view of `results` is of: the same as StoredRuns, but of a run whose cells and nets
    newer ones all have no more than the brief.

    With an `index`, a run that it knows such a brief of isn't read; without, every file is. Runs
    in `whole` come in full.
    """

    results: Path
    broken: list[BrokenResult]
    index: Index | None = None
    whole: Collection[str] = ()

    def __iter__(self) -> Iterator[StoredRun | Brief]:
        return reversed(list(reversed(self)))

    def __reversed__(self) -> Iterator[StoredRun | Brief]:
        known: set[Name] = set()
        for folder in reversed(_folders(self.results, None, self.broken)):
            system = Store(self.results).system_path(folder.path.parent.name)
            stamp = stamp_of(folder.path, system) if self.index else b""
            brief = self._indexed(folder, stamp)
            if brief is not None and self._suffices(brief, known):
                yield brief
            elif (run := self._read(folder, stamp)) is not None:
                brief = run if isinstance(run, Brief) else Brief.of(run)
                yield brief if self._suffices(brief, known) else run
                known |= brief.names()
        if self.index is not None:
            self.index.save()

    def _suffices(self, brief: Brief, known: Set[Name]) -> bool:
        return brief.run_id not in self.whole and brief.names() <= known

    def _indexed(self, folder: RunFolder, stamp: bytes) -> Brief | None:
        value = self.index.get(folder.path, stamp) if self.index else None
        with suppress(struct.error):
            return None if value is None else Brief.from_bytes(folder.path.name, value)
        return None

    def _read(self, folder: RunFolder, stamp: bytes) -> StoredRun | Brief | None:
        """Return a run, and have the index know it where all of it could be read."""
        faults = len(self.broken)
        run = _load(self.results, folder, self.broken)
        if run is not None and self.index is not None and len(self.broken) == faults:
            brief = run if isinstance(run, Brief) else Brief.of(run)
            self.index.put(folder.path, stamp, brief.to_bytes())
        return run


def _folders(results: Path, run_id: str | None, broken: list[BrokenResult]) -> list[RunFolder]:
    store = Store(results)
    try:
        folders = store.runs() if run_id is None else [store.run(run_id)]
        broken.extend(store.without_manifest() if run_id is None else ())
    except BrokenResult as error:
        broken.append(error)
        return []
    return folders


def _load(
    results: Path,
    folder: RunFolder,
    broken: list[BrokenResult],
    *,
    selftests: bool = False,
    cells: Collection[str] | None = None,
) -> StoredRun | Brief | None:
    """Return a run, None where its manifest or system is broken; of a self-test an empty brief,
    unless `selftests` are wanted.
    """
    try:
        manifest = folder.manifest()
        if manifest.suite == SELFTEST and not selftests:
            return Brief(manifest.run_id)
        system = Store(results).system(manifest.system_id)
    except BrokenResult as error:
        broken.append(error)
        return None
    return StoredRun(
        manifest=manifest,
        system=system,
        records=tuple(folder.records(broken, sealed=manifest.sealed, cells=cells)),
        profiles=tuple(folder.profiles(broken, sealed=manifest.sealed, cells=cells)),
    )


def in_full(runs: Iterable[StoredRun | Brief]) -> list[StoredRun]:
    """Return the runs of which there is more than the brief."""
    return [run for run in runs if isinstance(run, StoredRun)]


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
    return _complete(AccuracyFolder, _accuracy, results, run_id, broken)


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
    return _complete(ServingFolder, _serving, results, run_id, broken)


def _serving(folder: ServingFolder, manifest: ServingManifest) -> StoredServing:
    return StoredServing(manifest=manifest, lines=tuple(folder.journal()))


def _complete(
    kind: type[Folder],
    load: Callable[[Folder, Any], Loaded],
    results: Path,
    run_id: str | None,
    broken: list[BrokenResult],
) -> list[Loaded]:
    """Return what each complete run of a kind comes to by `load`, oldest first."""
    loaded = []
    try:
        folders = kind.all(Store(results)) if run_id is None else []
    except BrokenResult as error:
        broken.append(error)
        return []
    for folder in folders:
        try:
            manifest = folder.manifest()
            if manifest.status == "complete":
                loaded.append(load(folder, manifest))
        except BrokenResult as error:
            broken.append(error)
    return loaded


def view_of(
    runs: Reversible[StoredRun | Brief],
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
