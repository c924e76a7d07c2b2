"""What is stored: sessions with their raw samples, a cell's outcome, a run's manifest, a system.

pydantic at the boundary: an unknown field is an error that names it. Every statistic is derived
from the samples elsewhere (`bench.analysis.statistics`); no record holds one.

SCHEMA_VERSION history
    1  first form; later a burst's start, canary and counters: a file without them is read as ever
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bench.storage.schema.common import (
    SCHEMA_VERSION,
    CellFields,
    Distance,
    Duration,
    Failed,
    Id,
    Inference,
    ManifestFields,
    Name,
    SamplingFields,
    Scalar,
    Skipped,
    Version,
)
from bench.storage.validation import Count, Positive, Strict, Whole


class Bursts(Strict):
    """The bursts in which a session's samples were taken, in order, one of each list a burst.

    `wait_ns` is what the session's threads waited on a run queue, `cpu_ns` what they had of the
    CPU, both summed over threads; `wall_ns` is what passed meanwhile. The others are None where
    they aren't known, as in files of before. `started_ns` is on the clock that all processes of the
    machine share since its start (CLOCK_MONOTONIC): it compares those that were alive together.
    `canary_ns` is the time of a fixed kernel right before the burst. The rest count what happened
    in it (`bench.worker.counters`); `steal_ms` is the whole machine's.
    """

    samples: list[Positive]
    wait_ns: list[Duration]
    cpu_ns: list[Duration]
    wall_ns: list[Inference]
    started_ns: list[Count] | None = None
    canary_ns: list[Inference] | None = None
    major_faults: list[Count] | None = None
    minor_faults: list[Count] | None = None
    migrations: list[Count] | None = None
    involuntary_switches: list[Count] | None = None
    throttled_periods: list[Count] | None = None
    throttled_us: list[Count] | None = None
    steal_ms: list[Count] | None = None
    collections: list[Count] | None = None

    @model_validator(mode="after")
    def _one_of_each(self) -> Bursts:
        if len({len(values) for values in dict(self).values() if values is not None}) > 1:
            raise ValueError("the lists of the bursts aren't equally long")
        return self


class Session(Strict):
    """One fresh process: the unit of inference. Durations in integer nanoseconds, in order.

    `reported_ns` (min, max, avg) stands for the samples of a tool that prints none; where it prints
    no output that could be checked, `relative_l2` is None. `figures_ns` are durations of other
    figures than the samples, which are end to end: a GPU's `on_device` and `enqueue`, a phone's
    `run` (the engine's part of each sample). `build_ns` is what this session took to build its
    engine, None where it built none; `load_ns` doesn't hold it. `bursts` is None where what its
    threads waited for the CPU isn't known. Sessions of one run with the same `turn` and start were
    alive together and took turns: the n-th bursts of all of them are of one lap, and `wall_ns` is
    of all.
    """

    started: str
    order: Count
    round: Count
    pid: Whole
    wall_ns: Duration
    load_ns: Duration
    first_inference_ns: Duration
    relative_l2: Distance | None
    steady: bool
    warmup_ns: list[Inference]
    samples_ns: list[Inference]
    bursts: Bursts | None = None
    turn: Count | None = None
    reported_ns: dict[str, Inference] | None = None
    figures_ns: dict[str, list[Inference]] = {}
    build_ns: Duration | None = None
    facts: dict[str, str]
    covariates: dict[str, Scalar]
    before: dict[str, Scalar]
    after: dict[str, Scalar]
    teardown: str | None = None

    @model_validator(mode="after")
    def _has_a_figure(self) -> Session:
        if self.reported_ns is None and (not self.samples_ns or self.relative_l2 is None):
            raise ValueError("a session has no sample, or its output wasn't checked")
        if self.reported_ns is not None and (self.samples_ns or "avg" not in self.reported_ns):
            raise ValueError("a session has a tool's figures and samples, or no average")
        if self.bursts is not None and sum(self.bursts.samples) != len(self.samples_ns):
            raise ValueError("the bursts of a session don't hold its samples")
        return self


class Measured(Strict):
    """Each of its sessions gave samples and the right output; `stopped` says why there are no more.

    `bench.analysis.stopping` tells what the words mean.
    """

    kind: Literal["measured"] = "measured"
    stopped: Literal["fixed", "narrow", "cap", "time"] = "fixed"


Outcome = Annotated[Measured | Skipped | Failed, Field(discriminator="kind")]


class Record(Strict):
    """One cell of one run."""

    schema_version: Version = SCHEMA_VERSION
    unit: Literal["ns"] = "ns"
    cell_id: Id
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

    @property
    def failed_for_now(self) -> bool:
        """Whether it has no figure for a reason that may pass."""
        return isinstance(self.outcome, Failed) and self.outcome.is_passing


class JournalEntry(Strict):
    """A line of journal.jsonl: a session that ended well, or a failure that ended its cell."""

    cell_id: Id
    session: Session | None = None
    failed: Failed | None = None
    skipped: Skipped | None = None


class Storage(Strict):
    """The size of the file that a phone would hold."""

    format: str
    bytes: Positive
    sha256_body: str
    converter: str


class Costs(Strict):
    """Counted per image over the exported program; the conventions are in models/README.md."""

    params: Count
    params_trainable: Count
    macs: Count
    flops_paddle: Count
    uncounted: list[str]

    @property
    def operations(self) -> tuple[int, int] | None:
        """`macs` and `flops_paddle`, None where nothing but uncounted operators was found."""
        return (self.macs, self.flops_paddle) if self.macs or not self.uncounted else None


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


class RunManifest(ManifestFields):
    """run.json: everything of a run that isn't a cell's record."""

    schema_version: Version = SCHEMA_VERSION
    suite: Name
    suite_title: str
    beside: list[str]
    seed: Whole
    sampling: SamplingFields
    rounds: list[list[str]]
    cells: dict[Id, CellFields]
    models: dict[str, ModelFacts]
    left_out: list[str]
    weights: str


class ModelRecipe(Strict):
    """The net that was measured, and the SHA-256 of the files that engines loaded, by artifact."""

    model_hash: str
    weights: str
    weights_sha256: str | None = None
    artifacts: dict[str, dict[str, str]] = {}


class Recipe(Strict):
    """What it takes to measure a baseline again; `locks` has the SHA-256 of bench/envs/*.txt."""

    commit: str
    command: list[str]
    locks: dict[str, str]
    harness: dict[str, str]
    environments: dict[str, dict[str, str]]
    models: dict[str, ModelRecipe]


class Baseline(Strict):
    """results/baselines/<system_id>.json: the run that later ones are held against, by cell."""

    schema_version: Version = SCHEMA_VERSION
    system_id: Id
    accepted: str
    suite: Name
    preset: Name
    recipe: Recipe
    cells: Annotated[dict[str, str], Field(description="cell_id -> run_id", min_length=1)]

    @property
    def run_id(self) -> str:
        return next(iter(self.cells.values()))

    @model_validator(mode="after")
    def _of_one_run(self) -> Baseline:
        if len(set(self.cells.values())) > 1:
            raise ValueError("its cells are of several runs, and the recipe is of one")
        return self


def reason(why: Failed | Skipped) -> str:
    """Return why there is no figure, in one line."""
    if isinstance(why, Failed):
        text = f"failed ({why.failure}): {why.message}: {why.hint}"
    else:
        text = f"skipped: {why.reason}: {why.hint}"
    return " ".join(text.split())
