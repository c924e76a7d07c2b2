"""What is stored: sessions with their raw samples, a cell's outcome, a run's manifest, a system.

pydantic at the boundary: an unknown field is an error that names it. Every statistic is derived
from the samples elsewhere (`bench.stats`); no record holds one.

SCHEMA_VERSION history
    1  first form
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.boundary import Strict
from bench.cell import Cell

SCHEMA_VERSION: Literal[1] = 1

Version = Literal[1]
Count = Annotated[int, Field(ge=0)]
Duration = Annotated[int, Field(ge=0, description="nanoseconds")]
Scalar = str | int | float


class CellFields(Strict):
    """`bench.cell.Cell` as it is stored."""

    variant: str
    model_hash: str
    runner: str
    batch: Annotated[int, Field(gt=0)]
    threads: Annotated[int, Field(gt=0)]
    precision: str
    input: str
    settings: dict[str, str]

    def to_cell(self) -> Cell:
        return Cell.from_json(self.model_dump())


class SamplingFields(Strict):
    """`bench.cell.Sampling` as it is stored."""

    preset: str
    sessions: Annotated[int, Field(gt=0)]
    samples: Annotated[int, Field(gt=0)]
    min_samples: Annotated[int, Field(gt=0)]
    budget_s: float
    warmup_calls: Count
    warmup_s: float
    warmup_cap_s: float
    steady_window: int
    steady_tolerance: float | None
    statistic: Literal["median", "mean"]
    timeout_s: float
    max_sessions: int | None = None
    half_width: float | None = None
    grow_for_s: float = 0.0


class Session(Strict):
    """One fresh process: the unit of inference. Durations in integer nanoseconds, in order."""

    started: str
    order: Count
    round: Count
    pid: int
    wall_ns: Duration
    load_ns: Duration
    first_inference_ns: Duration
    relative_l2: Annotated[float, Field(ge=0)]
    steady: bool
    warmup_ns: list[Duration]
    samples_ns: Annotated[list[Duration], Field(min_length=1)]
    facts: dict[str, str]
    covariates: dict[str, Scalar]
    before: dict[str, Scalar]
    after: dict[str, Scalar]
    teardown: str | None = None


class Measured(Strict):
    """Each of its sessions gave samples and the right output; `stopped` says why there are no more.

    `bench.stopping` tells what the words mean.
    """

    kind: Literal["measured"] = "measured"
    stopped: Literal["fixed", "narrow", "cap", "time"] = "fixed"


class Skipped(Strict):
    """The cell can't be had here; `hint` says what would bring it."""

    kind: Literal["skipped"] = "skipped"
    reason: str
    hint: str


class Failed(Strict):
    """The cell was tried and gave no figure that may count."""

    kind: Literal["failed"] = "failed"
    failure: str
    message: str
    hint: str
    log_tail: str


Outcome = Annotated[Measured | Skipped | Failed, Field(discriminator="kind")]


class Record(Strict):
    """One cell of one run."""

    schema_version: Version = SCHEMA_VERSION
    unit: Literal["ns"] = "ns"
    cell_id: str
    cell: CellFields
    plan_hash: str
    sampling: SamplingFields
    outcome: Outcome
    sessions: list[Session]

    @model_validator(mode="after")
    def _measured_has_sessions(self) -> Record:
        if isinstance(self.outcome, Measured) and not self.sessions:
            raise ValueError("a measured cell has no session")
        return self


class JournalEntry(Strict):
    """A line of journal.jsonl: a session that ended well, or a failure that ended its cell."""

    cell_id: str
    session: Session | None = None
    failed: Failed | None = None
    skipped: Skipped | None = None


class Storage(Strict):
    """The size of the file that a phone would hold."""

    format: str
    bytes: Annotated[int, Field(gt=0)]
    sha256_body: str
    converter: str


class Costs(Strict):
    """Counted per image over the exported program; the conventions are in models/README.md."""

    params: Count
    params_trainable: Count
    macs: Count
    flops_paddle: Count
    uncounted: list[str]


class ModelFacts(Strict):
    """What a run knows of a model beside its latency."""

    title: str
    published: str | None
    model_hash: str
    weights: str
    weights_sha256: str | None = None
    costs: Costs | None = None
    storage: Storage | None = None
    missing: dict[str, str] = {}
    artifacts: dict[str, dict[str, str]] = {}


class Provenance(Strict):
    """Who could repeat this run, with what: code, command, versions, the state of the machine."""

    commit: str | None
    dirty: bool | None
    command: list[str]
    harness: dict[str, str]
    environments: dict[str, dict[str, str]]
    host: str
    conditions: dict[str, Scalar]


class RunManifest(Strict):
    """run.json: everything of a run that isn't a cell's record."""

    schema_version: Version = SCHEMA_VERSION
    run_id: str
    system_id: str
    status: Literal["running", "interrupted", "complete"]
    started: str
    finished: str | None = None
    suite: str
    suite_title: str
    target: str
    beside: list[str]
    seed: int
    sampling: SamplingFields
    rounds: list[list[str]]
    cells: dict[str, CellFields]
    models: dict[str, ModelFacts]
    left_out: list[str]
    weights: str
    provenance: Provenance


class System(Strict):
    """results/systems/<system_id>.json: hardware under its real name."""

    schema_version: Version = SCHEMA_VERSION
    system_id: str
    heading: str
    emulated: bool = False
    facts: dict[str, Scalar | list[str]]
