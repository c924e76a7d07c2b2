"""What the rules of the grade share."""

from __future__ import annotations

from bench.runners import RUNNERS
from bench.storage.schema.latency import Record

Said = tuple[str, str, str]
"""A grade, the reason, and the remedy, which counts below A only."""


OWN = "where the machine is your own"


def target_of(record: Record) -> str:
    """Return the kind of target that the cell's runner measures on."""
    entry = RUNNERS.get(record.cell.runner)
    return "cpu" if entry is None else entry.target


def by_bounds(value: float, bounds: tuple[float, float, float], figure: str, remedy: str) -> Said:
    """Return the first grade whose bound holds `value`, a share; `bounds` are for A, B and C."""
    letter = next(
        (grade for grade, bound in zip("ABC", bounds, strict=True) if value <= bound), "D"
    )
    allowed = ", ".join(f"{b:.0%} for {grade}" for grade, b in zip("ABC", bounds, strict=True))
    return letter, f"{figure} ({allowed})", remedy
