"""A stored run in short: the names of all that it could add to a view, and its figures. Pure.

Of a run whose names newer runs all have, a view shows earlier figures and nothing else: the brief
has those, so that its records needn't be read again.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from bench.analysis.boxes import engine_of, older_of
from bench.analysis.series import StoredRun
from bench.storage.schema.latency import ModelFacts, Record, RunManifest

SeriesKey = tuple[str | tuple[tuple[str, str], ...], ...]

Name = bytes
"""A digest of 8 bytes of what a record or a model's facts are told by."""

_LENGTH = 8
_HEAD = struct.Struct("<I")
_FIGURE = struct.Struct(f"<{_LENGTH}sddII")
_NONE = math.nan


@dataclass(frozen=True, slots=True)
class Brief:
    """`others` names what a run has beside its records' figures; `figures` are packed rows."""

    run_id: str
    others: frozenset[Name] = frozenset()
    figures: bytes = b""

    @classmethod
    def of(cls, run: StoredRun) -> Brief:
        """Return the brief of a run."""
        figures = b"".join(_packed(run, record) for record in run.records)
        return cls(run.manifest.run_id, frozenset(_others(run)), figures)

    @classmethod
    def from_bytes(cls, run_id: str, data: bytes) -> Brief:
        """Return what `to_bytes` gave; raises struct.error for other bytes."""
        (count,) = _HEAD.unpack_from(data)
        end = _HEAD.size + count * _LENGTH
        others = frozenset(data[at : at + _LENGTH] for at in range(_HEAD.size, end, _LENGTH))
        if len(data) < end or (len(data) - end) % _FIGURE.size:
            raise struct.error("it is cut off")
        return cls(run_id, others, data[end:])

    def to_bytes(self) -> bytes:
        """Return all but the run's id."""
        return _HEAD.pack(len(self.others)) + b"".join(sorted(self.others)) + self.figures

    def names(self) -> set[Name]:
        """Return the names of all that the run could add to a view."""
        return {*self.others, *(row[0] for row in _FIGURE.iter_unpack(self.figures))}

    def earlier(self) -> Iterator[tuple[Name, float, float | None, int, int]]:
        """Yield of each record with a figure its name, value, half-width, sessions and samples."""
        for name, value, half, sessions, samples in _FIGURE.iter_unpack(self.figures):
            if sessions:
                yield name, value, None if math.isnan(half) else half, sessions, samples


def series_key(run: StoredRun, record: Record) -> SeriesKey:
    """Return what is the same of all records in one series."""
    cell, manifest = record.cell, run.manifest
    return (
        "emulated" if run.system.emulated else "",
        manifest.suite,
        manifest.target,
        run.system.heading + run.system.system_id,
        cell.runner,
        tuple(sorted(cell.settings.items())),
        cell.precision,
        record.sampling.preset,
        record.sampling.statistic,
        weights_of(manifest, record),
    )


def weights_of(manifest: RunManifest, record: Record) -> str:
    """Return the kind of weights of a record's net."""
    facts = manifest.models.get(record.cell.variant)
    return facts.weights if facts else manifest.weights


def name_of(key: SeriesKey, record: Record) -> Name:
    """Return the name of a record: of two with the same one, a view shows the newer in full."""
    outcome = (record.outcome.kind, bool(record.sessions), engine_of(record))
    return _digest(key, record.cell_id, outcome)


def _packed(run: StoredRun, record: Record) -> bytes:
    name, older = name_of(series_key(run, record), record), older_of(record, "")
    if older is None:
        return _FIGURE.pack(name, 0, 0, 0, 0)
    it = older.estimate
    half = _NONE if it.half_width_ns is None else it.half_width_ns
    return _FIGURE.pack(name, it.value_ns, half, it.sessions, it.samples)


def _others(run: StoredRun) -> Iterator[Name]:
    """Yield the names of models' facts, of cells without a record, and of what isn't finished."""
    for variant, facts in run.manifest.models.items():
        yield _digest("model", variant, *_told_by(facts))
    for cell_id in run.manifest.cells.keys() - {record.cell_id for record in run.records}:
        yield _digest("planned", cell_id)
    if run.manifest.status != "complete":
        yield _digest("unfinished", run.manifest.run_id)


def _told_by(facts: ModelFacts) -> tuple[object, ...]:
    """Return what decides whether older facts fill in newer ones."""
    return facts.model_hash, facts.weights, facts.costs is None, facts.storage is None


def _digest(*values: object) -> Name:
    return hashlib.blake2b(repr(values).encode(errors="replace"), digest_size=_LENGTH).digest()
