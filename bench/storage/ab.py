"""A live comparison's folder, beside the runs, by the functions of `bench.storage.directory`.

    runs/<system_id>/<run_id>/ab.json, pairs/<pair_id>.json

There is no run.json in it, so that no report takes it for a run of latencies.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.storage.directory import Store, pick
from bench.storage.files import read_as, to_text, write_atomic
from bench.storage.schema.ab import AbManifest, AbRecord
from bench.storage.schema.common import System

MANIFEST = "ab.json"
_REMEDY = "move its folder away and compare again"


@dataclass(frozen=True, slots=True)
class AbFolder:
    """One comparison's folder."""

    path: Path

    def manifest(self) -> AbManifest:
        """Return its manifest; raises BrokenResult."""
        return read_as(AbManifest, self.path / MANIFEST, remedy=_REMEDY)

    def write_manifest(self, manifest: AbManifest) -> None:
        write_atomic(self.path / MANIFEST, to_text(manifest).encode())

    def write_record(self, record: AbRecord) -> None:
        """Write a cell's record, over what it was before its last session."""
        write_atomic(self._path(record.pair_id), to_text(record).encode())

    def records(self) -> Iterator[AbRecord]:
        """Yield the cells in the manifest's order; raises BrokenResult."""
        for pair_id in self.manifest().pairs:
            yield read_as(AbRecord, self._path(pair_id), remedy=_REMEDY)

    def begun(self) -> list[AbRecord]:
        """Return the cells that have a record; raises BrokenResult.

        A comparison that was cut off before its first session lacks some.
        """
        there = [name for name in self.manifest().pairs if self._path(name).exists()]
        return [read_as(AbRecord, self._path(name), remedy=_REMEDY) for name in there]

    def _path(self, pair_id: str) -> Path:
        return self.path / "pairs" / f"{pair_id}.json"


def create(store: Store, manifest: AbManifest, system: System) -> AbFolder:
    """Make a comparison's folder, and its system's file where there is none.

    Raises ResultsNotWritable.
    """
    store.add_system(system)
    folder = AbFolder(store.root / "runs" / manifest.system_id / manifest.run_id)
    folder.write_manifest(manifest)
    return folder


def comparisons(store: Store) -> list[AbFolder]:
    """Return all comparisons, oldest first."""
    return [AbFolder(path) for path in store.folders(f"runs/*/*/{MANIFEST}")]


def comparison(store: Store, run_id: str) -> AbFolder:
    """Return the comparison of that id, or the newest for `latest`; raises UnknownName."""
    return pick("comparison", {one.path.name: one for one in comparisons(store)}, run_id)
