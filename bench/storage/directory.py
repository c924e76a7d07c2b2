"""What every kind of run's folder in results/ has: its manifest, its journal, its lock, its seals.

    systems/<system_id>.json
    baselines/<system_id>.json
    history/                 plots of a cell over runs
    report/                  tables and plots over all runs
    runs/<system_id>/<run_id>/run.json, journal.jsonl while it runs, cells/<cell_id>.json after,
                             layers/<digest>.json of engines that tell theirs;
                             profiles/<cell_id>.json with --profile

Every file is written beside its place, flushed, synced and renamed, so that a reader sees all of it
or nothing. The journal takes each session as soon as it is in: an interrupted run goes on from it.
"""

from __future__ import annotations

import json
import os
import shutil
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
from bench.core.scratch import scratch_folder
from bench.storage.digests import Altered, checked_line, line_with_digest
from bench.storage.files import (
    UNSEALED,
    journal_lines,
    read_as,
    sync_folder,
    to_line,
    write_value,
    writing,
)
from bench.storage.schema.ab import AbManifest
from bench.storage.schema.accuracy import AccuracyManifest
from bench.storage.schema.common import System
from bench.storage.schema.latency import JournalEntry, RunManifest
from bench.storage.schema.serving import ServingManifest
from bench.storage.validation import explain

if TYPE_CHECKING:
    from typing_extensions import Self

    from bench.storage.store import Store

JOURNAL = "journal.jsonl"
LOCK = ".lock"


Manifest = TypeVar("Manifest", RunManifest, AbManifest, AccuracyManifest, ServingManifest)
Line = TypeVar("Line", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunKind:
    """What tells one kind of run from another: its name, its folder in results/, its models.

    `brief`: lines of its journal leave defaults out. `sealed`: which files hold its results, which
    have their seals by name; `sealed_beside`: which others, by folder and name.
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
    sealed_beside: str | None = None


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

    def drop_if_empty(self) -> bool:
        """Remove the run's folder where it holds no result; tell whether it did."""
        with suppress(OSError):
            if {path.name for path in self.path.iterdir()} <= {self.kind.file, LOCK}:
                self.manifest_path.unlink(missing_ok=True)
                shutil.rmtree(self.path)
                return True
        return False

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

    def mentions(self, word: str) -> bool:
        """Tell whether its manifest may have `word` as a value, without reading it as one."""
        try:
            return json.dumps(word).encode() in self.manifest_path.read_bytes()
        except OSError:
            return True  # whoever reads it says why it can't be read

    def write_manifest(self, manifest: Manifest) -> None:
        write_value(self.manifest_path, manifest)

    def lacks(self) -> bool:
        """Tell whether a complete run has lost something that resuming it would bring back."""
        return False

    def seals(self) -> dict[str, str]:
        """Return the SHA-256 of each file of a run that is complete, by `RunKind`'s names."""
        files = {path.stem: path for path in self.path.glob(self.kind.sealed)}
        if self.kind.sealed_beside is not None:
            beside = self.path.glob(self.kind.sealed_beside)
            files |= {f"{path.parent.name}/{path.stem}": path for path in beside}
        return {name: file_sha256(path) for name, path in sorted(files.items())}

    def sealed(self) -> Mapping[str, str]:
        """Return the seals of a complete run, none where its manifest can't be read."""
        try:
            return self.manifest().sealed
        except BrokenResult:
            return {}  # whoever reads the manifest learns of that

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
        seal = self.sealed().get(self.journal_path.stem)
        if seal not in (None, file_sha256(self.journal_path)):
            raise BrokenResult(self.journal_path, UNSEALED, hint=self.kind.line_remedy)
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


@contextmanager
def _appending(path: Path) -> Iterator[BinaryIO]:
    """Open a file to append to; a link is refused by the system."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o666), "ab") as file:
        yield file
