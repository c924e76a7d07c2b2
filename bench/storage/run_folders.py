"""The kinds of run folders, of latencies, comparisons, accuracies and loads, and their records."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from bench.core.digest import file_sha256
from bench.core.errors import BrokenResult
from bench.core.program import command
from bench.storage.directory import RunDirectory, RunKind
from bench.storage.files import UNSEALED, read_as, write_atomic, write_value, writing
from bench.storage.schema.ab import AbManifest, AbRecord
from bench.storage.schema.accuracy import AccuracyManifest, JournalLine
from bench.storage.schema.latency import JournalEntry, Measured, Record, RunManifest
from bench.storage.schema.layers import EngineLayers
from bench.storage.schema.profile import ProfileRecord
from bench.storage.schema.serving import ServingLine, ServingManifest

CELLS, PROFILES = "cells", "profiles"

OfCell = TypeVar("OfCell", Record, ProfileRecord)


class RunFolder(RunDirectory[RunManifest, JournalEntry]):
    """A run of latencies: runs/<system_id>/<run_id>/run.json, cells/ and profiles/.

    layers/<digest>.json has the layers of an engine that sessions ran; the sealed records name it.
    """

    __slots__ = ()
    kind = RunKind(
        title="run",
        folder="runs",
        file="run.json",
        manifest=RunManifest,
        remedy="restore it, or move the run's folder away",
        sealed=f"{CELLS}/*.json",
        sealed_beside=f"{PROFILES}/*.json",
    )

    def write_record(self, record: Record) -> None:
        write_value(self._path(CELLS, record.cell_id), record)

    def write_profile(self, profile: ProfileRecord) -> None:
        write_value(self._path(PROFILES, profile.cell_id), profile)

    def _path(self, folder: str, cell_id: str) -> Path:
        return self.path / folder / f"{cell_id}.json"

    def records(
        self,
        broken: list[BrokenResult] | None = None,
        *,
        sealed: Mapping[str, str] | None = None,
        cells: Collection[str] | None = None,
    ) -> Iterator[Record]:
        """Yield the finished cells, by their file's name, or those of `cells` alone; `sealed` is
        the manifest's, read if None.

        What can't be read is added to `broken`; without that it raises BrokenResult.
        """
        return self._each(Record, CELLS, broken, sealed, cells)

    def profiles(
        self,
        broken: list[BrokenResult] | None = None,
        *,
        sealed: Mapping[str, str] | None = None,
        cells: Collection[str] | None = None,
    ) -> Iterator[ProfileRecord]:
        """Yield the profiles by operator, as `records` does the cells; one that the run was
        completed with and that isn't there can't be read.
        """
        folder = self.path / PROFILES
        if sealed is None and not folder.is_dir():
            return  # most runs have none: their manifest isn't read for it
        sealed = self.sealed() if sealed is None else sealed
        yield from self._each(ProfileRecord, PROFILES, broken, sealed, cells)
        names = (it.removeprefix(f"{PROFILES}/") for it in sealed if it.startswith(f"{PROFILES}/"))
        for name in (it for it in names if cells is None or it in cells):
            if not (path := folder / f"{name}.json").exists():
                problem = "the run was completed with it, and it isn't there"
                _add(broken, BrokenResult(path, problem, hint=self._remedy()))

    def _each(
        self,
        kind: type[OfCell],
        name: str,
        broken: list[BrokenResult] | None,
        sealed: Mapping[str, str] | None,
        cells: Collection[str] | None,
    ) -> Iterator[OfCell]:
        folder = self.path / name
        try:
            paths = sorted(path for path in folder.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return
        except OSError as error:
            _add(broken, BrokenResult(folder, str(error.strerror), hint="make it readable"))
            return
        paths = [path for path in paths if cells is None or path.stem in cells]
        sealed = self.sealed() if sealed is None else sealed
        remedy = self._remedy()
        for path in paths:
            seal = sealed.get(path.stem if name == CELLS else f"{name}/{path.stem}")
            try:
                yield _of_its_cell(read_as(kind, path, remedy=remedy, seal=seal), path, remedy)
            except BrokenResult as error:
                _add(broken, error)

    def keep_layers(self, layers: EngineLayers) -> str:
        """Store an engine's layers, unless they are there; return what a session calls them."""
        path = self._layers_path(layers.digest)
        if not path.exists():
            write_value(path, layers)
        return layers.digest

    def layers(
        self, records: Iterable[Record], broken: list[BrokenResult]
    ) -> dict[str, EngineLayers]:
        """Return the engines' layers that `records` name; what can't be read goes to `broken`."""
        named = sorted({s.layers for it in records for s in it.sessions if s.layers is not None})
        found: dict[str, EngineLayers] = {}
        for name in named:
            path, remedy = self._layers_path(name), "restore it; no figure depends on it"
            try:
                found[name] = read_as(EngineLayers, path, remedy=remedy)
                if found[name].digest != name:
                    raise BrokenResult(path, "its name isn't its layers' digest", hint=remedy)
            except BrokenResult as error:
                found.pop(name, None)
                broken.append(error)
        return found

    def _layers_path(self, name: str) -> Path:
        return self.path / "layers" / f"{name}.json"

    def has(self, cell_id: str) -> bool:
        """Tell whether there is a record of the cell."""
        return self._path(CELLS, cell_id).is_file()

    def _remedy(self) -> str:
        where = shlex.quote(str(self.path.parents[2])) if len(self.path.parents) > 2 else "DIR"
        again = command(f"run --resume {self.path.name} --results {where}")
        return f"measure the cell again: {again}"

    def lacks(self) -> bool:
        """Tell whether a cell of the manifest has no record that can be read, or failed for now;
        or a measured one no profile, where there are to be.
        """
        records, manifest = list(self.records([])), self.manifest()
        if not manifest.cells.keys() <= {it.cell_id for it in records if not it.failed_for_now}:
            return True
        return manifest.profile and bool(self.unprofiled(records))

    def unprofiled(self, records: Iterable[Record]) -> list[Record]:
        """Return the measured ones of `records` without a profile that stands."""
        there = {it.cell_id for it in self.profiles([]) if not it.failed_for_now}
        measured = (it for it in records if isinstance(it.outcome, Measured))
        return [it for it in measured if it.cell_id not in there]

    def set_broken_aside(self) -> None:
        """Rename records and profiles that can't be read, so that their cells get others."""
        broken: list[BrokenResult] = []
        for files in (self.records(broken), self.profiles(broken)):
            list(files)
        for path in (error.path for error in broken if error.path.exists()):
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
            seal = manifest.sealed.get(path.stem)
            yield read_as(AbRecord, path, remedy=self.kind.remedy, seal=seal)

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


