"""What is stored of a live comparison: both arms, and every burst in the order in which it ran.

A comparison is a run of its own kind: its folder has an ab.json, where another's has a run.json. No
record holds a statistic; ratios and verdicts are derived from the samples.

AB_SCHEMA_VERSION history
    1  first form; later with a manifest's `axes` and an arm's `code`: a file without them is read
       as ever, and can't be gone on with
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from bench.storage.schema.common import (
    CellFields,
    Distance,
    Duration,
    Failed,
    Id,
    Inference,
    ManifestFields,
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
    least_calls: Positive
    most_calls: Positive
    dropped: Count

    @model_validator(mode="after")
    def _leaves_some(self) -> RuleFields:
        if min(self.least_calls, self.most_calls) <= self.dropped:
            raise ValueError("a burst has no sample beside those that are dropped")
        return self


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
    ns: Annotated[list[Inference], Field(min_length=1)]
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


class CommandFigures(Strict):
    """What a session keeps of a command beside its bursts: `warmup_ns` are the runs before them.

    `pid` is the process that started its runs. Nothing else is known of what a command does.
    """

    kind: Literal["command"]
    pid: Whole
    warmup_ns: list[Inference]
    steady: ClassVar[bool] = True
    facts: ClassVar[dict[str, str]] = {}
    covariates: ClassVar[dict[str, Scalar]] = {}


def _kind_of_arm(value: Any) -> str:
    is_command = isinstance(value, CommandFigures)
    return "command" if is_command or (isinstance(value, dict) and "kind" in value) else "net"


AnyFigures = Annotated[
    Annotated[ArmFigures, Tag("net")] | Annotated[CommandFigures, Tag("command")],
    Discriminator(_kind_of_arm),
]


class AbSession(Strict):
    """Two fresh processes, or one on a device with two models, open at once and worked by turns.

    Of commands it is a block of runs, each in a fresh process, two commands by turns.

    `opened` is the order in which they were started, `cores` those that both were bound to, empty
    where they weren't.
    """

    started: str
    order: Count
    round: Count
    opened: Annotated[list[ArmName], Field(min_length=2, max_length=2)]
    cores: list[Count]
    wall_ns: Duration
    arms: dict[ArmName, AnyFigures]
    bursts: Annotated[list[BurstFields], Field(min_length=2)]
    before: dict[str, Scalar]
    after: dict[str, Scalar]

    @property
    def nets(self) -> dict[ArmName, ArmFigures]:
        """The arms that are nets, which is both or none."""
        return {name: it for name, it in self.arms.items() if isinstance(it, ArmFigures)}

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


class CommandFields(Strict):
    """A command: its words without this machine's paths, and a digest of the words themselves."""

    words: Annotated[list[str], Field(min_length=1)]
    digest: str


Compared = CellFields | CommandFields


class AbRecord(Strict):
    """One cell of a live comparison: what each arm ran, and its sessions."""

    schema_version: Literal[1] = AB_SCHEMA_VERSION
    unit: Literal["ns"] = "ns"
    pair_id: Id
    label: str
    base: Compared
    head: Compared
    rule: RuleFields
    outcome: AbOutcome
    sessions: list[AbSession]

    @model_validator(mode="after")
    def _has_samples(self) -> AbRecord:
        bursts = (burst for session in self.sessions for burst in session.bursts)
        if any(len(burst.ns) <= self.rule.dropped for burst in bursts):
            raise ValueError("a burst has no sample beside those that are dropped")
        return self

    @property
    def cells(self) -> dict[ArmName, CellFields]:
        """What each arm's net ran as; of commands nothing."""
        arms: dict[ArmName, Compared] = {"base": self.base, "head": self.head}
        return {name: it for name, it in arms.items() if isinstance(it, CellFields)}


class AxesFields(Strict):
    """The cells that were asked of both arms; an arm's own runner or threads stand in its texts."""

    variants: list[str]
    runners: list[str]
    batches: list[Whole]
    threads: list[Whole]


class ArmFields(Strict):
    """What an arm is: as asked for, its code's commit, its packages, its models' hashes.

    `code` is a digest of the code itself, with what isn't committed; of a command's words.
    `artifacts` are the files that its engines loaded, by cell, with their hashes; of a command
    those that it names.
    """

    asked: list[str]
    title: str
    commit: str | None
    dirty: bool | None
    code: str | None = None
    environments: dict[str, dict[str, str]]
    models: dict[str, str]
    artifacts: dict[str, dict[str, str]]


class AbManifest(ManifestFields):
    """ab.json: everything of a live comparison that isn't a cell's record."""

    schema_version: Literal[1] = AB_SCHEMA_VERSION
    kind: Literal["ab"] = "ab"
    compares: Literal["nets", "commands"] = "nets"
    seed: Whole
    growth: GrowthFields
    measure: Measure = "wall"
    axes: AxesFields | None = None
    arms: dict[ArmName, ArmFields]
    pairs: list[Id]
