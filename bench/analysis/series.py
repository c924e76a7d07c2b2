"""Stored runs -> what the reports show. Pure: records come in, every figure is derived here.

Figures stand in one table only where they may be compared: same system, runner, settings,
precision, preset and engine version. Within such a series a cell's newest record counts, and a row
is of one net: figures of a net that has changed since stay out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Reversible, Sequence
from dataclasses import dataclass, field
from functools import partial

from bench.analysis.accuracy import StoredAccuracy
from bench.analysis.boxes import Box, box_of, with_older
from bench.analysis.serving import StoredServing
from bench.analysis.turns import Race, race
from bench.analysis.variance import Components
from bench.config.published import Fault, Published
from bench.config.sustained import PRESET as SUSTAINED
from bench.storage.schema.common import System
from bench.storage.schema.latency import ModelFacts, Record, RunManifest

Column = tuple[int, int]
"""Batch and threads."""

CellKey = tuple[str, str]
"""The run and the cell that name one stored record."""

Mark = tuple[str, str, str]
"""Published or measured, a model's title, a column: what the audit says of one figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run with all of its records, each read once from the store."""

    manifest: RunManifest
    system: System
    records: Sequence[Record]


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
    shares_name: bool = False

    @property
    def columns(self) -> list[Column]:
        return sorted({column for row in self.boxes.values() for column in row})

    @property
    def name(self) -> str:
        """The system's name, with its id where another one of the report has the same."""
        one = self.system
        return f"{one.heading} ({one.system_id})" if self.shares_name else one.heading

    @property
    def variants(self) -> list[str]:
        return list(self.boxes)

    def race(self, column: Column) -> Race | None:
        """Return how the nets of a column compare, in the rows' order; None: none took turns."""
        return race([row.get(column) for row in self.boxes.values()])

    @property
    def most_sessions(self) -> int:
        """The largest number of sessions behind one of its figures, 0 without any."""
        estimates = [box.estimate for row in self.boxes.values() for box in row.values()]
        return max((estimate.sessions for estimate in estimates if estimate), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a catalogue's entry says of its model; `top1` and `top5` are shares."""

    top1: float | None = None
    top5: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that a report shows, in the order in which it shows it.

    `sustained` are the series of long sessions, apart from all others; `accuracies` the stored
    accuracy runs and `servings` those of loads, oldest first; `sources` the runs that a figure or a
    fact of a model is from, `records` all records of those; `manifests` those of all runs that were
    read, oldest first.
    """

    models: Mapping[str, ModelFacts]
    series: Sequence[Series]
    sustained: Sequence[Series]
    published: Mapping[str, Published]
    faults: Sequence[Fault]
    sources: Mapping[str, RunManifest]
    variances: Mapping[str, Components] = field(default_factory=dict)
    marks: Mapping[Mark, Sequence[str]] = field(default_factory=dict)
    declared: Mapping[str, Declared] = field(default_factory=dict)
    accuracies: Sequence[StoredAccuracy] = ()
    servings: Sequence[StoredServing] = ()
    records: Mapping[CellKey, Record] = field(default_factory=dict, repr=False)
    manifests: Mapping[str, RunManifest] = field(default_factory=dict, repr=False)

    def published_of(self, variant: str) -> Published | None:
        name = self.models[variant].published
        return self.published.get(name) if name else None

    def faults_of(self, name: str, column: str) -> list[Fault]:
        return [fault for fault in self.faults if fault.model == name and column in fault.columns]


_SeriesKey = tuple[str | tuple[tuple[str, str], ...], ...]


def gather(
    runs: Reversible[StoredRun],
    *,
    order: Sequence[str],
    published: Mapping[str, Published],
    faults: Sequence[Fault],
    declared: Mapping[str, Declared] | None = None,
    accuracies: Sequence[StoredAccuracy] = (),
    servings: Sequence[StoredServing] = (),
) -> View:
    """Return the view of what is stored, each oldest first, with variants in that `order`.

    Each run is taken once, the newest first; of one that nothing is shown of no record is kept.
    """
    models: dict[str, ModelFacts] = {}
    sources: dict[str, RunManifest] = {}
    series: dict[_SeriesKey, Series] = {}
    shown: list[StoredRun] = []
    manifests: dict[str, RunManifest] = {}
    for run in reversed(runs):
        manifests[run.manifest.run_id] = run.manifest
        for variant, facts in run.manifest.models.items():
            known = models.get(variant)
            models[variant] = _more_known(known, facts)
            if models[variant] is not known:
                sources[run.manifest.run_id] = run.manifest
        for record in run.records:
            _place(series, run, record)
        used = (sources, *(group.runs for group in series.values()))
        if any(run.manifest.run_id in runs_used for runs_used in used):
            shown.insert(0, run)
    by_order = partial(_place_in, {variant: index for index, variant in enumerate(order)})
    for group in series.values():
        group.boxes = {
            variant: group.boxes[variant] for variant in sorted(group.boxes, key=by_order)
        }
    ordered = _ordered(series)
    _mark_shared_names(ordered)
    return View(
        models={variant: models[variant] for variant in sorted(models, key=by_order)},
        series=[group for group in ordered if group.preset != SUSTAINED],
        sustained=[group for group in ordered if group.preset == SUSTAINED],
        published=published,
        faults=faults,
        declared=declared or {},
        accuracies=accuracies,
        servings=servings,
        sources=sources | {i: m for group in series.values() for i, m in group.runs.items()},
        records={(run.manifest.run_id, it.cell_id): it for run in shown for it in run.records},
        manifests=dict(reversed(manifests.items())),
    )


def _place_in(rank: Mapping[str, int], variant: str) -> tuple[int, str]:
    """Return what variants are sorted by: those that `rank` knows first."""
    return rank.get(variant, len(rank)), variant


def _mark_shared_names(ordered: Sequence[Series]) -> None:
    """Mark the series of systems whose heading another system has too."""
    named = {(one.system.heading, one.system.system_id) for one in ordered}
    headings = Counter(heading for heading, _ in named)
    for group in ordered:
        group.shares_name = headings[group.system.heading] > 1


def _ordered(series: Mapping[_SeriesKey, Series]) -> list[Series]:
    """Return series in a report's order: those of the newest run's system first, emulated last."""
    newest = (
        (max(one.runs), one.system.system_id) for one in series.values() if not one.system.emulated
    )
    own = max(newest, default=("", ""))[1]

    def rank(item: tuple[_SeriesKey, Series]) -> tuple[bool, bool, _SeriesKey]:
        key, one = item
        return one.system.emulated, one.system.system_id != own, key

    return [one for _, one in sorted(series.items(), key=rank)]


def _more_known(newer: ModelFacts | None, older: ModelFacts) -> ModelFacts:
    """Return the newer facts, with what only the older ones know of the same net filled in.

    A hash over other weights doesn't tell whether the net is the same; costs don't hang on weights.
    """
    if newer is None:
        return older
    if newer.model_hash != older.model_hash and newer.weights == older.weights:
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
    facts = manifest.models.get(cell.variant)
    weights = facts.weights if facts else manifest.weights
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
        weights,
    )
    group = series.setdefault(
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
            weights=weights,
            beside=tuple(manifest.beside),
        ),
    )
    _box_into(group, record, manifest)


def _box_into(group: Series, record: Record, manifest: RunManifest) -> None:
    cell = record.cell
    engine = record.sessions[0].facts.get("engine") if record.sessions else None
    other_engine = engine is not None and group.engine not in (None, engine)
    row, column = group.boxes.get(cell.variant, {}), (cell.batch, cell.threads)
    if any(box.model_hash != cell.model_hash for box in row.values()):
        return
    if column in row:
        row[column] = with_older(row[column], record, manifest.run_id)
    elif not other_engine:
        group.boxes[cell.variant] = row | {column: box_of(record, manifest.run_id)}
        group.engine = group.engine or engine
        group.runs[manifest.run_id] = manifest
