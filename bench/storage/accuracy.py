"""An accuracy run's folder in results/, by the functions of `bench.storage.directory`.

accuracy/<system_id>/<run_id>/accuracy.json, journal.jsonl
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bench.core.errors import BrokenResult
from bench.storage.directory import Store, pick
from bench.storage.files import read_as, to_text, write_atomic, writing
from bench.storage.schema.accuracy import AccuracyManifest, JournalLine
from bench.storage.schema.common import System
from bench.storage.validation import explain

MANIFEST = "accuracy.json"
JOURNAL = "journal.jsonl"
_REMEDY = "move its folder away and measure again"


@dataclass(frozen=True, slots=True)
class AccuracyFolder:
    """One run's folder."""

    path: Path

    def manifest(self) -> AccuracyManifest:
        """Return its manifest; raises BrokenResult."""
        return read_as(AccuracyManifest, self.path / MANIFEST, remedy=_REMEDY)

    def write_manifest(self, manifest: AccuracyManifest) -> None:
        write_atomic(self.path / MANIFEST, to_text(manifest).encode())

    def append(self, line: JournalLine) -> None:
        """Add a line to the journal and sync it; raises ResultsNotWritable."""
        path = self.path / JOURNAL
        with writing(path), path.open("ab") as file:
            file.write(line.model_dump_json(exclude_defaults=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def journal(self) -> list[JournalLine]:
        """Return what the journal holds and cut off a last line that was never finished.

        Raises BrokenResult for a line that is whole and yet none of ours.
        """
        path = self.path / JOURNAL
        if not path.exists():
            return []
        whole, _, rest = path.read_bytes().rpartition(b"\n")
        if rest:
            with writing(path):
                os.truncate(path, len(whole) + bool(whole))
        return [self._line(number, line) for number, line in enumerate(whole.splitlines(), 1)]

    def _line(self, number: int, line: bytes) -> JournalLine:
        try:
            return JournalLine.model_validate_json(line)
        except ValidationError as error:
            raise BrokenResult(
                self.path / JOURNAL, f"line {number}: {explain(error)}", hint=_REMEDY
            ) from error


def create(store: Store, manifest: AccuracyManifest, system: System) -> AccuracyFolder:
    """Make a run's folder, and its system's file where there is none.

    Raises ResultsNotWritable.
    """
    store.add_system(system)
    folder = AccuracyFolder(store.root / "accuracy" / manifest.system_id / manifest.run_id)
    folder.write_manifest(manifest)
    return folder


def find(store: Store, run_id: str) -> AccuracyFolder:
    """Return the accuracy run of that id, or the newest for `latest`; raises UnknownName."""
    paths = store.folders(f"accuracy/*/*/{MANIFEST}")
    return pick("accuracy run", {path.name: AccuracyFolder(path) for path in paths}, run_id)
