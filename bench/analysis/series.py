"""Stored runs -> what the reports show. Pure: records come in, every figure is derived here.

Figures stand in one table only where they may be compared: same system, runner, settings,
precision, preset and engine version. Within such a series a cell's newest record counts, and a row
is of one net: figures of a net that has changed since stay out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from bench.analysis.gpu_figures import OnDevice, on_device
from bench.analysis.grade import findings, grade, warnings
from bench.analysis.statistics import Estimate, percentiles, summarize
from bench.analysis.time_course import Course, course
from bench.analysis.variance import Components
from bench.config.catalog import Fault, Published
from bench.config.sustained import PRESET as SUSTAINED
from bench.storage.schema.common import Failed, Skipped, System
from bench.storage.schema.latency import Measured, ModelFacts, Record, RunManifest

Column = tuple[int, int]
"""Batch and threads."""

Mark = tuple[str, str, str]
"""Published or measured, a model's title, a column: what the audit says of one figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run with all of its records, each read once from the store."""

    manifest: RunManifest
    system: System
    records: Sequence[Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class Long:
    """A long session: the time asked for, and whether the cap on samples ended it before."""

    asked_s: float
    capped: bool
    course: Course


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One cell of a table: an estimate, or the outcome that stands in its place.

    `long` is there for a long session, which stands in no table of latencies; `device` for one on a
    GPU. `load_ns` and `peak_rss_mib` are medians over the sessions, `relative_l2` is the farthest
    that an output of theirs was from the reference; each None where no session tells it.
    """

    cell_id: str
    run_id: str
    model_hash: str
    estimate: Estimate | None = None
    outcome: Failed | Skipped | None = None
    unsettled: int = 0
    grade: str | None = None
    stopped: str | None = None
    percentiles: Mapping[int, float] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    long: Long | None = None
    device: OnDevice | None = None
    load_ns: float | None = None
    peak_rss_mib: float | None = None
    relative_l2: float | None = None


@dataclass(slots=True, kw_only=True)
class Series:
    """A latency table: one row a variant, one column a batch and thread count."""

    system: System
    target: str
    runner: str
    settings: Mapping[str, str]
    precision: str
    preset: str
    statistic: str
    suite: str = ""
    engine: str | None = None
    weights: str = "seeded"
    beside: Sequence[str] = ()
    boxes: dict[str, dict[Column, Box]] = field(default_factory=dict)
    runs: dict[str, RunManifest] = field(default_factory=dict)

    @property
    def columns(self) -> list[Column]:
        return sorted({column for row in self.boxes.values() for column in row})

    @property
    def variants(self) -> list[str]:
        return list(self.boxes)

    @property
    def most_sessions(self) -> int:
        """The largest number of sessions behind one of its figures, 0 without any."""
        found = [box.estimate for row in self.boxes.values() for box in row.values()]
        return max((estimate.sessions for estimate in found if estimate), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that a report shows, in the order in which it shows it.

    `sustained` are the series of long sessions, apart from all others.
    """

    models: Mapping[str, ModelFacts]
    series: Sequence[Series]
    sustained: Sequence[Series]
    published: Mapping[str, Published]
    faults: Sequence[Fault]
    sources: Mapping[str, RunManifest]
    variances: Mapping[str, Components] = field(default_factory=dict)
    marks: Mapping[Mark, Sequence[str]] = field(default_factory=dict)

    def published_of(self, variant: str) -> Published | None:
        name = self.models[variant].published
        return self.published.get(name) if name else None

    def faults_of(self, name: str, column: str) -> list[Fault]:
        return [fault for fault in self.faults if fault.model == name and column in fault.columns]


_SeriesKey = tuple[str | tuple[tuple[str, str], ...], ...]


def gather(
    runs: Sequence[StoredRun],
    *,
    order: Sequence[str],
    published: Mapping[str, Published],
    faults: Sequence[Fault],
) -> View:
    """Return the view of `runs` (oldest first); `order` lists the catalogue's variants."""
    models: dict[str, ModelFacts] = {}
    sources: dict[str, RunManifest] = {}
    series: dict[_SeriesKey, Series] = {}
    for run in reversed(runs):
        for variant, facts in run.manifest.models.items():
            known = models.get(variant)
            models[variant] = _more_known(known, facts)
            if models[variant] is not known:
                sources[run.manifest.run_id] = run.manifest
        for record in run.records:
            _place(series, run, record)
    rank = {variant: index for index, variant in enumerate(order)}

    def by_order(variant: str) -> tuple[int, str]:
        return rank.get(variant, len(rank)), variant

    for one in series.values():
        one.boxes = {variant: one.boxes[variant] for variant in sorted(one.boxes, key=by_order)}
    return View(
        models={variant: models[variant] for variant in sorted(models, key=by_order)},
        series=[series[key] for key in sorted(series) if series[key].preset != SUSTAINED],
        sustained=[series[key] for key in sorted(series) if series[key].preset == SUSTAINED],
        published=published,
        faults=faults,
        sources=sources | {i: m for one in series.values() for i, m in one.runs.items()},
    )


def _more_known(newer: ModelFacts | None, older: ModelFacts) -> ModelFacts:
    """Return the newer facts, with what only the older ones know of the same net filled in."""
    if newer is None:
        return older
    if newer.model_hash != older.model_hash:
        return newer
    missing = {
        name: getattr(older, name) for name in ("costs", "storage") if getattr(newer, name) is None
    }
    known = {name: value for name, value in missing.items() if value is not None}
    if not known:
        return newer
    kept = {name: reason for name, reason in newer.missing.items() if name not in known}
    return newer.model_copy(update=known | {"missing": kept})


def _place(series: dict[_SeriesKey, Series], run: StoredRun, record: Record) -> None:
    """Put `record` into its series, unless a newer one, net or engine version is there."""
    cell, manifest = record.cell, run.manifest
    settings = tuple(sorted(cell.settings.items()))
    key = (
        "emulated" if run.system.emulated else "",
        manifest.suite,
        manifest.target,
        run.system.heading + run.system.system_id,
        cell.runner,
        settings,
        cell.precision,
        record.sampling.preset,
        record.sampling.statistic,
        manifest.weights,
    )
    one = series.setdefault(
        key,
        Series(
            system=run.system,
            target=manifest.target,
            runner=cell.runner,
            settings=cell.settings,
            precision=cell.precision,
            preset=record.sampling.preset,
            statistic=record.sampling.statistic,
            suite=manifest.suite,
            weights=manifest.weights,
            beside=tuple(manifest.beside),
        ),
    )
    engine = record.sessions[0].facts.get("engine") if record.sessions else None
    if engine is not None and one.engine not in (None, engine):
        return
    row, column = one.boxes.setdefault(cell.variant, {}), (cell.batch, cell.threads)
    same_net = all(box.model_hash == cell.model_hash for box in row.values())
    if same_net and column not in row:
        row[column] = _box(record, manifest.run_id)
        one.engine = one.engine or engine
        one.runs[manifest.run_id] = manifest


def _box(record: Record, run_id: str) -> Box:
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
        )
    samples, found = [session.durations_ns for session in record.sessions], findings(record)
    tolerance = record.sampling.steady_tolerance
    return Box(
        cell_id=record.cell_id,
        run_id=run_id,
        model_hash=record.cell.model_hash,
        estimate=_estimate(record, samples),
        grade=grade(found),
        stopped=record.outcome.stopped,
        percentiles=percentiles(samples),
        warnings=warnings(found),
        device=on_device(record),
        load_ns=median(session.load_ns for session in record.sessions),
        peak_rss_mib=_peak_rss_mib(record),
        relative_l2=max(
            (one.relative_l2 for one in record.sessions if one.relative_l2 is not None),
            default=None,
        ),
        unsettled=sum(not s.steady for s in record.sessions) if tolerance is not None else 0,
    )


def _peak_rss_mib(record: Record) -> float | None:
    told = [session.covariates.get("peak_rss_mib") for session in record.sessions]
    known = [value for value in told if isinstance(value, int | float)]
    return median(known) if known else None


def _estimate(record: Record, samples: list[list[int]]) -> Estimate:
    """Return the figure; a tool's own averages bear no interval."""
    found = summarize(samples, record.sampling.statistic)
    reported = any(session.reported_ns is not None for session in record.sessions)
    return replace(found, half_width_ns=None) if reported else found


def _long(record: Record) -> Long:
    asked, samples = record.sampling, record.sessions[0].durations_ns
    capped = len(samples) >= asked.samples
    return Long(asked_s=asked.budget_s, capped=capped, course=course(samples))
