"""Stored runs -> the rows of cells, sessions and samples, by the columns' names. No pandas.

Every stored record has its row, with and without a figure. The figures are those of latency.csv and
its like, made by the same functions (`bench.reports.csv_tables`).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Reversible, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.analysis.brief import Brief
from bench.analysis.contention import (
    burst_samples_ns,
    counted_ns,
    taken,
    that_count,
)
from bench.analysis.gather import gather
from bench.analysis.series import StoredRun, View
from bench.analysis.statistics import summarize
from bench.reports.csv_tables import RATIO_HEAD, Row, latency_rows, settings_text, sustained_rows
from bench.runners import RUNNERS
from bench.storage.schema.common import HARNESS, Failed
from bench.storage.schema.latency import Measured, ModelFacts, Record, RunManifest, Session, reason

Key = tuple[str, str]
"""A stored record: its run's id and its cell's."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A stored record with its run; its figures are derived when its `row` is first read.

    `shown` is its row in the report's tables, None where it has none; `net` what the newest run
    knows of a net of its name.
    """

    run: StoredRun
    record: Record
    shown: Row | None
    net: ModelFacts | None

    @cached_property
    def row(self) -> Row:
        """Its row of the table of cells."""
        return _cell_row(self)

    @property
    def identity(self) -> Row:
        """What of its row a session's and a sample's have too."""
        record, cell = self.record, self.record.cell
        engine = record.sessions[0].facts.get("engine") if record.sessions else None
        return {
            "system_id": self.run.system.system_id, "run_id": self.run.manifest.run_id,
            "cell_id": record.cell_id, "shown": self.shown is not None, "variant": cell.variant,
            "runner": cell.runner, "engine": engine, "settings": settings_text(cell.settings),
            "precision": cell.precision, "batch": cell.batch, "threads": cell.threads,
            "preset": record.sampling.preset,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The samples of one session: what they share, and their values.

    `counts` and `bursts` have one of each for each burst, with so many samples as `sizes` says;
    `bursts_known` is False where all samples are one burst because none is stored.
    """

    shared: Row
    samples_ns: Sequence[int]
    sizes: Sequence[int]
    counts: Sequence[bool]
    bursts_known: bool


class Cells(Iterable[Stored]):
    """Every record of `runs`, oldest first, each read when its turn comes; `viewed` are the runs
    that a view of them is of.

    `count` is how many records there were when they were last gone over.
    """

    def __init__(
        self, runs: Iterable[StoredRun], viewed: Reversible[StoredRun | Brief] | None = None
    ) -> None:
        self._runs, self.count = runs, 0
        view = gather(list(runs) if viewed is None else viewed, order=(), published={}, faults=())
        self._shown, self._nets = _rows(view), view.models

    def __iter__(self) -> Iterator[Stored]:
        self.count = 0
        for run in self._runs:
            for record in run.records:
                self.count += 1
                yield Stored(
                    run=run,
                    record=record,
                    shown=self._shown.get((run.run_id, record.cell_id)),
                    net=self._nets.get(record.cell.variant),
                )


def cells(runs: Sequence[StoredRun]) -> list[Stored]:
    """Return every record of `runs`, oldest first."""
    return list(Cells(runs))


def session_rows(stored: Iterable[Stored]) -> Iterator[Row]:
    """Yield a row for each session."""
    for one in stored:
        shared = one.identity
        for index, session in enumerate(one.record.sessions):
            yield shared | _session_row(index, session, one.record.sampling.statistic)


def samples(stored: Iterable[Stored]) -> Iterator[Samples]:
    """Yield the samples of each session that has any."""
    for one in stored:
        shared = one.identity
        for index, session in enumerate(one.record.sessions):
            if session.samples_ns:
                bursts = burst_samples_ns(session)
                yield Samples(
                    shared=shared | {"session": index},
                    samples_ns=session.samples_ns,
                    sizes=[len(burst) for burst in bursts],
                    counts=that_count(session) or [True] * len(bursts),
                    bursts_known=session.bursts is not None,
                )


