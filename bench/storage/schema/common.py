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

    variant: Name
    model_hash: str
    runner: Name
    batch: Positive
    threads: Positive
    precision: Name
    input: str
    settings: dict[Name, Value]

    def to_cell(self) -> Cell:
        return Cell.from_json(self.model_dump())


class SamplingFields(Strict):
    """`bench.core.cell.Sampling` as it is stored."""

    preset: Name
    sessions: Positive
    samples: Positive
    min_samples: Positive
    budget_s: Number
    warmup_calls: Count
    warmup_s: Number
    warmup_cap_s: Number
    steady_window: Whole
    steady_tolerance: Number | None
    statistic: Literal["median", "mean"]
    timeout_s: Number
    max_sessions: Whole | None = None
    half_width: Number | None = None
    grow_for_s: Number = 0.0
    laps: Positive | None = None


class Skipped(Strict):
    """The cell can't be had here; `hint` says what would bring it."""

    kind: Literal["skipped"] = "skipped"
    reason: str
    hint: str


PASSING = frozenset(
    {
        "killed", "timeout", "disk-full",
        "device-busy", "device-lost", "device-not-found", "device-timeout",
    }
)  # fmt: skip
"""The failures that may be of a moment: `run --resume` tries their cells again, of no others."""


class Failed(Strict):
    """The cell was tried and gave no figure that may count."""

    kind: Literal["failed"] = "failed"
    failure: str
    message: str
    hint: str
    log_tail: str

    @property
    def is_passing(self) -> bool:
        """Whether the same cell may well have a figure another time."""
        return self.failure in PASSING


HARNESS = "shufflenet-bench"


class Provenance(Strict):
    """Who could repeat this run, with what: code, command, versions, the state of the machine.

    `harness` has the harness's own version too, under HARNESS: an installed one has no commit.
    `passed` are the environment variables of --pass-env, without this machine's paths.
    """

    commit: str | None
    dirty: bool | None
    command: list[str]
    harness: dict[str, str]
    environments: dict[str, dict[str, str]]
    host: str
    conditions: dict[str, Scalar]
    passed: dict[str, str] = {}

    @property
    def code(self) -> str:
        """The commit in short, else the version of the installed harness, else `unknown`."""
        if self.commit is not None:
            return self.commit[:8]
        version = self.harness.get(HARNESS)
        return "unknown" if version is None else f"version {version}"


class ManifestFields(Strict):
    """What every run's manifest has; `sealed` has the SHA-256 of its files once it is complete."""

    run_id: Id
    system_id: Id
    status: Literal["running", "interrupted", "complete"]
    sealed: dict[str, str] = {}
    started: str
    finished: str | None = None
    target: str
    provenance: Provenance


class System(Strict):
    """results/systems/<system_id>.json: hardware under its real name.

    `hardware` is a digest of what no kernel and no setting moves; a file without it is from before
    ids were made of that.
    """

    schema_version: Version = SCHEMA_VERSION
    system_id: Id
    heading: str
    emulated: bool = False
    hardware: str | None = None
    facts: dict[str, Scalar | list[str]]
