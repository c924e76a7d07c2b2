"""What is stored of a run of loads: its manifest, and a journal of what each load came to.

The journal stays. Beside it lie LoadGen's own logs of each load, loadgen/<load_id>/, whose digests
stand in the load's line.

SERVING_SCHEMA_VERSION history
    1  first form
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.storage.schema.common import (
    CellFields,
    Distance,
    Duration,
    Failed,
    Id,
    Inference,
    ManifestFields,
    Skipped,
)
from bench.storage.validation import Count, Number, Positive, Seconds, Strict, Whole

SERVING_SCHEMA_VERSION: Literal[1] = 1

ScenarioName = Literal["single-stream", "server", "offline"]

Percent = Annotated[float, Field(gt=0, lt=100)]


class ServedModel(Strict):
    """A net that is served, and its weights."""

    title: str
    model_hash: str
    weights: str
    weights_sha256: str | None = None


class SettingFields(Strict):
    """What LoadGen was asked for; `bench.serving.scenarios.Settings`."""

    scenario: ScenarioName
    duration_s: Seconds
    queries: Positive
    percentile: Percent
    connections: Positive
    rate: Number | None
    latency_ms: Number | None
    seed: Whole


class ServerFields(Strict):
    """What the server says of itself; `binary`: it takes tensors as bytes."""

    name: str
    version: str
    model: str
    platform: str
    binary: bool


class LoadGenFields(Strict):
    """What LoadGen's log says. Rates are samples a second; percentiles have their number as key.

    `early_stopping_ns` are the bounds that LoadGen proves with 99% confidence, of single-stream
    alone; a server's percentile is proved where the load is valid. `bound_met`: its percentile was
    within the bound. `errors` are LoadGen's own.
    """

    version: str
    valid: bool
    bound_met: bool | None
    reason: str
    queries: Count
    over_latency: Count | None
    scheduled_per_s: Number | None
    completed_per_s: Number | None
    mean_ns: Duration
    min_ns: Duration
    max_ns: Duration
    percentiles_ns: dict[str, Duration]
    early_stopping_ns: dict[str, Duration]
    errors: Count


class ClientFields(Strict):
    """What the load generator cost: its process's CPU time of the load, and what waited in it.

    `null_ns` is what a query costs it that is answered at once; `all_busy_ns` how long every
    connection was in use; `wait_ns` how long samples waited for one, by percentile.
    """

    requests: Count
    reopened: Count
    wall_ns: Inference
    cpu_ns: Duration
    null_ns: Duration
    all_busy_ns: Duration
    most_in_flight: Count
    wait_ns: dict[str, Duration]


class ParityFields(Strict):
    """How many answers were compared and how many were wrong; the rest were within `relative_l2`.

    `reference`: the first sample's with the net's own outputs; else all only with what the server
    answered before the load.
    """

    reference: bool
    tolerance: Distance
    checked: Count
    wrong: Count
    relative_l2: Distance


class ProbeFields(Strict):
    """A rate that the search for the highest one tried."""

    rate: Number
    holds: bool
    percentile_ns: Duration | None
    failed: Count


class LoadFields(Strict):
    """One load: a run of LoadGen, what it says, and what it doesn't see.

    `errors` counts the requests without a right answer, by kind; LoadGen takes them for answered,
    and a load with any isn't valid. `logs` has the digests of LoadGen's logs by name.
    """

    settings: SettingFields
    server: ServerFields
    loadgen: LoadGenFields
    client: ClientFields
    parity: ParityFields
    errors: dict[str, Count]
    first_errors: dict[str, str]
    probes: list[ProbeFields] = []
    logs: dict[str, str] = {}

    @property
    def failed(self) -> int:
        """How many requests had no right answer."""
        return sum(self.errors.values())

    @property
    def valid(self) -> bool:
        """Whether the load's figures count."""
        return self.loadgen.valid and not self.failed

    @property
    def reason(self) -> str:
        """Why they don't, "" where they do."""
        counted = ", ".join(f"{count} x {kind}" for kind, count in self.errors.items() if count)
        errors = f"requests without a right answer: {counted}" if counted else ""
        return "; ".join(filter(None, (self.loadgen.reason, errors)))


class RoundFields(Strict):
    """A round of the cost of serving: medians of the in-process call and of the served one.

    `served` are the queries that the second is of, `in_process` the calls of the first.
    """

    in_process_ns: Inference
    in_process: Positive
    served_ns: Inference
    served: Positive


class CostFields(Strict):
    """The in-process call and the served one by turns, in the same minutes on the same engine."""

    rounds: Annotated[list[RoundFields], Field(min_length=1)]
    relative_l2: Distance
    facts: dict[str, str]


class ServingLine(Strict):
    """A line of journal.jsonl: what became of a load, or of a cell's comparison with in-process."""

    load_id: Id
    load: LoadFields | None = None
    cost: CostFields | None = None
    failed: Failed | None = None
    skipped: Skipped | None = None

    @model_validator(mode="after")
    def _one_outcome(self) -> ServingLine:
        if sum(it is not None for it in (self.load, self.cost, self.failed, self.skipped)) != 1:
            raise ValueError("it has no outcome, or more than one")
        return self


class PlannedLoad(Strict):
    """What a load is of: a cell, None for a server that was given by its URL; None for `scenario`
    is the comparison with the in-process call.
    """

    cell_id: Id | None
    scenario: ScenarioName | None


class ServingManifest(ManifestFields):
    """serving.json: everything of a run of loads that isn't in its journal.

    `local`: the server runs on this machine too. `serve`: flags of the servers that were started.
    `asked`: what took the place of the preset's, by the name of its flag.
    """

    schema_version: Literal[1] = SERVING_SCHEMA_VERSION
    suite: str | None
    preset: str
    local: bool
    seed: Count
    serve: dict[str, str] = {}
    asked: dict[str, Number] = {}
    loads: dict[Id, PlannedLoad]
    cells: dict[Id, CellFields]
    models: dict[str, ServedModel]