class ServingFolder(RunDirectory[ServingManifest, ServingLine]):
    """A run of loads: serving/<system_id>/<run_id>/serving.json, journal.jsonl, and the logs of
    MLPerf's LoadGen in loadgen/<load_id>/.
    """

    __slots__ = ()
    kind = RunKind(
        title="run of loads",
        folder="serving",
        file="serving.json",
        manifest=ServingManifest,
        remedy="move its folder away and load again",
        line=ServingLine,
        line_remedy="delete that line; its load is then made again",
        brief=True,
    )

    def write_logs(self, load_id: str, logs: Mapping[str, bytes]) -> dict[str, str]:
        """Write LoadGen's logs of a load; return the SHA-256 of each by its name."""
        for name, data in logs.items():
            write_atomic(self._log_path(load_id, name), data)
        return {name: hashlib.sha256(data).hexdigest() for name, data in logs.items()}

    def check_logs(self, broken: list[BrokenResult]) -> None:
        """Add each of LoadGen's logs that isn't what its load's line says to `broken`."""
        loads = {it.load_id: it.load.logs for it in self.journal() if it.load is not None}
        for load_id, logs in loads.items():
            for name, digest in logs.items():
                path = self._log_path(load_id, name)
                try:
                    problem = None if file_sha256(path) == digest else UNSEALED
                except OSError as error:
                    problem = str(error.strerror)
                if problem is not None:
                    hint = "restore it; no figure depends on it"
                    broken.append(BrokenResult(path, problem, hint=hint))

    def _log_path(self, load_id: str, name: str) -> Path:
        return self.path / "loadgen" / load_id / name


def _of_its_cell(stored: OfCell, path: Path, remedy: str) -> OfCell:
    """Return what is `stored` at `path`; raises BrokenResult where it is another cell's."""
    if stored.cell_id != path.stem or stored.cell.to_cell().id != path.stem:
        raise BrokenResult(path, "its name isn't its cell's id", hint=remedy)
    return stored


def _add(broken: list[BrokenResult] | None, error: BrokenResult) -> None:
    if broken is None:
        raise error
    broken.append(error)
