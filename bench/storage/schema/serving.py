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

    title: str = Field(description="the model's name in reports")
    model_hash: str = Field(description="names the net and the weights that were asked for")
    weights: str = Field(description="which weights: seeded, pretrained or a file")
    weights_sha256: str | None = Field(default=None, description="digest of the file of weights")


class SettingFields(Strict):
    """What LoadGen was asked for; `bench.serving.scenarios.Settings`."""

    scenario: ScenarioName = Field(description="LoadGen's scenario")
    duration_s: Seconds = Field(description="least seconds of the load")
    queries: Positive = Field(description="least queries of the load")
    percentile: Percent = Field(description="the percentile that it is judged by")
    connections: Positive = Field(description="requests in flight at once, at most")
    rate: Number | None = Field(
        description="target rate of server, expected one of offline, samples a second"
    )
    latency_ms: Number | None = Field(
        description="what the percentile of a server must be within, ms"
    )
    seed: Whole = Field(description="LoadGen's seeds")


class ServerFields(Strict):
    """What the server says of itself; `binary`: it takes tensors as bytes."""

    name: str = Field(description="the server's name, as it says")
    version: str = Field(description="its version")
    model: str = Field(description="the model as the server calls it")
    platform: str = Field(description="what the server says it runs the model with")
    binary: bool = Field(description="whether it takes tensors as bytes")


class LoadGenFields(Strict):
    """What LoadGen's log says. Rates are samples a second; percentiles have their number as key.

    `early_stopping_ns` are the bounds that LoadGen proves with 99% confidence, of single-stream
    alone; a server's percentile is proved where the load is valid. `bound_met`: its percentile was
    within the bound. `errors` are LoadGen's own.
    """

    version: str = Field(description="LoadGen's version")
    valid: bool = Field(description="whether LoadGen calls the load valid")
    bound_met: bool | None = Field(
        description="whether a server's percentile was within the bound; null: there is none"
    )
    reason: str = Field(description="why it isn't valid")
    queries: Count = Field(description="queries that LoadGen issued; of offline there is one")
    over_latency: Count | None = Field(description="queries above the bound")
    scheduled_per_s: Number | None = Field(description="samples a second that were scheduled")
    completed_per_s: Number | None = Field(description="samples a second that were answered")
    mean_ns: Duration = Field(description="mean latency")
    min_ns: Duration = Field(description="least latency")
    max_ns: Duration = Field(description="greatest latency")
    percentiles_ns: dict[str, Duration] = Field(description="latencies by percentile")
    early_stopping_ns: dict[str, Duration] = Field(
        description="bounds on percentiles that LoadGen proves with 99% confidence"
    )
    errors: Count = Field(description="errors of LoadGen's own")


class ClientFields(Strict):
    """What the load generator cost: its process's CPU time of the load, and what waited in it.

    `null_ns` is what a query costs it that is answered at once; `all_busy_ns` how long every
    connection was in use; `wait_ns` how long samples waited for one, by percentile.
    """

    requests: Count = Field(description="requests that were sent")
    reopened: Count = Field(description="connections that were opened again")
    wall_ns: Inference = Field(description="how long the load took")
    cpu_ns: Duration = Field(description="CPU time of the load generator's process meanwhile")
    null_ns: Duration = Field(description="what a query costs it that is answered at once")
    all_busy_ns: Duration = Field(description="how long every connection was in use")
    most_in_flight: Count = Field(description="most requests in flight at once")
    wait_ns: dict[str, Duration] = Field(
        description="how long samples waited for a connection, by percentile"
    )


class ParityFields(Strict):
    """How many answers were compared and how many were wrong; the rest were within `relative_l2`.

    `reference`: the first sample's with the net's own outputs; else all only with what the server
    answered before the load.
    """

    reference: bool = Field(
        description="whether the first sample's answer was compared with the net's own outputs"
    )
    tolerance: Distance = Field(description="greatest distance of a right answer")
    checked: Count = Field(description="answers that were compared")
    wrong: Count = Field(description="those of them that were wrong")
    relative_l2: Distance = Field(description="greatest distance among the right ones")


