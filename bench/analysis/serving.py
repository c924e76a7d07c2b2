"""A run of loads -> its figures: what each scenario is judged by, and what serving costs. Pure.

The cost of serving is judged by rounds: in each the in-process call and the served one are measured
one after the other, so that what the machine does to one it mostly does to the other too. The
difference of a round's medians is one observation; the interval is Student's t over rounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import get_args

from bench.analysis.statistics import t_interval
from bench.storage.schema.common import CellFields, Failed, Skipped
from bench.storage.schema.serving import (
    CostFields,
    LoadFields,
    PlannedLoad,
    ScenarioName,
    ServedModel,
    ServingLine,
    ServingManifest,
)

MOST_CPU_SHARE = 0.8
"""From this share of a core on the load generator, which has one interpreter, is at its limit."""

MOST_BUSY_SHARE = 0.5
"""From this share of the time on in which every connection is in use, samples wait for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredServing:
    """A stored run of loads; of several lines on one load the last counts."""

    manifest: ServingManifest
    lines: tuple[ServingLine, ...]

    def line(self, load_id: str) -> ServingLine | None:
        return {it.load_id: it for it in self.lines}.get(load_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedLoad:
    """A load of a run with what it is of; `cell` and `model` None: of a server by its URL."""

    run: StoredServing
    load_id: str
    planned: PlannedLoad
    line: ServingLine
    cell: CellFields | None
    model: ServedModel | None

    @property
    def title(self) -> str:
        """The model's name: the catalogue's, else the server's own."""
        if self.model is not None:
            return self.model.title
        return self.line.load.server.model if self.line.load else "?"

    @property
    def engine(self) -> str:
        """The runner, else what the server says of itself."""
        if self.cell is not None:
            flags = (f"{flag} {value}" for flag, value in self.run.manifest.serve.items())
            return " ".join([self.cell.runner, *flags])
        it = self.line.load and self.line.load.server
        return f"{it.name} {it.version}" if it else "?"

    @property
    def why(self) -> Failed | Skipped | None:
        """What stands in the place of a figure."""
        return self.line.failed or self.line.skipped


def loads_of(run: StoredServing) -> list[ServedLoad]:
    """Return what became of each load of a run, by cell, its scenarios in the order of loading."""
    manifest = run.manifest
    found = []
    for load_id, planned in sorted(manifest.loads.items(), key=_order):
        line = run.line(load_id)
        cell = None if planned.cell_id is None else manifest.cells.get(planned.cell_id)
        model = None if cell is None else manifest.models.get(cell.variant)
        if line is not None:
            found.append(
                ServedLoad(
                    run=run, load_id=load_id, planned=planned, line=line, cell=cell, model=model
                )
            )
    return found


def _order(load: tuple[str, PlannedLoad]) -> tuple[str, int]:
    planned = load[1]
    names = get_args(ScenarioName)
    rank = -1 if planned.scenario is None else names.index(planned.scenario)
    return planned.cell_id or "", rank


def newest(runs: Iterable[StoredServing]) -> list[ServedLoad]:
    """Return the newest load of each system, model, engine, scenario and preset, the oldest run
    first; other percentiles and bounds are other figures.
    """
    latest: dict[tuple[object, ...], ServedLoad] = {}
    for run in runs:
        for it in loads_of(run):
            hashed = it.model.model_hash if it.model else it.title
            cell = (it.cell.threads, it.cell.batch) if it.cell else ()
            settings = it.line.load and it.line.load.settings
            judged = (settings.percentile, settings.latency_ms) if settings else ()
            how = (it.planned.scenario, run.manifest.preset, *judged)
            key = (run.manifest.system_id, hashed, it.engine, *cell, *how)
            latest[key] = it
    return list(latest.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What a scenario is judged by: a latency in ns or a rate a second, None where unknown.

    Of a single stream it is the bound on its percentile that LoadGen proves, of a server the rate
    whose percentile is within the bound, of offline the rate.
    """

    latency_ns: int | None = None
    per_s: float | None = None


def figure(load: LoadFields) -> Figure:
    """Return the figure of a load, whether or not it is valid."""
    settings, said = load.settings, load.loadgen
    if settings.scenario == "single-stream":
        return Figure(latency_ns=said.early_stopping_ns.get(f"{settings.percentile:g}"))
    return Figure(per_s=said.completed_per_s)


def latencies(load: LoadFields) -> tuple[int | None, int | None]:
    """Return the median and p99 of a load's latencies, ns; of offline, which has all samples at
    once, a latency says nothing.
    """
    known = {} if load.settings.scenario == "offline" else load.loadgen.percentiles_ns
    return known.get("50"), known.get("99")


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """What the load generator took of the load: its CPU time a request in ns and as a share of a
    core, what a query costs it at least, the share of the time in which no connection was free, and
    `limit`, what of it may have held the load back, "" for nothing.
    """

    cpu_ns: float
    cpu_share: float
    null_ns: int
    busy_share: float
    limit: str


def generator(load: LoadFields) -> Generator:
    """Return what the load generator took."""
    it = load.client
    cpu, busy = it.cpu_ns / it.wall_ns, it.all_busy_ns / it.wall_ns
    limits = {
        "its own CPU time": cpu >= MOST_CPU_SHARE,
        # A single stream has one, and offline uses all of them from end to end.
        "its connections": load.settings.scenario == "server" and busy >= MOST_BUSY_SHARE,
    }
    return Generator(
        cpu_ns=it.cpu_ns / max(1, it.requests),
        cpu_share=cpu,
        null_ns=it.null_ns,
        busy_share=busy,
        limit=" and ".join(name for name, is_one in limits.items() if is_one),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What serving adds to the in-process call, in ns: means over rounds of their medians, the
    difference with the half-width of its 95% interval (None: one round), and the ratio.
    """

    in_process_ns: float
    served_ns: float
    added_ns: float
    half_width_ns: float | None
    ratio: float
    rounds: int


def cost(fields: CostFields) -> Cost:
    """Return what serving costs."""
    rounds: Sequence[tuple[int, int]] = [(it.in_process_ns, it.served_ns) for it in fields.rounds]
    added, half = t_interval([served - alone for alone, served in rounds])
    alone, served = (fmean(side) for side in zip(*rounds, strict=True))
    return Cost(
        in_process_ns=alone,
        served_ns=served,
        added_ns=added,
        half_width_ns=half,
        ratio=served / alone,
        rounds=len(rounds),
    )
