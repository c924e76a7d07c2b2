"""What the parent and an inferring child say to each other, in one place. Standard library only.

The child is `python -m bench.worker.inference DIR`: DIR/request.json holds an InferenceRequest, as
for any child. Once its session is open and its output is right it writes one JSON line to
`replies_fd`; then each line on its standard input is a command, answered by one line:

    (nothing)                           {"ready": {load_ns, relative_l2, facts}}
    {"images": path, "logits": path}    {"written": rows}
    {"time": n}                         {"ns": [...]}

The paths are of .npy files: float32 images (rows, channels, height, width), as many as there are,
and the float32 logits that the child writes for them. It leaves when its standard input ends. What
goes wrong leaves it with an error in DIR/reply.json, or without, as `bench.core.protocol` tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.cell import Cell, Target

MODULE = "bench.worker.inference"


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRequest:
    """Open `runner` ("module:Class") on `artifact` at `target`, check its output, and stay."""

    runner: str
    target: Target
    cell: Cell
    artifact: Path
    reference: Path
    tolerance: float
    replies_fd: int = -1

    def to_json(self) -> dict[str, Any]:
        return {
            "runner": self.runner,
            "target": self.target.to_json(),
            "cell": self.cell.to_json(),
            "artifact": str(self.artifact),
            "reference": str(self.reference),
            "tolerance": self.tolerance,
            "replies_fd": self.replies_fd,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> InferenceRequest:
        return cls(
            runner=values["runner"],
            target=Target.from_json(values["target"]),
            cell=Cell.from_json(values["cell"]),
            artifact=Path(values["artifact"]),
            reference=Path(values["reference"]),
            tolerance=values["tolerance"],
            replies_fd=values["replies_fd"],
        )