class ProbeFields(Strict):
    """A rate that the search for the highest one tried."""

    rate: Number = Field(description="samples a second")
    holds: bool = Field(
        description="whether the percentile was within the bound and no request failed"
    )
    percentile_ns: Duration | None = Field(description="the percentile")
    failed: Count = Field(description="requests without a right answer")


class LoadFields(Strict):
    """One load: a run of LoadGen, what it says, and what it doesn't see.

    `errors` counts the requests without a right answer, by kind; LoadGen takes them for answered,
    and a load with any isn't valid. `logs` has the digests of LoadGen's logs by name.
    """

    settings: SettingFields = Field(description="what LoadGen was asked for")
    server: ServerFields = Field(description="what the server says of itself")
    loadgen: LoadGenFields = Field(description="what LoadGen's log says")
    client: ClientFields = Field(description="what the load generator cost")
    parity: ParityFields = Field(description="how the answers compare")
    errors: dict[str, Count] = Field(description="requests without a right answer, by kind")
    first_errors: dict[str, str] = Field(description="the first of each kind in words")
    probes: list[ProbeFields] = Field(default=[], description="rates that the search tried")
    logs: dict[str, str] = Field(default={}, description="digests of LoadGen's logs, by name")

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

    in_process_ns: Inference = Field(description="median of the in-process calls")
    in_process: Positive = Field(description="how many calls")
    served_ns: Inference = Field(description="median of a single stream through the server")
    served: Positive = Field(description="how many queries")


class CostFields(Strict):
    """The in-process call and the served one by turns, in the same minutes on the same engine."""

    rounds: Annotated[list[RoundFields], Field(min_length=1)] = Field(
        description="rounds in which both took turns"
    )
    relative_l2: Distance = Field(
        description="how far the engine's output in process was from the reference"
    )
    facts: dict[str, str] = Field(description="what the engine in process says of itself")


class ServingLine(Strict):
    """A line of journal.jsonl: what became of a load, or of a cell's comparison with in-process."""

    load_id: Id = Field(description="which load of the manifest")
    load: LoadFields | None = Field(default=None, description="the load that was made")
    cost: CostFields | None = Field(
        default=None, description="the comparison with the in-process call"
    )
    failed: Failed | None = Field(default=None, description="why it gave no figure")
    skipped: Skipped | None = Field(default=None, description="why it can't be made here")

    @model_validator(mode="after")
    def _one_outcome(self) -> ServingLine:
        if sum(it is not None for it in (self.load, self.cost, self.failed, self.skipped)) != 1:
            raise ValueError("it has no outcome, or more than one")
        return self


class PlannedLoad(Strict):
    """What a load is of: a cell, None for a server that was given by its URL; None for `scenario`
    is the comparison with the in-process call.
    """

    cell_id: Id | None = Field(description="the cell that is served; null: a server by its URL")
    scenario: ScenarioName | None = Field(
        description="LoadGen's scenario; null: the comparison with the in-process call"
    )


class ServingManifest(ManifestFields):
    """serving.json: everything of a run of loads that isn't in its journal.

    `local`: the server runs on this machine too. `serve`: flags of the servers that were started.
    `asked`: what took the place of the preset's, by the name of its flag.
    """

    schema_version: Literal[1] = Field(
        default=SERVING_SCHEMA_VERSION, description="version of this form"
    )
    suite: str | None = Field(
        description="the suite whose cells are served; null: a server by its URL"
    )
    preset: str = Field(description="how thoroughly it was loaded")
    local: bool = Field(description="whether the server ran on the machine that made the load")
    seed: Count = Field(description="shifts LoadGen's seeds")
    serve: dict[str, str] = Field(default={}, description="flags of the servers that were started")
    asked: dict[str, Number] = Field(
        default={}, description="what took the place of the preset's, by the name of its flag"
    )
    loads: dict[Id, PlannedLoad] = Field(description="what is to be loaded, by id")
    cells: dict[Id, CellFields] = Field(description="what is served, by cell id")
    models: dict[str, ServedModel] = Field(description="the nets by their names in the catalogue")
