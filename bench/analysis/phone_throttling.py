"""Whether heat held a phone back during a session. Pure; standard library only.

Three rules, any of which is enough: a core's clock was capped below its limit, Android's thermal
status was above 0, or the last third of the samples ran well above the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

KEYS = frozenset({"capped_cores", "thermal_status"})
"""The readings that only a phone gives: a session without any of them is none of a phone."""

SLOWER = 0.10

# Five samples a third: with fewer, two slow ones alone would move a third's median.
_FEWEST = 15


def throttled(
    before: Mapping[str, str | int | float],
    after: Mapping[str, str | int | float],
    samples_ns: Sequence[int],
) -> list[str]:
    """Return why a session counts as throttled, each reason in one clause, none where it doesn't.

    `before` and `after` are readings of `bench.devices.android.state`; `samples_ns` are in order.
    """
    reasons = []
    for when, readings in (("before", before), ("after", after)):
        if (capped := _number(readings, "capped_cores")) > 0:
            what = "core's clock was" if capped == 1 else "cores' clocks were"
            reasons.append(f"{capped:g} {what} capped {when} it")
        if (status := _number(readings, "thermal_status")) > 0:
            reasons.append(f"the thermal status was {status:g} {when} it")
    if (ratio := _ratio(samples_ns)) > 1 + SLOWER:
        reasons.append(f"its last third ran {ratio - 1:.0%} slower than its first")
    return reasons


def _number(readings: Mapping[str, str | int | float], name: str) -> float:
    value = readings.get(name)
    return value if isinstance(value, int | float) else 0


def _ratio(samples_ns: Sequence[int]) -> float:
    """Return the last third's median over the first's, 1 where there are too few samples."""
    third = len(samples_ns) // 3
    if len(samples_ns) < _FEWEST:
        return 1.0
    return median(samples_ns[-third:]) / max(median(samples_ns[:third]), 1)
