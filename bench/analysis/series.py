"""Stored runs -> what the reports show. Pure: records come in, every figure is derived here.

Figures stand in one table only where they may be compared: same system, runner, settings,
precision, preset and engine version. Within such a series a cell's newest record counts, and a row
is of one net: figures of a net that has changed since stay out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.accuracy import StoredAccuracy
from bench.analysis.boxes import Box
from bench.analysis.serving import StoredServing
from bench.analysis.turns import Race, race
from bench.analysis.variance import Components
from bench.config.published import Fault, Published
from bench.storage.schema.common import System
from bench.storage.schema.latency import ModelFacts, Record, RunManifest
from bench.storage.schema.profile import ProfileRecord

Column = tuple[int, int]
"""Batch and threads."""

CellKey = tuple[str, str]
"""The run and the cell that name one stored record."""

Mark = tuple[str, str, str]
"""Published or measured, a model's title, a column: what the audit says of one figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run with all of its records and profiles, each read once from the store."""

    manifest: RunManifest
    system: System
    records: Sequence[Record]
    profiles: Sequence[ProfileRecord] = ()

    @property
    def run_id(self) -> str:
        return self.manifest.run_id


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
    profiles: Mapping[CellKey, ProfileRecord] = field(default_factory=dict, repr=False)
    manifests: Mapping[str, RunManifest] = field(default_factory=dict, repr=False)

    def published_of(self, variant: str) -> Published | None:
        name = self.models[variant].published
        return self.published.get(name) if name else None

    def faults_of(self, name: str, column: str) -> list[Fault]:
        return [fault for fault in self.faults if fault.model == name and column in fault.columns]
