"""runs/<system_id>/<run_id>/profiles/<cell_id>.json: what each operator of a cell took.

Taken after all sessions of the run: no latency has a share in it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bench.storage.schema.common import (
    SCHEMA_VERSION,
    CellFields,
    Distance,
    Failed,
    Id,
    Inference,
    Skipped,
    Version,
)
from bench.storage.validation import Number, Positive, Strict


class Operator(Strict):
    """`bench.runners.profiling.OperatorTime` as it is stored."""

    name: str = Field(description="the operator's name in the engine's own graph")
    type: str = Field(description="its type, as the engine calls it")
    ns: Annotated[Number, Field(ge=0)] = Field(
        description="its time in the inference in the middle, without operators nested in it"
    )
    calls: Annotated[Number, Field(ge=0)] = Field(description="calls an inference")
    kernel: str = Field(description="which code ran, as far as the engine tells")


class Profiled(Strict):
    """A profile, and as many inferences of the same process without it."""

    kind: Literal["profiled"] = Field(default="profiled", description="the outcome")
    relative_l2: Distance = Field(description="distance of the output from the reference")
    facts: dict[str, str] = Field(description="effective settings and versions, as text")
    plain_ns: list[Inference] = Field(min_length=1, description="inferences without the profile")
    profiled_ns: list[Inference] = Field(min_length=1, description="inferences with it")
    resolution_ns: Positive = Field(
        description="of which the operators' times are whole multiples, cut off"
    )
    operators: list[Operator] = Field(
        min_length=1, description="the operators in the order of the graph"
    )


class ProfileRecord(Strict):
    """The profile of one cell of one run, or why there is none."""

    schema_version: Version = SCHEMA_VERSION
    unit: Literal["ns"] = Field(default="ns", description="of every duration")
    cell_id: Id = Field(description="the cell's id")
    cell: CellFields = Field(description="what was profiled")
    started: str = Field(description="when the profile began, UTC")
    outcome: Annotated[Profiled | Skipped | Failed, Field(discriminator="kind")] = Field(
        description="profiled, skipped or failed"
    )

    @property
    def failed_for_now(self) -> bool:
        """Whether there is no profile for a reason that may pass."""
        return isinstance(self.outcome, Failed) and self.outcome.is_passing
