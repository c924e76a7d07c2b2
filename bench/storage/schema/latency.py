"""What is stored: sessions with their raw samples, a cell's outcome, a run's manifest, a system.

pydantic at the boundary: an unknown field is an error that names it. Every statistic is derived
from the samples elsewhere (`bench.analysis.statistics`); no record holds one.

SCHEMA_VERSION history
    1  first form; later a burst's start, canary and counters, and a session's layers: a file
       without them is read as ever
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
from bench.storage.schema.layers import LayersId
from bench.storage.validation import Count, Positive, Strict, Whole


class Bursts(Strict):
    """The bursts in which a session's samples were taken, in order, one of each list a burst.

    What isn't known is None, as in files of before; the counters are those of
    `bench.worker.counters`. `started_ns` compares bursts of sessions that were alive together.
    """

    samples: list[Positive] = Field(description="how many samples each burst has")
    wait_ns: list[Duration] = Field(
        description="what the session's threads waited on a run queue, summed over threads"
    )
    cpu_ns: list[Duration] = Field(description="what they had of the CPU, summed over threads")
    wall_ns: list[Inference] = Field(description="what passed meanwhile")
    started_ns: list[Count] | None = Field(
        default=None,
        description="its start on the clock that all processes of the machine share since its "
        "start (CLOCK_MONOTONIC)",
    )
    canary_ns: list[Inference] | None = Field(
        default=None, description="the time of a fixed kernel right before the burst"
    )
    major_faults: list[Count] | None = Field(
        default=None, description="page faults that needed the disk"
    )
    minor_faults: list[Count] | None = Field(default=None, description="page faults that didn't")
    migrations: list[Count] | None = Field(
        default=None, description="moves of its threads to another core"
    )
    involuntary_switches: list[Count] | None = Field(
        default=None, description="times that the kernel took the CPU from a thread"
    )
    throttled_periods: list[Count] | None = Field(
        default=None, description="periods in which a cgroup's quota held it back"
    )
    throttled_us: list[Count] | None = Field(
        default=None, description="for how long, in microseconds"
    )
    steal_ms: list[Count] | None = Field(
        default=None, description="what the hypervisor took from the whole machine, in milliseconds"
    )
    collections: list[Count] | None = Field(
        default=None, description="collections of Python's garbage collector"
    )

    @model_validator(mode="after")
    def _one_of_each(self) -> Bursts:
        if len({len(values) for values in dict(self).values() if values is not None}) > 1:
            raise ValueError("the lists of the bursts aren't equally long")
        return self


class Session(Strict):
    """One fresh process: the unit of inference. Durations in integer nanoseconds, in order.

    `reported_ns` stands for the samples of a tool that prints none. Samples are end to end;
    `figures_ns` are parts of them.
    """

    started: str = Field(description="when it began, UTC")
    order: Count = Field(description="its number among all sessions of the run")
    round: Count = Field(description="its round over all cells")
    pid: Whole = Field(description="the process")
    wall_ns: Duration = Field(
        description="from the process's start to its end; where sessions took turns, of all of them"
    )
    load_ns: Duration = Field(description="loading the artifact, without `build_ns`")
    first_inference_ns: Duration = Field(description="the first inference")
    relative_l2: Distance | None = Field(
        description="distance of its output from the reference; null: a tool that prints no output"
    )
    steady: bool = Field(description="whether the warm-up settled")
    warmup_ns: list[Inference] = Field(description="the inferences of the warm-up, in order")
    samples_ns: list[Inference] = Field(description="the samples, in order")
    bursts: Bursts | None = Field(
        default=None, description="the bursts that hold the samples; null: not known"
    )
    turn: Count | None = Field(
        default=None,
        description="sessions of one run with the same turn and start were alive together: their "
        "n-th bursts are of one lap",
    )
    reported_ns: dict[str, Inference] | None = Field(
        default=None, description="min, max and avg of a tool that prints no samples"
    )
    figures_ns: dict[str, list[Inference]] = Field(
        default={},
        description="other durations by figure: a GPU's `on_device` and `enqueue`, a phone's `run`",
    )
    build_ns: Duration | None = Field(
        default=None, description="what it took to build its engine; null: it built none"
    )
    layers: LayersId | None = Field(
        default=None,
        description="the layers of its engine, in layers/<this>.json beside the cells; null: they "
        "aren't known",
    )
    facts: dict[str, str] = Field(
        description="effective settings, versions and what else was read, as text"
    )
    covariates: dict[str, Scalar] = Field(
        description="readings of the session itself, such as its peak memory"
    )
    before: dict[str, Scalar] = Field(description="the target's state before it")
    after: dict[str, Scalar] = Field(description="the target's state after it")
    teardown: str | None = Field(
        default=None, description="what went wrong while it ended, after its samples were in"
    )

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

    kind: Literal["measured"] = Field(default="measured", description="the outcome")
    stopped: Literal["fixed", "narrow", "cap", "time"] = Field(
        default="fixed",
        description="why there are no more sessions: fixed number, narrow interval, cap, or time",
    )


Outcome = Annotated[Measured | Skipped | Failed, Field(discriminator="kind")]


class Record(Strict):
    """One cell of one run."""

    schema_version: Version = SCHEMA_VERSION
    unit: Literal["ns"] = Field(default="ns", description="of every duration")
    cell_id: Id = Field(description="the cell's id")
    cell: CellFields = Field(description="what was measured")
    plan_hash: str = Field(
        description="digest of the cell and its sampling; a resumed run keeps a record of the same"
    )
    sampling: SamplingFields = Field(description="how it was sampled")
    outcome: Outcome = Field(description="measured, skipped or failed")
    sessions: list[Session] = Field(description="its sessions, in order")

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

    cell_id: Id = Field(description="the cell's id")
    session: Session | None = Field(default=None, description="a session that ended well")
    failed: Failed | None = Field(default=None, description="a failure that ended its cell")
    skipped: Skipped | None = Field(default=None, description="why its cell can't be had here")


class Storage(Strict):
    """The size of the file that a phone would hold."""

    format: str = Field(description="the file's format")
    bytes: Positive = Field(description="its size")
    sha256_body: str = Field(description="SHA-256 of what the same net always gives in it")
    converter: str = Field(description="what made it, with its version")


class Costs(Strict):
    """Counted per image over the exported program; the conventions are in models/README.md."""

    params: Count = Field(
        description="all weights, batch normalisation's running mean and variance included"
    )
    params_trainable: Count = Field(description="weights that training changes")
    macs: Count = Field(description="multiply-accumulates of convolutions and matrix products")
    flops_paddle: Count = Field(description="FLOPs as paddle.flops counts them")
    uncounted: list[str] = Field(
        description="operators that do work and aren't known to the counter"
    )

    @property
    def operations(self) -> tuple[int, int] | None:
        """`macs` and `flops_paddle`, None where nothing but uncounted operators was found."""
        return (self.macs, self.flops_paddle) if self.macs or not self.uncounted else None


class ModelFacts(Strict):
    """What a run knows of a model beside its latency."""

    title: str = Field(description="its name in tables")
    published: str | None = Field(description="its row of published.csv")
    model_hash: str = Field(description="names the net and its weights")
    weights: str = Field(description="the kind of weights")
    weights_sha256: str | None = Field(default=None, description="SHA-256 of the file of weights")
    costs: Costs | None = Field(default=None, description="counted costs; null: not known")
    storage: Storage | None = Field(
        default=None, description="the file that a phone would hold; null: not known"
    )
    missing: dict[str, str] = Field(
        default={}, description="why it lacks an artifact, by its format"
    )
    artifacts: dict[str, dict[str, str]] = Field(
        default={}, description="SHA-256 of the files that engines loaded, by format and name"
    )


class RunManifest(ManifestFields):
    """run.json: everything of a run that isn't a cell's record."""

    schema_version: Version = SCHEMA_VERSION
    suite: Name = Field(description="the suite's name")
    suite_title: str = Field(description="its title")
    beside: list[str] = Field(description="columns of published.csv to print beside")
    seed: Whole = Field(description="seed of the session order")
    sampling: SamplingFields = Field(description="how its sessions sampled")
    rounds: list[list[str]] = Field(description="cell ids in the order of their sessions, by round")
    cells: dict[Id, CellFields] = Field(description="the planned cells by id")
    models: dict[str, ModelFacts] = Field(description="what is known of each model, by name")
    left_out: list[str] = Field(
        description="what the suite has and this machine can't, with the reason"
    )
    weights: str = Field(description="the kind of weights")
    profile: bool = Field(
        default=False,
        description="whether the measured cells are profiled by operator after all sessions",
    )


def reason(why: Failed | Skipped) -> str:
    """Return why there is no figure, in one line."""
    if isinstance(why, Failed):
        text = f"failed ({why.failure}): {why.message}: {why.hint}"
    else:
        text = f"skipped: {why.reason}: {why.hint}"
    return " ".join(text.split())
