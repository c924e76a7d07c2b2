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

import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bench.boundary import explain
from bench.errors import BrokenResult, ResultsNotWritable, UnknownName
from bench.record import SCHEMA_VERSION, Baseline, JournalEntry, Record, RunManifest, System

Stored = TypeVar("Stored", bound=BaseModel)
Found = TypeVar("Found")

_MAY_LACK = (
    "top1-*.svg", "top1-*.png", "sustained-*.svg", "sustained-*.png", "sustained.csv",
    "engines-*.svg", "engines-*.png", "engines.csv",
)  # fmt: skip

# A line break tells an array from a text that looks like one: in JSON no text holds a line break.
_NUMBERS = re.compile(r"\[\n\s+(-?\d[\d.e+-]*(?:,\n\s+-?\d[\d.e+-]*)*)\n\s*\]")


def utc_now() -> str:
    """Return the time in ISO 8601, UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def new_run_id(commit: str | None) -> str:
    """Return <UTC>-<git sha8>-<id8>."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{(commit or 'no-commit')[:8]}-{secrets.token_hex(4)}"


def to_text(value: BaseModel) -> str:
    """Return `value` as JSON with sorted keys and each array of numbers in one line."""
    text = json.dumps(value.model_dump(mode="json"), indent=1, sort_keys=True, ensure_ascii=False)
    return _NUMBERS.sub(lambda m: "[" + re.sub(r"\s+", " ", m.group(1)) + "]", text) + "\n"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write `path` into ResultsNotWritable."""
    try:
        yield
    except OSError as error:
        raise ResultsNotWritable(
            f"{path} can't be written: {error.strerror}",
            hint="free some space or make the folder writable, or name another with --results DIR",
        ) from error


def write_atomic(path: Path, data: bytes) -> None:
    """Put `data` at `path`, whole or not at all; raises ResultsNotWritable."""
    beside = path.with_name(f".{path.name}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:  # gone already, unless something went wrong
            beside.unlink(missing_ok=True)
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_as(kind: type[Stored], path: Path, *, remedy: str) -> Stored:
    """Return the file as a `kind`; raises BrokenResult that names the file and what is wrong."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BrokenResult(path, str(error.strerror), hint=remedy) from error
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        problem = _version_problem(data) or explain(error)
        raise BrokenResult(path, problem, hint=remedy) from error


def _version_problem(data: bytes) -> str | None:
    try:
        found = json.loads(data)
    except ValueError:
        return None
    version = found.get("schema_version") if isinstance(found, dict) else None
    if version is None or version == SCHEMA_VERSION:
        return None
    return f"schema version {version!r}, this harness reads {SCHEMA_VERSION}"


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
