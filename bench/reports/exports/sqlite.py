"""All levels as one SQLite database: systems, runs, cells, sessions, samples, and what columns are.

Each table has its own columns and the key of the one above it; a join gives the rest. Samples name
their session by a number, or ids would be nine tenths of the file; the view all_samples has them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby

from bench.core.errors import InputError
from bench.reports.csv_tables import Row
from bench.reports.data.columns import (
    CELL,
    NUMBER,
    RUN,
    SAMPLE,
    SESSION,
    SWITCH,
    SYSTEM,
    WHOLE,
    Column,
    unit,
)
from bench.reports.data.rows import Stored, sample_rows, session_rows
from bench.reports.exports import Job

_TYPES = {WHOLE: "INTEGER", SWITCH: "INTEGER", NUMBER: "REAL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table: its columns, its key's names, the table above it, whose key it has, and what else is
    of one row alone.
    """

    name: str
    columns: Sequence[Column]
    key: Sequence[str]
    above: _Table | None = None
    unique: Sequence[str] = ()

    @property
    def create(self) -> str:
        columns = [f"{_quoted([it.name])} {_TYPES.get(it.dtype, 'TEXT')}" for it in self.columns]
        keys = [f"PRIMARY KEY ({_quoted(self.key)})"]
        keys += [f"UNIQUE ({_quoted(self.unique)})"] if self.unique else []
        if self.above is not None:
            key = _quoted(self.above.key)
            keys.append(f"FOREIGN KEY ({key}) REFERENCES {self.above.name} ({key})")
        return f"CREATE TABLE {self.name} ({', '.join([*columns, *keys])}) WITHOUT ROWID"

    def insert(self, database: sqlite3.Connection, rows: Iterable[Row]) -> None:
        """Write `rows`, their values as parameters."""
        names = [it.name for it in self.columns]
        marks = ", ".join("?" * len(names))
        values = (tuple(row.get(name) for name in names) for row in rows)
        # The names are this file's own.
        database.executemany(f"INSERT INTO {self.name} VALUES ({marks})", values)  # noqa: S608 # nosec B608


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


_SYSTEM_ID, _RUN_ID, _CELL_ID = SYSTEM[0], RUN[0], CELL[0]
_SYSTEMS = _Table(name="systems", columns=SYSTEM, key=["system_id"])
_RUNS = _Table(name="runs", columns=(*RUN, _SYSTEM_ID), key=["run_id"], above=_SYSTEMS)
_CELLS = _Table(name="cells", columns=(_RUN_ID, *CELL), key=["run_id", "cell_id"], above=_RUNS)
_SESSION_KEY = Column("session_key", WHOLE, "The session's number in this file.")
_SESSIONS = _Table(
    name="sessions", columns=(_SESSION_KEY, _RUN_ID, _CELL_ID, *SESSION), key=["session_key"],
    unique=[*_CELLS.key, "session"], above=_CELLS,
)  # fmt: skip
_SAMPLES = _Table(
    name="samples", columns=(_SESSION_KEY, *SAMPLE), key=["session_key", "sample"], above=_SESSIONS
)
_ALL_SAMPLES = (
    "CREATE VIEW all_samples AS SELECT run_id, cell_id, session, samples.* FROM samples "
    "JOIN sessions USING (session_key)"
)
_TABLES = (_SYSTEMS, _RUNS, _CELLS, _SESSIONS, _SAMPLES)


def write(job: Job) -> None:
    """Write all tables; raises InputError where two runs or systems have one id."""
    try:
        with closing(sqlite3.connect(job.path)) as database:
            # The file is nobody's until it is whole: no journal beside it is needed.
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA foreign_keys = ON")
            _fill(database, job.stored)
            database.commit()
    except sqlite3.OperationalError as error:
        raise OSError(0, str(error)) from error
    except sqlite3.IntegrityError as error:
        problem = f"two of the records have the same ids ({error})"
        raise InputError(problem, hint="export one run with --run RUN") from error


def _fill(database: sqlite3.Connection, stored: Iterable[Stored]) -> None:
    """Write all tables, a run at a time."""
    for table in _TABLES:
        database.execute(table.create)
    there: set[object] = set()
    first = 0  # the number of the run's first session
    for _, group in groupby(stored, lambda one: one.run.run_id):
        own = list(group)
        rows = [one.row for one in own]
        _SYSTEMS.insert(database, _once(rows, "system_id", there))
        _RUNS.insert(database, _once(rows, "run_id", there))
        _CELLS.insert(database, rows)
        keys: dict[object, int] = {}
        _SESSIONS.insert(database, (_numbered(row, keys, first) for row in session_rows(own)))
        _SAMPLES.insert(database, (_numbered(row, keys, first) for row in sample_rows(own)))
        first += len(keys)
    database.execute(_ALL_SAMPLES)
    database.execute('CREATE TABLE columns ("table", name, unit, text)')
    about = [(t.name, c.name, unit(c), c.text) for t in _TABLES for c in t.columns]
    database.executemany("INSERT INTO columns VALUES (?, ?, ?, ?)", about)


def _numbered(row: Row, keys: dict[object, int], first: int) -> Row:
    """Return the row with the number of its session, the next one for a new session."""
    session = (row["cell_id"], row["session"])
    return row | {"session_key": keys.setdefault(session, first + len(keys))}


def _once(rows: Sequence[Row], key: str, there: set[object]) -> Iterator[Row]:
    """Yield the rows whose key isn't `there` yet."""
    for row in rows:
        if (key, row[key]) not in there:
            there.add((key, row[key]))
            yield row
