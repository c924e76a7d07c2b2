"""A run's folder in results/: its manifest, journal and records.

    systems/<system_id>.json
    baselines/<system_id>.json
    history/                 plots of a cell over runs
    report/                  tables and plots over all runs
    runs/<system_id>/<run_id>/run.json, journal.jsonl while it runs, cells/<cell_id>.json after

Every file is written beside its place, flushed, synced and renamed, so that a reader sees all of it
or nothing. The journal takes each session as soon as it is in: an interrupted run goes on from it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from bench.core.atomic import sweep
from bench.core.digest import file_sha256
from bench.core.errors import BrokenResult, UnknownName
from bench.core.locks import held
from bench.core.program import command
from bench.core.scratch import scratch_folder
from bench.storage.digests import Altered, checked_line, line_with_digest
from bench.storage.files import (
    journal_lines,
    read_as,
    sync_folder,
    to_line,
    write_value,
    writing,
)
from bench.storage.schema.ab import AbManifest, AbRecord
from bench.storage.schema.accuracy import AccuracyManifest, JournalLine
from bench.storage.schema.common import System
from bench.storage.schema.latency import JournalEntry, Record, RunManifest
from bench.storage.validation import explain

if TYPE_CHECKING:
    from typing_extensions import Self

    from bench.storage.store import Store

JOURNAL = "journal.jsonl"
LOCK = ".lock"


Manifest = TypeVar("Manifest", RunManifest, AbManifest, AccuracyManifest)
Line = TypeVar("Line", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKind:
    """What tells one kind of run from another: its name, its folder in results/, its models.

    `brief`: lines of its journal leave defaults out. `sealed`: which files hold its results.
    """

    title: str
    folder: str
    file: str
    manifest: type[BaseModel]
    remedy: str
    line: type[BaseModel] = JournalEntry
    line_remedy: str = "delete that line; its session is then measured again"
    brief: bool = False
    sealed: str = JOURNAL


@dataclass(frozen=True, slots=True)
class RunDirectory(Generic[Manifest, Line]):
    """One run's folder: its manifest, and the journal that takes each result as it comes in."""

    path: Path

    kind: ClassVar[RunKind]

    @classmethod
    def create(cls, store: Store, manifest: Manifest, system: System) -> Self:
        """Make a run's folder, and its system's file where there is none.

        It isn't there before its manifest is in it. Raises ResultsNotWritable.
        """
        store.add_system(system)
        run = cls(store.root / cls.kind.folder / manifest.system_id / manifest.run_id)
        with writing(run.path):
            run.path.parent.mkdir(parents=True, exist_ok=True)
            with scratch_folder(run.path.parent, ".new-", mode=0o777) as folder:
                cls(folder).write_manifest(manifest)
                folder.rename(run.path)
                sync_folder(run.path.parent)
        return run

    @classmethod
    def all(cls, store: Store) -> list[Self]:
        """Return all runs of this kind, oldest first; raises BrokenResult where it can't list."""
        folders = store.run_folders(cls.kind.folder)
        return [cls(path) for path in folders if (path / cls.kind.file).is_file()]

    @classmethod
    def find(cls, store: Store, run_id: str) -> Self:
        """Return the run of that id, or the newest for `latest`; raises UnknownName."""
        runs = {run.path.name: run for run in cls.all(store)}
        if run_id == "latest" and runs:
            return list(runs.values())[-1]
        if run_id not in runs:
            raise UnknownName(cls.kind.title, run_id, list(runs)[-10:])
        return runs[run_id]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run for this process alone, without what a killed one left half-written.

        Raises Busy where another process writes to it.
        """
        with held(self.path / LOCK, f"{self.kind.title} {self.path.name}"):
            for folder in (self.path, *self.path.glob("*/")):
                sweep(folder)
            yield

    def unlock(self) -> None:
        """Remove the lock of a run that is complete: nobody resumes it."""
        with suppress(OSError):
            (self.path / LOCK).unlink()

    @property
    def manifest_path(self) -> Path:
        return self.path / self.kind.file

    @property
    def journal_path(self) -> Path:
        return self.path / JOURNAL

    def manifest(self) -> Manifest:
        """Return its manifest; raises BrokenResult."""
        manifest: Any = read_as(self.kind.manifest, self.manifest_path, remedy=self.kind.remedy)
        stored = self.path.parent.parent.name == self.kind.folder
        if stored and (manifest.system_id, manifest.run_id) != self.path.parts[-2:]:
            problem = f"it is of {manifest.system_id}/{manifest.run_id}, and lies elsewhere"
            raise BrokenResult(self.manifest_path, problem, hint=self.kind.remedy)
        return manifest  # type: ignore[no-any-return]

    def write_manifest(self, manifest: Manifest) -> None:
        write_value(self.manifest_path, manifest)

    def lacks(self) -> bool:
        """Tell whether a complete run has lost something that resuming it would bring back."""
        return False

    def seals(self) -> dict[str, str]:
        """Return the SHA-256 of each file of a run that is complete, by its name."""
        files = sorted(self.path.glob(self.kind.sealed))
        return {path.stem: file_sha256(path) for path in files}

    def sealed(self) -> Mapping[str, str]:
        """Return the seals of a complete run, none where its manifest can't be read."""
        try:
            return self.manifest().sealed
        except BrokenResult:
            return {}  # whoever reads the manifest learns of that

    def _check_seal(self, path: Path, sealed: Mapping[str, str], remedy: str) -> None:
        """Raise BrokenResult where a complete run had another file of that name."""
        if path.stem in sealed and file_sha256(path) != sealed[path.stem]:
            problem = "it isn't the file that the run was completed with"
            raise BrokenResult(path, problem, hint=remedy)

    def append(self, line: Line) -> None:
        """Add a line to the journal and sync it; raises ResultsNotWritable."""
        data = line_with_digest(to_line(line, brief=self.kind.brief)) + b"\n"
        with writing(self.journal_path), _appending(self.journal_path) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def journal(self) -> list[Line]:
        """Return what the journal holds and cut off a last line that was never finished.

        Raises BrokenResult for a line that is whole and yet none of this kind.
        """
        if not self.journal_path.exists():
            return []
        try:
            lines, unfinished = journal_lines(self.journal_path)
        except OSError as error:
            hint = self.kind.line_remedy
            raise BrokenResult(self.journal_path, str(error.strerror), hint=hint) from error
        self._check_seal(self.journal_path, self.sealed(), self.kind.line_remedy)
        if unfinished is not None:
            with writing(self.journal_path):
                os.truncate(self.journal_path, unfinished)
        return [self._line(number, line) for number, line in enumerate(lines, 1)]

    def _line(self, number: int, text: bytes) -> Line:
        try:
            line: Any = self.kind.line.model_validate_json(checked_line(text))
        except (Altered, ValidationError) as error:
            what = explain(error) if isinstance(error, ValidationError) else str(error)
            problem = f"line {number}: {what}"
            raise BrokenResult(self.journal_path, problem, hint=self.kind.line_remedy) from error
        return line  # type: ignore[no-any-return]


