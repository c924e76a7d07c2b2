"""One cell of a report's table: its figure and what stands beside it, from one record. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from bench.analysis.canary import Speeds, speeds
from bench.analysis.contention import Taken, counted_ns, durations_ns, least_left
from bench.analysis.energy import energy_mj
from bench.analysis.floor import floor
from bench.analysis.gpu_figures import OnDevice, on_device
from bench.analysis.grade import explain, findings, grade, warnings
from bench.analysis.run_context import UNKNOWN
from bench.analysis.statistics import Estimate, percentiles, summarize
from bench.analysis.time_course import Course, course
from bench.config.sustained import PRESET as SUSTAINED
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import Measured, Record, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Long:
    """A long session: the time asked for, and whether the cap on samples ended it before."""

    asked_s: float
    capped: bool
    course: Course


@dataclass(frozen=True, slots=True, kw_only=True)
class Older:
    """An earlier figure of a box's cell: the same net and work, perhaps another engine version."""

    run_id: str
    engine: str
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One cell of a table: an estimate, or the outcome that stands in its place.

    `long` is there for a long session, which stands in no table of latencies; `device` for one on a
    GPU. `load_ns` and `peak_rss_mib` are medians over the sessions, `relative_l2` is the farthest
    that an output was from the reference, `run_ns` the engine's part of the estimate, `taken` what
    others took of the CPU, `speeds` how fast the machine was, `floor` what the cell takes where
    nothing is in its way, `energy_mj` what the processor's packages used an inference; each None
    where no session tells it. `grade_reasons` are what keeps the grade below A, worst first.
    `older` has the cell's earlier figures, newest first, `sessions` the sessions that took turns
    with other cells'.
    """

    cell_id: str
    run_id: str
    model_hash: str
    estimate: Estimate | None = None
    outcome: Failed | Skipped | None = None
    unsettled: int = 0
    grade: str | None = None
    grade_reasons: Sequence[str] = ()
    stopped: str | None = None
    percentiles: Mapping[int, float] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    long: Long | None = None
    device: OnDevice | None = None
    load_ns: float | None = None
    run_ns: float | None = None
    peak_rss_mib: float | None = None
    relative_l2: float | None = None
    taken: Taken | None = None
    speeds: Speeds | None = None
    floor: Estimate | None = None
    energy_mj: float | None = None
    older: Sequence[Older] = ()
    sessions: Sequence[Session] = field(default=(), repr=False, compare=False)

    @property
    def contended(self) -> bool:
        return self.taken is not None and self.taken.contended


def older_of(record: Record, run_id: str) -> Older | None:
    """Return a record as an earlier figure of its cell, None where it has no figure."""
    if not isinstance(record.outcome, Measured) or record.sampling.preset == SUSTAINED:
        return None
    return Older(
        run_id=run_id,
        engine=engine_of(record) or UNKNOWN,
        estimate=_estimate(record, [counted_ns(session) for session in record.sessions]),
    )


def engine_of(record: Record) -> str | None:
    """Return the engine's version as the first session has it."""
    return record.sessions[0].facts.get("engine") if record.sessions else None


def box_of(record: Record, run_id: str) -> Box:
    """Return the box of a record of that run."""
    if not isinstance(record.outcome, Measured):
        return Box(
            cell_id=record.cell_id,
            run_id=run_id,
            model_hash=record.cell.model_hash,
            outcome=record.outcome,
        )
    if record.sampling.preset == SUSTAINED:
        return Box(
            cell_id=record.cell_id,
            run_id=run_id,
            model_hash=record.cell.model_hash,
            long=_long(record),
            taken=least_left(record.sessions),
        )
    samples, results = [counted_ns(session) for session in record.sessions], findings(record)
    tolerance = record.sampling.steady_tolerance
    return Box(
        cell_id=record.cell_id,
        run_id=run_id,
        model_hash=record.cell.model_hash,
        estimate=_estimate(record, samples),
        grade=grade(results),
        grade_reasons=explain(results),
        stopped=record.outcome.stopped,
        percentiles=percentiles(samples),
        warnings=warnings(results),
        device=on_device(record),
        load_ns=median(session.load_ns for session in record.sessions),
        run_ns=_run_ns(record),
        peak_rss_mib=_peak_rss_mib(record),
        energy_mj=energy_mj(record),
        taken=least_left(record.sessions),
        speeds=speeds(record.sessions),
        floor=floor(record.sessions),
        sessions=[session for session in record.sessions if session.turn is not None],
        relative_l2=_farthest(record),
        unsettled=sum(not s.steady for s in record.sessions) if tolerance is not None else 0,
    )


def _farthest(record: Record) -> float | None:
    distances = [session.relative_l2 for session in record.sessions]
    return max((distance for distance in distances if distance is not None), default=None)


def _run_ns(record: Record) -> float | None:
    runs_ns = [
        session.figures_ns["run"] for session in record.sessions if session.figures_ns.get("run")
    ]
    return summarize(runs_ns, record.sampling.statistic).value_ns if runs_ns else None


def _peak_rss_mib(record: Record) -> float | None:
    values = [session.covariates.get("peak_rss_mib") for session in record.sessions]
    known = [value for value in values if isinstance(value, int | float)]
    return median(known) if known else None


def _estimate(record: Record, samples: list[list[int]]) -> Estimate:
    """Return the figure; a tool's own averages bear no interval."""
    estimate = summarize(samples, record.sampling.statistic)
    reported = any(session.reported_ns is not None for session in record.sessions)
    return replace(estimate, half_width_ns=None) if reported else estimate


def _long(record: Record) -> Long:
    rule, samples = record.sampling, durations_ns(record.sessions[0])
    capped = len(samples) >= rule.samples
    return Long(asked_s=rule.budget_s, capped=capped, course=course(samples))
