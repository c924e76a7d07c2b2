"""What is stored of a live comparison: both arms, and every burst in the order in which it ran.

A comparison is a run of its own kind: its folder has an ab.json, where another's has a run.json. No
record holds a statistic; ratios and verdicts are derived from the samples.

AB_SCHEMA_VERSION history
    1  first form; later with a manifest's `axes` and an arm's `code`: a file without them is read
       as ever, and can't be gone on with
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
    Provenance,
    Scalar,
    Skipped,
)
from bench.storage.validation import Count, Positive, Seconds, Strict, Whole

AB_SCHEMA_VERSION: Literal[1] = 1

ArmName = Literal["base", "head"]
Cause = Literal["base", "head", "both"]
Measure = Literal["wall", "cpu"]
"""What the ratio is of: durations, or the CPU time of all threads for each inference."""

Share = Annotated[float, Field(gt=0, lt=1)]


class RuleFields(Strict):
    """`bench.experiments.ab.interleave.Rule` as it is stored."""

    pairs: Positive
    burst_s: Annotated[Seconds, Field(gt=0)]
    least_calls: Annotated[Whole, Field(gt=1)]
    most_calls: Annotated[Whole, Field(gt=1)]
    dropped: Count


class GrowthFields(Strict):
    """`bench.analysis.interleaved.Growth` as it is stored."""

    sessions: Annotated[Whole, Field(ge=2)]
    max_sessions: Annotated[Whole, Field(ge=2)]
    half_width: Share
    grow_for_s: Seconds


class BurstFields(Strict):
    """What one arm did in a row, the dropped samples first.

    The others are those of `bench.storage.schema.latency.Bursts`, None where they aren't known.
    """

    arm: ArmName
    ns: Annotated[list[Inference], Field(min_length=2)]
    wait_ns: Duration | None = None
    cpu_ns: Duration | None = None
    wall_ns: Inference | None = None
    started_ns: Count | None = None
    canary_ns: Inference | None = None
    major_faults: Count | None = None
    minor_faults: Count | None = None
    migrations: Count | None = None
    involuntary_switches: Count | None = None
    throttled_periods: Count | None = None
    throttled_us: Count | None = None
    steal_ms: Count | None = None
    collections: Count | None = None


class ArmFigures(Strict):
    """One arm's process in one session, on a device the one of both. Durations in integer ns."""

    pid: Whole
    load_ns: Duration
    first_inference_ns: Duration
    relative_l2: Distance
    steady: bool
    warmup_ns: list[Inference]
    facts: dict[str, str]
    covariates: dict[str, Scalar]


class AbSession(Strict):
    """Two fresh processes, or one on a device with two models, open at once and worked by turns.

    `opened` is the order in which they were started, `cores` those that both were bound to, empty
    where they weren't.
    """

    started: str
    order: Count
    round: Count
    opened: Annotated[list[ArmName], Field(min_length=2, max_length=2)]
    cores: list[Count]
    wall_ns: Duration
    arms: dict[ArmName, ArmFigures]
    bursts: Annotated[list[BurstFields], Field(min_length=2)]
    before: dict[str, Scalar]
    after: dict[str, Scalar]

    @model_validator(mode="after")
    def _in_pairs(self) -> AbSession:
        names = [burst.arm for burst in self.bursts]
        if len(names) % 2 or any(
            {*pair} != {"base", "head"} for pair in zip(names[::2], names[1::2], strict=True)
        ):
            raise ValueError("the bursts aren't pairs of one of each arm")
        if set(self.arms) != {"base", "head"}:
            raise ValueError("a session has two arms")
        return self


class AbMeasured(Strict):
    """Each session gave its bursts; `bench.experiments.ab.interleave` tells what the words mean."""

    kind: Literal["measured"] = "measured"
    stopped: Literal["narrow", "cap", "time"]


class AbUnfinished(Strict):
    """Sessions are still to come, or a person interrupted the comparison."""

    kind: Literal["unfinished"] = "unfinished"


class ArmFailed(Strict):
    """An arm gave no figure that may count, and so the cell has no ratio.

    "both" stands where it can't be told which one is the cause: on a device one program has both.
    """

    kind: Literal["arm-failed"] = "arm-failed"
    arm: Cause
    why: Annotated[Failed | Skipped, Field(discriminator="kind")]


AbOutcome = Annotated[AbMeasured | AbUnfinished | ArmFailed, Field(discriminator="kind")]


class AbRecord(Strict):
    """One cell of a live comparison: what each arm ran, and its sessions."""

    schema_version: Literal[1] = AB_SCHEMA_VERSION
    unit: Literal["ns"] = "ns"
    pair_id: Id
    label: str
    base: CellFields
    head: CellFields
    rule: RuleFields
    outcome: AbOutcome
    sessions: list[AbSession]


class AxesFields(Strict):
    """The cells that were asked of both arms; an arm's own runner or threads stand in its texts."""

    variants: list[str]
    runners: list[str]
    batches: list[Whole]
    threads: list[Whole]


class ArmFields(Strict):
    """What an arm is: as asked for, its code's commit, its packages, its models' hashes.

    `code` is a digest of the code itself, with what isn't committed. `artifacts` are the files that
    its engines loaded, by cell, with their hashes.
    """

    asked: list[str]
    title: str
    commit: str | None
    dirty: bool | None
    code: str | None = None
    environments: dict[str, dict[str, str]]
    models: dict[str, str]
    artifacts: dict[str, dict[str, str]]


class AbManifest(Strict):
    """ab.json: everything of a live comparison that isn't a cell's record."""

    schema_version: Literal[1] = AB_SCHEMA_VERSION
    kind: Literal["ab"] = "ab"
    run_id: Id
    system_id: Id
    status: Literal["running", "interrupted", "complete"]
    sealed: dict[str, str] = {}
    started: str
    finished: str | None = None
    target: str
    seed: Whole
    growth: GrowthFields
    measure: Measure = "wall"
    axes: AxesFields | None = None
    arms: dict[ArmName, ArmFields]
    pairs: list[Id]
    provenance: Provenance