class RunFolder(RunDirectory[RunManifest, JournalEntry]):
    """A run of latencies: runs/<system_id>/<run_id>/run.json, cells/<cell_id>.json."""

    __slots__ = ()
    kind = RunKind(
        title="run",
        folder="runs",
        file="run.json",
        manifest=RunManifest,
        remedy="restore it, or move the run's folder away",
        sealed="cells/*.json",
    )

    def write_record(self, record: Record) -> None:
        path = self.path / "cells" / f"{record.cell_id}.json"
        write_value(path, record)

    def records(
        self, broken: list[BrokenResult] | None = None, *, sealed: Mapping[str, str] | None = None
    ) -> Iterator[Record]:
        """Yield the finished cells, by their file's name; `sealed` is the manifest's, read if None.

        What can't be read is added to `broken`; without that it raises BrokenResult.
        """
        cells = self.path / "cells"
        try:
            paths = sorted(path for path in cells.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return
        except OSError as error:
            _add(broken, BrokenResult(cells, str(error.strerror), hint="make it readable"))
            return
        sealed = self.sealed() if sealed is None else sealed
        for path in paths:
            try:
                yield self._record(path, sealed)
            except BrokenResult as error:
                _add(broken, error)

    def _record(self, path: Path, sealed: Mapping[str, str]) -> Record:
        where = shlex.quote(str(self.path.parents[2])) if len(self.path.parents) > 2 else "DIR"
        again = command(f"run --resume {self.path.name} --results {where}")
        remedy = f"measure the cell again: {again}"
        record = read_as(Record, path, remedy=remedy)
        if record.cell_id != path.stem or record.cell.to_cell().id != path.stem:
            raise BrokenResult(path, "its name isn't its cell's id", hint=remedy)
        self._check_seal(path, sealed, remedy)
        return record

    def lacks(self) -> bool:
        """Tell whether a cell of the manifest has no record that can be read, or failed for now."""
        settled = {it.cell_id for it in self.records([]) if not it.failed_for_now}
        return not self.manifest().cells.keys() <= settled

    def set_broken_aside(self) -> None:
        """Rename the records that can't be read, so that their cells are measured again."""
        broken: list[BrokenResult] = []
        list(self.records(broken))
        for path in (error.path for error in broken):
            with writing(path):
                path.rename(path.with_name(f"{path.name}.broken"))

    def drop_journal(self) -> None:
        """Remove the journal of a run whose cells are all written."""
        with writing(self.journal_path):
            self.journal_path.unlink(missing_ok=True)


class AbFolder(RunDirectory[AbManifest, AbRecord]):
    """A comparison beside the runs: ab.json, pairs/<pair_id>.json.

    There is no run.json in it, so that no report takes it for a run of latencies.
    """

    __slots__ = ()
    kind = RunKind(
        title="comparison",
        folder="runs",
        file="ab.json",
        manifest=AbManifest,
        remedy="move its folder away and compare again",
        sealed="pairs/*.json",
    )

    def write_record(self, record: AbRecord) -> None:
        """Write a cell's record, over what it was before its last session."""
        write_value(self._path(record.pair_id), record)

    def records(self) -> Iterator[AbRecord]:
        """Yield the cells in the manifest's order; raises BrokenResult."""
        manifest = self.manifest()
        for path in map(self._path, manifest.pairs):
            yield read_as(AbRecord, path, remedy=self.kind.remedy)
            self._check_seal(path, manifest.sealed, self.kind.remedy)

    def begun(self) -> list[AbRecord]:
        """Return the cells that have a record; raises BrokenResult.

        A comparison that was cut off before its first session lacks some.
        """
        there = (path for path in map(self._path, self.manifest().pairs) if path.exists())
        return [read_as(AbRecord, path, remedy=self.kind.remedy) for path in there]

    def _path(self, pair_id: str) -> Path:
        return self.path / "pairs" / f"{pair_id}.json"


class AccuracyFolder(RunDirectory[AccuracyManifest, JournalLine]):
    """An accuracy run: accuracy/<system_id>/<run_id>/accuracy.json, journal.jsonl."""

    __slots__ = ()
    kind = RunKind(
        title="accuracy run",
        folder="accuracy",
        file="accuracy.json",
        manifest=AccuracyManifest,
        remedy="move its folder away and measure again",
        line=JournalLine,
        line_remedy="move its folder away and measure again",
        brief=True,
    )


def _add(broken: list[BrokenResult] | None, error: BrokenResult) -> None:
    if broken is None:
        raise error
    broken.append(error)


@contextmanager
def _appending(path: Path) -> Iterator[BinaryIO]:
    """Open a file to append to; a link is refused by the system."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o666), "ab") as file:
        yield file
