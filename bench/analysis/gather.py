"""Stored runs -> the view of them: which record stands where, and which figures are earlier ones.

Of each cell the newest record is shown; the earlier figures stand with it. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Reversible, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from bench.analysis.accuracy import StoredAccuracy
from bench.analysis.boxes import Older, box_of, engine_of, older_of
from bench.analysis.brief import Brief, Name, SeriesKey, name_of, series_key, weights_of
from bench.analysis.run_context import UNKNOWN
from bench.analysis.series import Column, Declared, Series, StoredRun, View
from bench.analysis.serving import StoredServing
from bench.analysis.statistics import Estimate
from bench.config.published import Fault, Published
from bench.config.sustained import PRESET as SUSTAINED
from bench.storage.schema.latency import ModelFacts, Record, RunManifest


def gather(
    runs: Reversible[StoredRun | Brief],
    *,
    order: Sequence[str],
    published: Mapping[str, Published],
    faults: Sequence[Fault],
    declared: Mapping[str, Declared] | None = None,
    accuracies: Sequence[StoredAccuracy] = (),
    servings: Sequence[StoredServing] = (),
) -> View:
    """Return the view of what is stored, each oldest first, with variants in that `order`.

    Each run is taken once, the newest first; of one that nothing is shown of no record is kept. A
    run may be a brief where newer ones have all of its names.
    """
    known, placed = _Known(), _Placed()
    shown: list[StoredRun] = []
    manifests: dict[str, RunManifest] = {}
    for run in reversed(runs):
        if isinstance(run, Brief):
            placed.add_earlier(run)
            continue
        run_id = run.manifest.run_id
        manifests[run_id] = run.manifest
        known.add(run.manifest)
        placed.add(run)
        if run_id in known.sources or any(run_id in it.runs for it in placed.series.values()):
            shown.insert(0, run)
    by_order = partial(_place_in, {variant: index for index, variant in enumerate(order)})
    ordered = _ordered(placed.with_earlier())
    for group in ordered:
        group.boxes = {it: group.boxes[it] for it in sorted(group.boxes, key=by_order)}
    _mark_shared_names(ordered)
    return View(
        models={it: known.models[it] for it in sorted(known.models, key=by_order)},
        series=[group for group in ordered if group.preset != SUSTAINED],
        sustained=[group for group in ordered if group.preset == SUSTAINED],
        published=published,
        faults=faults,
        declared=declared or {},
        accuracies=accuracies,
        servings=servings,
        sources=known.sources | {i: it for group in ordered for i, it in group.runs.items()},
        records={(run.manifest.run_id, it.cell_id): it for run in shown for it in run.records},
        profiles={(run.manifest.run_id, it.cell_id): it for run in shown for it in run.profiles},
        manifests=dict(reversed(manifests.items())),
    )


@dataclass(slots=True)
class _Known:
    """What is known of each net, from runs that come newest first, and the runs it is from."""

    models: dict[str, ModelFacts] = field(default_factory=dict)
    sources: dict[str, RunManifest] = field(default_factory=dict)

    def add(self, manifest: RunManifest) -> None:
        """Add what an older run knows more."""
        for variant, facts in manifest.models.items():
            known = self.models.get(variant)
            self.models[variant] = _more_known(known, facts)
            if self.models[variant] is not known:
                self.sources[manifest.run_id] = manifest


def _place_in(rank: Mapping[str, int], variant: str) -> tuple[int, str]:
    """Return what variants are sorted by: those that `rank` knows first."""
    return rank.get(variant, len(rank)), variant


def _mark_shared_names(ordered: Sequence[Series]) -> None:
    """Mark the series of systems whose heading another system has too."""
    named = {(one.system.heading, one.system.system_id) for one in ordered}
    headings = Counter(heading for heading, _ in named)
    for group in ordered:
        group.shares_name = headings[group.system.heading] > 1


def _ordered(series: Mapping[SeriesKey, Series]) -> list[Series]:
    """Return series in a report's order: those of the newest run's system first, emulated last."""
    newest = (
        (max(one.runs), one.system.system_id) for one in series.values() if not one.system.emulated
    )
    own = max(newest, default=("", ""))[1]

    def rank(item: tuple[SeriesKey, Series]) -> tuple[bool, bool, SeriesKey]:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where a record stands, or would: its series, row and column, and what is told of it."""

    group: Series
    variant: str
    column: Column
    model_hash: str
    engine: str | None


@dataclass(slots=True)
class _Placed:
    """The records that were placed so far, newest first, and the earlier figures of their cells."""

    series: dict[SeriesKey, Series] = field(default_factory=dict)
    _spots: dict[Name, _Spot] = field(default_factory=dict)
    _earlier: dict[tuple[int, str, Column], list[Older]] = field(default_factory=dict)

    def add(self, run: StoredRun) -> None:
        """Put each record into its series, unless a newer one, net or engine version is there."""
        for record in run.records:
            key = series_key(run, record)
            group = self.series.get(key)
            if group is None:
                group = self.series[key] = _series(run, record)
            cell = record.cell
            spot = _Spot(
                group=group,
                variant=cell.variant,
                column=(cell.batch, cell.threads),
                model_hash=cell.model_hash,
                engine=engine_of(record),
            )
            self._spots[name_of(key, record)] = spot
            self._add_record(spot, record, run.manifest)

    def _add_record(self, spot: _Spot, record: Record, manifest: RunManifest) -> None:
        group = spot.group
        other_engine = spot.engine is not None and group.engine not in (None, spot.engine)
        row = group.boxes.get(spot.variant, {})
        if any(box.model_hash != spot.model_hash for box in row.values()):
            return
        if spot.column in row:
            older = older_of(record, manifest.run_id)
            if older is not None:
                self._add_older(spot, older)
        elif not other_engine:
            group.boxes[spot.variant] = row | {spot.column: box_of(record, manifest.run_id)}
            group.engine = group.engine or spot.engine
            group.runs[manifest.run_id] = manifest

    def add_earlier(self, brief: Brief) -> None:
        """Add the figures of a run whose names are all known."""
        for name, value, half, sessions, samples in brief.earlier():
            spot = self._spots[name]
            row = spot.group.boxes.get(spot.variant, {})
            if spot.column not in row or row[spot.column].model_hash != spot.model_hash:
                continue
            estimate = Estimate(
                value_ns=value,
                half_width_ns=half,
                sessions=sessions,
                samples=samples,
                statistic=spot.group.statistic,
            )
            engine = spot.engine or UNKNOWN
            self._add_older(spot, Older(run_id=brief.run_id, engine=engine, estimate=estimate))

    def _add_older(self, spot: _Spot, older: Older) -> None:
        key = (id(spot.group), spot.variant, spot.column)
        self._earlier.setdefault(key, []).append(older)

    def with_earlier(self) -> dict[SeriesKey, Series]:
        """Return the series, their boxes with the earlier figures."""
        for group in self.series.values():
            for variant, row in group.boxes.items():
                for column, box in row.items():
                    older = self._earlier.get((id(group), variant, column), ())
                    row[column] = replace(box, older=tuple(older)) if older else box
        return self.series


def _series(run: StoredRun, record: Record) -> Series:
    cell, manifest = record.cell, run.manifest
    return Series(
        system=run.system,
        target=manifest.target,
        runner=cell.runner,
        settings=cell.settings,
        precision=cell.precision,
        preset=record.sampling.preset,
        statistic=record.sampling.statistic,
        suite=manifest.suite,
        weights=weights_of(manifest, record),
        beside=tuple(manifest.beside),
    )
