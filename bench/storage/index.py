"""What stored runs came to in short, kept in the cache: a run that is as it was isn't read again.

An entry holds for a run only while its files have the names, sizes, inodes and times that they had
when it was read. It is never needed: where it is lost, altered or can't be written, all is read
again and a new one is made. What was made by another version of the code doesn't count.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.core.digest import canonical_digest, file_sha256
from bench.core.paths import PACKAGE

FOLDER = "index"
_YOUNG_S = 2.0  # a file that was written just before may change again and keep its time
_MADE_BY = ("storage", "analysis")  # whose code decides what an entry says
_PARTS = ("cells", "profiles")
_WAIT_S = 0.5
_CREATE = "CREATE TABLE IF NOT EXISTS runs (path TEXT PRIMARY KEY, stamp BLOB, value BLOB)"


@dataclass(slots=True)
class Index:
    """The entries of the runs of a results folder, by the folders' paths below it.

    Whoever goes over the runs asks with `get`, adds with `put`, and writes with `save`.
    """

    results: Path
    path: Path
    _known: Mapping[str, tuple[bytes, bytes]] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)
    _new: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, results: Path, cache_folder: Path) -> Index:
        """Return the index of `results` in the cache; an empty one where there is none."""
        name = f"{canonical_digest(str(results.resolve()), 16)}.sqlite"
        path = cache_folder / FOLDER / name
        known: dict[str, tuple[bytes, bytes]] = {}
        with suppress(sqlite3.Error, OSError), closing(_connected(path, write=False)) as database:
            for run, stamp, value in database.execute("SELECT path, stamp, value FROM runs"):
                known[run] = (stamp, value)
        return cls(results, path, known)

    def get(self, folder: Path, stamp: bytes) -> bytes | None:
        """Return what is known of the run in `folder` as it is now, None: nothing."""
        name = self._name(folder)
        known = self._known.get(name)
        if known is None or known[0] != stamp or not isinstance(known[1], bytes):
            return None
        self._kept.add(name)
        return known[1]

    def put(self, folder: Path, stamp: bytes, value: bytes) -> None:
        """Keep what the run in `folder` came to; without a `stamp` nothing."""
        if stamp:
            self._new[self._name(folder)] = (stamp, value)

    def save(self) -> None:
        """Write what is new and drop what no run has any more, where that can be done."""
        gone = self._known.keys() - self._kept - self._new.keys()
        if not (gone or self._new):
            return
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._write(gone)
            except sqlite3.OperationalError:
                return  # another process writes, or the disk is full
            except sqlite3.Error:
                self.path.unlink(missing_ok=True)  # it is no index: the next time makes one

    def _write(self, gone: set[str]) -> None:
        with closing(_connected(self.path, write=True)) as database, database:
            database.execute(_CREATE)
            database.executemany("DELETE FROM runs WHERE path = ?", [(name,) for name in gone])
            rows = [(name, *entry) for name, entry in self._new.items()]
            database.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", rows)

    def _name(self, folder: Path) -> str:
        return str(folder.relative_to(self.results))


def stamp_of(folder: Path, *others: Path) -> bytes:
    """Return a digest of a run's files, its manifest, cells and profiles, and of `others`.

    It is empty where one can't be looked at, or was written so recently that a change of it might
    not show.
    """
    digest = hashlib.blake2b(_code(), digest_size=16)
    newest = 0
    try:
        for name, stat in _files(folder, others):
            facts = (name, stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns)
            digest.update(repr(facts).encode(errors="surrogateescape"))
            newest = max(newest, stat.st_ctime_ns, stat.st_mtime_ns)
    except OSError:
        return b""
    return digest.digest() if newest < time.time_ns() - _YOUNG_S * 1e9 else b""


def _files(folder: Path, others: tuple[Path, ...]) -> Iterator[tuple[str, os.stat_result]]:
    for path in (folder / "run.json", *others):
        yield path.name, path.stat()
    for part in filter(Path.is_dir, (folder / name for name in _PARTS)):
        with os.scandir(part) as entries:
            for name, entry in sorted((it.name, it) for it in entries):
                yield f"{part.name}/{name}", entry.stat()


@cache
def _code() -> bytes:
    """Return a digest of the code that entries are made by."""
    files = sorted(path for room in _MADE_BY for path in (PACKAGE / room).rglob("*.py"))
    return "".join(map(file_sha256, files)).encode()


def _connected(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open the file, to read only where it is there; raises sqlite3.Error."""
    mode = "rwc" if write else "ro"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_WAIT_S)
