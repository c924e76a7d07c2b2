"""results/: the only module that reads or writes it.

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
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from bench.core.errors import BrokenResult, ResultsNotWritable, UnknownName
from bench.storage.files import read_as, to_text, write_atomic, writing
from bench.storage.schema.common import System
from bench.storage.schema.latency import Baseline, JournalEntry, Record, RunManifest
from bench.storage.validation import explain

Found = TypeVar("Found")

_MAY_LACK = (
    "top1-*.svg", "top1-*.png", "sustained-*.svg", "sustained-*.png", "sustained.csv",
    "engines-*.svg", "engines-*.png", "engines.csv",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run's folder."""

    path: Path

    @property
    def manifest_path(self) -> Path:
        return self.path / "run.json"

    @property
    def journal_path(self) -> Path:
        return self.path / "journal.jsonl"

    def manifest(self) -> RunManifest:
        return read_as(
            RunManifest, self.manifest_path, remedy="restore it, or move the run's folder away"
        )

    def write_manifest(self, manifest: RunManifest) -> None:
        write_atomic(self.manifest_path, to_text(manifest).encode())

    def append(self, entry: JournalEntry) -> None:
        """Add one session or failure to the journal and sync it."""
        line = entry.model_dump_json().encode() + b"\n"
        with writing(self.journal_path), self.journal_path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def journal(self) -> list[JournalEntry]:
        """Return what the journal holds and cut off a last line that was never finished.

        Raises BrokenResult for a line that is whole and yet no entry.
        """
        if not self.journal_path.exists():
            return []
        whole, _, rest = self.journal_path.read_bytes().rpartition(b"\n")
        if rest:
            with writing(self.journal_path):
                os.truncate(self.journal_path, len(whole) + bool(whole))
        return [self._entry(number, line) for number, line in enumerate(whole.splitlines(), 1)]

    def _entry(self, number: int, line: bytes) -> JournalEntry:
        try:
            return JournalEntry.model_validate_json(line)
        except ValidationError as error:
            raise BrokenResult(
                self.journal_path,
                f"line {number}: {explain(error)}",
                hint="delete that line; its session is then measured again",
            ) from error

    def write_record(self, record: Record) -> None:
        path = self.path / "cells" / f"{record.cell_id}.json"
        write_atomic(path, to_text(record).encode())

    def records(self) -> Iterator[Record]:
        """Yield the finished cells, by their file's name; raises BrokenResult."""
        remedy = f"move it away and run `python -m bench run --resume {self.path.name}`"
        for path in sorted((self.path / "cells").glob("*.json")):
            record = read_as(Record, path, remedy=remedy)
            if record.cell_id != path.stem or record.cell.to_cell().id != path.stem:
                raise BrokenResult(path, "its name isn't its cell's id", hint=remedy)
            yield record

    def drop_journal(self) -> None:
        """Remove the journal of a run whose cells are all written."""
        with writing(self.journal_path):
            self.journal_path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Store:
    """A results folder."""

    root: Path

    def create(self, manifest: RunManifest, system: System) -> RunFolder:
        """Make a run's folder, and its system's file where there is none.

        Raises ResultsNotWritable.
        """
        self.add_system(system)
        run = RunFolder(self.root / "runs" / manifest.system_id / manifest.run_id)
        run.write_manifest(manifest)
        return run

    def check_writable(self) -> None:
        """Raise ResultsNotWritable now instead of after the first measurement."""
        if self.root.exists() and not self.root.is_dir():
            raise ResultsNotWritable(
                f"{self.root} is a file", hint="name a folder with --results DIR"
            )
        probe = self.root / f".writable-{secrets.token_hex(4)}"
        write_atomic(probe, b"")
        with writing(probe):
            probe.unlink()

    def runs(self) -> list[RunFolder]:
        """Return all runs, oldest first."""
        return [RunFolder(path) for path in self.folders("runs/*/*/run.json")]

    def run(self, run_id: str) -> RunFolder:
        """Return the run of that id, or the newest for `latest`; raises UnknownName."""
        return pick("run", {run.path.name: run for run in self.runs()}, run_id)

    def folders(self, pattern: str) -> list[Path]:
        """Return the folders of the files that match, oldest first: an id begins with its time."""
        found = (path.parent for path in self.root.glob(pattern))
        return sorted(found, key=lambda folder: (folder.name, str(folder)))

    def add_system(self, system: System) -> None:
        """Write a system's file where there is none; raises ResultsNotWritable."""
        path = self.root / "systems" / f"{system.system_id}.json"
        if not path.exists():
            write_atomic(path, to_text(system).encode())

    def system(self, system_id: str) -> System:
        path = self.root / "systems" / f"{system_id}.json"
        return read_as(System, path, remedy="restore it from git, or run the benchmark again")

    def baselines(self) -> list[str]:
        """Return the ids of the systems that have a baseline."""
        return sorted(path.stem for path in self.root.glob("baselines/*.json"))

    def baseline(self, system_id: str) -> Baseline:
        """Return a system's baseline; raises UnknownName or BrokenResult."""
        known = self.baselines()
        if system_id not in known:
            raise UnknownName("baseline", system_id, known)
        path = self.root / "baselines" / f"{system_id}.json"
        return read_as(Baseline, path, remedy="restore it from git, or set it again")

    def write_baseline(self, baseline: Baseline) -> Path:
        path = self.root / "baselines" / f"{baseline.system_id}.json"
        write_atomic(path, to_text(baseline).encode())
        return path

    def write_history(self, files: Mapping[str, bytes]) -> list[Path]:
        """Write the files of a cell's history, by name; return their paths."""
        paths = {self.root / "history" / name: data for name, data in files.items()}
        for path, data in paths.items():
            write_atomic(path, data)
        return list(paths)

    def report_files(self, folder: Path, names: Iterable[Path]) -> dict[Path, bytes]:
        """Return the bytes of those of `names` that are there, and of what a report may lack."""
        there = {path for path in names if path.is_file()} | _plots(folder)
        return {path: path.read_bytes() for path in sorted(there)}

    def replace_report(self, folder: Path, files: Mapping[Path, bytes]) -> list[Path]:
        """Write `files` of a report; plots of an earlier report that this one lacks go."""
        for path, data in files.items():
            if not path.exists() or path.read_bytes() != data:
                write_atomic(path, data)
        for old in _plots(folder) - set(files):
            with writing(old):
                old.unlink()
        return list(files)


def pick(kind: str, found: Mapping[str, Found], run_id: str) -> Found:
    """Return what has that id, or the last for `latest`; raises UnknownName."""
    if run_id == "latest" and found:
        return list(found.values())[-1]
    if run_id not in found:
        raise UnknownName(kind, run_id, list(found)[-10:])
    return found[run_id]


def _plots(folder: Path) -> set[Path]:
    """Return what a report has or not, by what there is to show."""
    return {path for name in _MAY_LACK for path in folder.glob(name)}
