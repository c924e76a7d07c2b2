"""What the parent asks of a session in which a device alternates two models. Standard library only.

A session is one `python -m bench.worker.device_pair DIR`, with the files that `bench.core.protocol`
tells of. Its reply is one of

    {"arms": {"base": {...}, "head": {...}}, "bursts": [{"arm": "base", "ns": [...]}, ...]}
    {"failed": {"arm": "head", "kind": ..., "message": ..., "hint": ...}}

the latter where one of the arms is the cause: its model can't be loaded, or its output is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.cell import Cell, Sampling, Target

MODULE = "bench.worker.device_pair"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairArm:
    """What one arm of a session runs, and what its output must be within `tolerance` of."""

    name: str
    cell: Cell
    artifact: Path
    reference: Path
    tolerance: float

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "cell": self.cell.to_json(),
            "artifact": str(self.artifact),
            "reference": str(self.reference),
            "tolerance": self.tolerance,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PairArm:
        return cls(
            name=values["name"],
            cell=Cell.from_json(values["cell"]),
            artifact=Path(values["artifact"]),
            reference=Path(values["reference"]),
            tolerance=values["tolerance"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRequest:
    """One session of two `arms` on `runner` ("module:Class") at `target`.

    They are opened in their order; `order` has the index of the arm that runs each burst.
    `sampling` says how to warm up; the bursts are as long as `bench.experiments.ab.interleave.Rule`
    says.
    """

    runner: str
    target: Target
    arms: tuple[PairArm, PairArm]
    sampling: Sampling
    order: Sequence[int]
    burst_s: float
    least_calls: int
    most_calls: int

    def to_json(self) -> dict[str, Any]:
        return {
            "runner": self.runner,
            "target": self.target.to_json(),
            "arms": [arm.to_json() for arm in self.arms],
            "sampling": self.sampling.to_json(),
            "order": list(self.order),
            "burst_s": self.burst_s,
            "least_calls": self.least_calls,
            "most_calls": self.most_calls,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> PairRequest:
        first, second = (PairArm.from_json(arm) for arm in values["arms"])
        return cls(
            runner=values["runner"],
            target=Target.from_json(values["target"]),
            arms=(first, second),
            sampling=Sampling.from_json(values["sampling"]),
            order=values["order"],
            burst_s=values["burst_s"],
            least_calls=values["least_calls"],
            most_calls=values["most_calls"],
        )
