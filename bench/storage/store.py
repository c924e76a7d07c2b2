"""A results folder: its runs by kind and order, its systems, baselines and histories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.core.atomic import temporary_beside
from bench.core.errors import BrokenResult, ResultsNotWritable, UnknownName
from bench.core.program import command
from bench.storage.files import (
    read_as,
    write_atomic,
    write_value,
    writing,
)
from bench.storage.run_folders import RunFolder
from bench.storage.schema.baseline import Baseline
from bench.storage.schema.common import System
from bench.storage.schema.latency import RunManifest


def _folders(folder: Path) -> list[Path]:
    """Return the folders in `folder`, none where it isn't there; raises BrokenResult."""
    try:
        return [path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise BrokenResult(folder, str(error.strerror), hint="make it readable") from error


@dataclass(frozen=True, slots=True)
class Store:
    """A results folder."""

    root: Path

    def create(self, manifest: RunManifest, system: System) -> RunFolder:
        """Make a run's folder; raises ResultsNotWritable."""
        return RunFolder.create(self, manifest, system)

    def check_folder(self) -> None:
        """Raise ResultsNotWritable where something else has the folder's name; it may be absent."""
        if self.root.exists() and not self.root.is_dir():
            raise ResultsNotWritable(
                f"{self.root} is a file", hint="name a folder with --results DIR"
            )

    def check_writable(self) -> None:
        """Raise ResultsNotWritable now instead of after the first measurement."""
        self.check_folder()
        with writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            with temporary_beside(self.root / "probe"):
                pass

    def runs(self) -> list[RunFolder]:
        """Return all runs, oldest first."""
        return RunFolder.all(self)

    def run(self, run_id: str) -> RunFolder:
        """Return the run of that id, or the newest for `latest`; raises UnknownName."""
        return RunFolder.find(self, run_id)

    def run_folders(self, name: str) -> list[Path]:
        """Return the runs' folders below folder `name`, oldest first: an id begins with its time.

        Raises BrokenResult for a folder that can't be listed.
        """
        self.check_folder()
        folders = [run for system in _folders(self.root / name) for run in _folders(system)]
        return sorted(folders, key=lambda folder: (folder.name, str(folder)))

    def without_manifest(self) -> Iterator[BrokenResult]:
        """Yield each folder that holds a run's files and lacks what it is a run of."""
        for folder in self.run_folders("runs"):
            if any((folder / name).exists() for name in ("run.json", "ab.json")):
                continue
            if any(path.name[0] != "." for path in folder.iterdir()):
                hint = "restore it, or move the folder away"
                yield BrokenResult(folder, "it has no run.json", hint=hint)

    def add_system(self, system: System) -> None:
        """Write a system's file where there is none; raises ResultsNotWritable."""
        path = self.system_path(system.system_id)
        if not path.exists():
            write_value(path, system)

    def systems(self) -> list[System]:
        """Return every system, by id; raises BrokenResult."""
        return [self.system(path.stem) for path in sorted(self.root.glob("systems/*.json"))]

    def system(self, system_id: str) -> System:
        path = self.system_path(system_id)
        return _of_its_name(read_as(System, path, remedy="run the benchmark again"), path)

    def system_path(self, system_id: str) -> Path:
        return self.root / "systems" / f"{system_id}.json"

    def baselines(self) -> list[str]:
        """Return the ids of the systems that have a baseline."""
        self.check_folder()
        return sorted(path.stem for path in self.root.glob("baselines/*.json"))

    def baseline(self, system_id: str) -> Baseline:
        """Return a system's baseline; raises UnknownName or BrokenResult."""
        known = self.baselines()
        if system_id not in known:
            raise UnknownName("baseline", system_id, known)
        path = self.root / "baselines" / f"{system_id}.json"
        remedy = f"set it again: {command('baseline set RUN')}"
        return _of_its_name(read_as(Baseline, path, remedy=remedy), path)

    def write_baseline(self, baseline: Baseline) -> Path:
        path = self.root / "baselines" / f"{baseline.system_id}.json"
        write_value(path, baseline)
        return path

    def write_history(self, files: Mapping[str, bytes]) -> list[Path]:
        """Write the files of a cell's history, by name; return their paths."""
        paths = {self.root / "history" / name: data for name, data in files.items()}
        for path, data in paths.items():
            write_atomic(path, data)
        return list(paths)


Named = TypeVar("Named", System, Baseline)


def _of_its_name(value: Named, path: Path) -> Named:
    """Return `value`; raises BrokenResult where its file bears another system's name."""
    if value.system_id != path.stem:
        problem = f"it is of {value.system_id}, and its name says {path.stem}"
        raise BrokenResult(path, problem, hint="move it away")
    return value
