"""What the stored models share: cell, sampling, system, provenance, outcomes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bench.core.cell import Cell
from bench.storage.validation import (
    MOST_NS,
    MOST_NUMBER,
    Count,
    Number,
    Positive,
    Strict,
    Whole,
)

SCHEMA_VERSION: Literal[1] = 1


Version = Literal[1]


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,250}$")]
"""What names a file: no folder, no blank, nothing that a shell reads otherwise."""


Name = Annotated[str, Field(pattern=r"^[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,200}$")]
"""What stands in a file's name: no separator, no control character, no dot at its beginning."""


Value = Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f\x7f]{0,200}$")]


Duration = Annotated[int, Field(ge=0, le=MOST_NS, description="nanoseconds")]


Inference = Annotated[
    int, Field(gt=0, le=MOST_NS, description="nanoseconds; an inference takes time")
]


Distance = Annotated[float, Field(ge=0, le=MOST_NUMBER, description="relative L2")]


Scalar = str | Whole | Number


class CellFields(Strict):
    """`bench.core.cell.Cell` as it is stored."""

    variant: Name = Field(description="the model's name in the catalogue")
    model_hash: str = Field(description="names the net and the weights that were asked for")
    runner: Name = Field(description="the runner's name")
    batch: Positive = Field(description="images, or rows of input, an inference")
    threads: Positive = Field(description="threads that were asked for")
    precision: Name = Field(description="the precision that was asked for")
    input: str = Field(description="shape of the input, or of all by name")
    settings: dict[Name, Value] = Field(description="the runner's settings by name")

    def to_cell(self) -> Cell:
        return Cell.from_json(self.model_dump())


class SamplingFields(Strict):
    """`bench.core.cell.Sampling` as it is stored."""

    preset: Name = Field(description="the name of the preset")
    sessions: Positive = Field(description="sessions, each a fresh process, that every cell gets")
    samples: Positive = Field(
        description="samples after which a session ends, where the cells take no turns"
    )
    min_samples: Positive = Field(description="samples that a session takes even beyond `budget_s`")
    budget_s: Number = Field(description="seconds of sampling after which a session ends")
    warmup_calls: Count = Field(description="least inferences of the warm-up")
    warmup_s: Number = Field(description="least seconds of the warm-up")
    warmup_cap_s: Number = Field(
        description="seconds at which the warm-up ends though it hasn't settled"
    )
    steady_window: Whole = Field(
        description="inferences of the warm-up's last window, whose two halves are to agree"
    )
    steady_tolerance: Number | None = Field(
        description="share within which the halves of that window agree; `none` in a suite's file: "
        "they needn't"
    )
    statistic: Literal["median", "mean"] = Field(
        description="what a session's samples are summed up by"
    )
    timeout_s: Number = Field(description="seconds after which a session's process is ended")
    max_sessions: Whole | None = Field(
        default=None,
        description="most sessions of a cell, for those whose interval is wider than `half_width`",
    )
    half_width: Number | None = Field(
        default=None,
        description="half-width of the 95% interval, as a share of the figure, that is narrow "
        "enough",
    )
    grow_for_s: Number = Field(
        default=0.0, description="seconds of the run after which no cell gets more than `sessions`"
    )
    laps: Positive | None = Field(
        default=None,
        description="bursts of each cell a session, where the cells of a table take turns; without "
        "it each session is alone",
    )


class Skipped(Strict):
    """The cell can't be had here."""

    kind: Literal["skipped"] = Field(default="skipped", description="the outcome")
    reason: str = Field(description="why the cell can't be had here")
    hint: str = Field(description="what would bring it")


PASSING = frozenset(
    {
        "killed", "timeout", "disk-full",
        "device-busy", "device-lost", "device-not-found", "device-timeout",
    }
)  # fmt: skip
"""The failures that may be of a moment: `run --resume` tries their cells again, of no others."""


class Failed(Strict):
    """The cell was tried and gave no figure that may count."""

    kind: Literal["failed"] = Field(default="failed", description="the outcome")
    failure: str = Field(description="the kind of failure, such as crash, timeout or wrong-output")
    message: str = Field(description="what happened, in one sentence")
    hint: str = Field(description="what helps")
    log_tail: str = Field(description="the end of what the process printed")

    @property
    def is_passing(self) -> bool:
        """Whether the same cell may well have a figure another time."""
        return self.failure in PASSING


HARNESS = "shufflenet-bench"


class Provenance(Strict):
    """Who could repeat this run, with what: code, command, versions, the state of the machine.

    `harness` has the harness's own version too, under HARNESS: an installed one has no commit.
    """

    commit: str | None = Field(description="the harness's commit; null: installed, without a clone")
    dirty: bool | None = Field(description="whether the clone had changes that aren't committed")
    command: list[str] = Field(description="the words of the command line")
    harness: dict[str, str] = Field(description="versions of the harness and of its packages")
    environments: dict[str, dict[str, str]] = Field(
        description="versions of packages, by environment and package"
    )
    host: str = Field(description="a digest that tells hosts apart")
    operating_system: str | None = Field(
        default=None,
        description="the harness's operating system with its kernel's release; null: not stored "
        "by earlier versions",
    )
    conditions: dict[str, Scalar] = Field(description="the machine's state when the run began")
    passed: dict[str, str] = Field(
        default={},
        description="environment variables that --pass-env let in, without this machine's paths",
    )

    @property
    def code(self) -> str:
        """The commit in short, else the version of the installed harness, else `unknown`."""
        if self.commit is not None:
            return self.commit[:8]
        version = self.harness.get(HARNESS)
        return "unknown" if version is None else f"version {version}"


class ManifestFields(Strict):
    """What every run's manifest has."""

    run_id: Id = Field(description="the run's id, which sorts by time")
    system_id: Id = Field(description="the system that it ran on")
    status: Literal["running", "interrupted", "complete"] = Field(
        description="whether it is complete"
    )
    sealed: dict[str, str] = Field(
        default={}, description="digest of each record of a complete run, by cell id"
    )
    started: str = Field(description="when it began, UTC")
    finished: str | None = Field(default=None, description="when it ended, UTC")
    target: str = Field(description="where the cells were measured")
    provenance: Provenance = Field(description="code, command, versions and machine")


class System(Strict):
    """results/systems/<system_id>.json: hardware under its real name."""

    schema_version: Version = SCHEMA_VERSION
    system_id: Id = Field(description="the system's name in ids and folders")
    heading: str = Field(description="its name in reports")
    emulated: bool = Field(default=False, description="whether the processor is emulated")
    hardware: str | None = Field(
        default=None,
        description="digest of what no kernel and no setting moves; null: from before there was "
        "one",
    )
    facts: dict[str, Scalar | list[str]] = Field(description="what the hardware says of itself")
