"""What the parent and a live arm say to each other, in one place. Standard library only.

An arm is `python -m bench.worker.commands DIR`: DIR/request.json holds an ArmRequest, as for any
child. Once its session is open and its output is right, the arm writes one JSON line to
`replies_fd`; then each line on its standard input is a command, answered by one line:

    (nothing)                 {"ready": {load_ns, first_inference_ns, relative_l2, ...}}
    {"warm": true}            {"warm": {"ns": [...], "steady": true}}
    {"sample": n}             {"ns": [...]}
    {"quit": true}            {"bye": {"facts": {...}, "covariates": {...}}}

The replies have a pipe of their own, so that nothing that an engine prints can garble them. What
goes wrong leaves the arm with an error in DIR/reply.json, or without, as `bench.core.protocol`
tells.

PROTOCOL counts the forms of all this: an arm may be another revision of this project, and refuses a
request of another form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.cell import Cell, Sampling, Target
from bench.core.errors import Unavailable

MODULE = "bench.worker.commands"
PROTOCOL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRequest:
    """Open `runner` ("module:Class") on `artifact`, check its output, and stay.

    `sampling` says how to warm up; `cores` are those that it may run on, None: all that there are.
    `target` is where it runs; revisions that know of none leave it unread.
    """

    runner: str
    cell: Cell
    sampling: Sampling
    artifact: Path
    reference: Path
    tolerance: float
    cores: Sequence[int] | None
    target: Target | None = None
    replies_fd: int = -1

    def to_json(self) -> dict[str, Any]:
        return {
            "protocol": PROTOCOL,
            "runner": self.runner,
            "cell": self.cell.to_json(),
            "sampling": self.sampling.to_json(),
            "artifact": str(self.artifact),
            "reference": str(self.reference),
            "tolerance": self.tolerance,
            "cores": None if self.cores is None else list(self.cores),
            "target": None if self.target is None else self.target.to_json(),
            "replies_fd": self.replies_fd,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ArmRequest:
        """Return the request; raises Unavailable for one of another form."""
        asked = values.get("protocol")
        if asked != PROTOCOL:
            raise Unavailable(
                f"this revision's arm speaks form {PROTOCOL} and was asked in form {asked}",
                hint="compare revisions that speak the same one as the harness that runs them",
            )
        target = values.get("target")
        return cls(
            runner=values["runner"],
            cell=Cell.from_json(values["cell"]),
            sampling=Sampling.from_json(values["sampling"]),
            artifact=Path(values["artifact"]),
            reference=Path(values["reference"]),
            tolerance=values["tolerance"],
            cores=values["cores"],
            target=None if target is None else Target.from_json(target),
            replies_fd=values["replies_fd"],
        )
