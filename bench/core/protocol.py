"""The parent and its child: two JSON files in a folder. Standard library only.

The parent writes `request.json`, starts `<python> -m bench.worker.session DIR` (or
`bench.worker.convert`) and waits. The child writes `reply.json` beside a temporary name and renames
it, before it tears its engine down, so that a reply is whole or absent. What the child prints goes
to `stdout.log` and `stderr.log`; nothing is ever parsed out of them.

A reply is one of

    {"ok": {...}}                                         what was asked for
    {"error": {"kind": ..., "message": ..., "hint": ...}} what the child found out about its failure

Anything else (no file, no JSON, another shape) is the child's failure, named by
`bench.launcher.process`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.cell import Cell, Sampling, Target

REQUEST = "request.json"
REPLY = "reply.json"
STDOUT = "stdout.log"
STDERR = "stderr.log"
# Tells a child the interpreter of an engine that its own can't import
# (`bench.launcher.foreign_interpreter`).
ENGINE_PYTHON = "BENCH_ENGINE_PYTHON"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureRequest:
    """One session at `target`: open `runner` ("module:Class") on `artifact`, check its output,
    sample it.

    `reference` is an .npz file with `input` and `logits`, float32; the runner's output must be
    within `tolerance` of the logits (relative L2) before any time counts.
    """

    runner: str
    target: Target
    cell: Cell
    sampling: Sampling
    artifact: Path
    reference: Path
    tolerance: float

    def to_json(self) -> dict[str, Any]:
        return {
            "runner": self.runner,
            "target": self.target.to_json(),
            "cell": self.cell.to_json(),
            "sampling": self.sampling.to_json(),
            "artifact": str(self.artifact),
            "reference": str(self.reference),
            "tolerance": self.tolerance,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> MeasureRequest:
        return cls(
            runner=values["runner"],
            target=Target.from_json(values["target"]),
            cell=Cell.from_json(values["cell"]),
            sampling=Sampling.from_json(values["sampling"]),
            artifact=Path(values["artifact"]),
            reference=Path(values["reference"]),
            tolerance=values["tolerance"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertRequest:
    """Make files in `out` with `converter` ("module:function"), from `source` and `options`."""

    converter: str
    source: Mapping[str, Any]
    options: Mapping[str, Any]
    out: Path

    def to_json(self) -> dict[str, Any]:
        return {
            "converter": self.converter,
            "source": dict(self.source),
            "options": dict(self.options),
            "out": str(self.out),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ConvertRequest:
        return cls(
            converter=values["converter"],
            source=values["source"],
            options=values["options"],
            out=Path(values["out"]),
        )


def write_json(path: Path, value: object) -> None:
    """Write `value` beside `path` and rename it into place: a reader sees all or nothing."""
    beside = path.with_name(path.name + ".tmp")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(value, file, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