def sample_rows(stored: Iterable[Stored]) -> Iterator[Row]:
    """Yield a row for each sample."""
    for session in samples(stored):
        values = iter(enumerate(session.samples_ns))
        for burst, (size, counts) in enumerate(zip(session.sizes, session.counts, strict=True)):
            known = burst if session.bursts_known else None
            for _, (index, ns) in zip(range(size), values, strict=False):
                own = {"sample": index, "burst": known, "sample_ns": ns, "counts": counts}
                yield session.shared | own


def rows_of(level: str, stored: Iterable[Stored]) -> Iterator[Row]:
    """Yield the rows of that level."""
    if level == "cell":
        return (one.row for one in stored)
    return session_rows(stored) if level == "session" else sample_rows(stored)


def _rows(view: View) -> dict[Key, Row]:
    """Return the rows of latency.csv and sustained.csv by their records."""
    long = [
        row | {"last_over_first": row.get("ratio"), **_NO_RATIO} for row in sustained_rows(view)
    ]
    rows = [*latency_rows(view), *long]
    return {(str(row["run_id"]), str(row["cell_id"])): row for row in rows}


_NO_RATIO: Row = dict.fromkeys(RATIO_HEAD)


def _cell_row(one: Stored) -> Row:
    run, record, row = one.run, one.record, one.shown
    if row is None:
        alone = StoredRun(manifest=run.manifest, system=run.system, records=(record,))
        (row,) = _rows(gather([alone], order=(), published={}, faults=())).values()
        row |= _NO_RATIO
    return {
        **row,
        **_run_row(run.manifest),
        "shown": one.shown is not None,
        "model_hash": record.cell.model_hash,
        "input": record.cell.input,
        **_outcome_row(record),
        **_model_row(one),
        "packages": _packages(run.manifest, record.cell.runner),
    }


def _run_row(manifest: RunManifest) -> Row:
    origin = manifest.provenance
    return {
        "run_started": manifest.started, "run_finished": manifest.finished,
        "run_status": manifest.status, "suite": manifest.suite, "target": manifest.target,
        "commit": origin.commit, "changed": origin.dirty, "harness": origin.harness.get(HARNESS),
        "command": shlex.join(origin.command), "host": origin.host,
        "operating_system": origin.operating_system,
    }  # fmt: skip


def _outcome_row(record: Record) -> Row:
    if isinstance(record.outcome, Measured):
        return {}
    failure = record.outcome.failure if isinstance(record.outcome, Failed) else None
    return {"failure": failure, "reason": reason(record.outcome)}


def _model_row(one: Stored) -> Row:
    """Return what is counted of the record's net: of the same net as costs.csv has it."""
    facts = one.net
    if facts is None or facts.model_hash != one.record.cell.model_hash:
        facts = one.run.manifest.models.get(one.record.cell.variant)
    if facts is None:
        return {}
    costs, storage = facts.costs, facts.storage
    macs, flops = (costs and costs.operations) or (None, None)
    return {
        "model": facts.title, "macs": macs, "flops_paddle": flops,
        "params": costs and costs.params, "storage_bytes": storage and storage.bytes,
    }  # fmt: skip


def _packages(manifest: RunManifest, runner: str) -> str:
    """Return the packages of the runner's environment, of all where this version has no such."""
    known = manifest.provenance.environments
    env = RUNNERS[runner].env if runner in RUNNERS else ""
    return _json(known.get(env, known))


def _session_row(index: int, session: Session, statistic: str) -> Row:
    counted = counted_ns(session)
    left = taken(session)
    return {
        "session": index, "session_started": session.started, "order": session.order,
        "round": session.round, "turn": session.turn,
        "session_latency_ns": summarize([counted], statistic).value_ns,
        "session_samples": len(counted), "warmup_calls": len(session.warmup_ns),
        "steady": session.steady, "session_load_ns": session.load_ns,
        "first_inference_ns": session.first_inference_ns, "session_build_ns": session.build_ns,
        "wall_ns": session.wall_ns, "session_relative_l2": session.relative_l2,
        "session_contended": left and left.contended,
        "session_cpu_share": left and left.cpu_share,
        "reported": session.reported_ns is not None, "facts": _json(session.facts),
        "covariates": _json(session.covariates), "before": _json(session.before),
        "after": _json(session.after), "teardown": session.teardown,
    }  # fmt: skip


def _json(values: Mapping[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)
