"""Two sides of a comparison of stored runs, and their verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.analysis.stored_doubts import Side
from bench.analysis.stored_runs import compare_runs
from bench.analysis.verdicts import Comparison
from bench.config.thresholds import Gate
from bench.storage.schema.common import System
from bench.storage.schema.latency import Record
from tests.fakes.records import manifest, record, system

STEADY = ((2.0,), (2.004,), (1.996,))
SLOWER = ((2.4,), (2.41,), (2.39,))
LOCKED = {"governor": "performance"}


def side(
    *records: Record, on: System | None = None, before: Mapping[str, Any] = LOCKED, **fields: Any
) -> Side:
    """A run of `records` on a machine whose state was `before`."""
    where = on or system()
    kept = [
        one.model_copy(
            update={
                "sessions": [s.model_copy(update={"before": dict(before)}) for s in one.sessions]
            }
        )
        for one in records
    ]
    return Side(
        name="a run",
        manifest=manifest(*kept, on=where, **fields),
        system=where,
        records={one.cell_id: one for one in kept},
    )


def steady(variant: str = "x0_25", **fields: Any) -> Record:
    return record(variant, **({"samples_ms": STEADY} | fields))


def compared(base: Side, head: Side, *, tells: float | None = 0.01) -> Comparison:
    return compare_runs(base, head, Gate(), tells=tells)
