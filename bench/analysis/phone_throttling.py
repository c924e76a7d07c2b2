"""Whether heat held a phone back during a session. Pure.

Three rules, any of which is enough: a core's clock was capped below its limit, Android's thermal
status was above 0, or the last third of the samples ran well above the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.analysis.time_course import last_over_first

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
    ratio = last_over_first(samples_ns, fewest=_FEWEST) or 1.0
    if ratio > 1 + SLOWER:
        reasons.append(f"its last third ran {ratio - 1:.0%} slower than its first")
    return reasons


def _number(readings: Mapping[str, str | int | float], name: str) -> float:
    value = readings.get(name)
    return value if isinstance(value, int | float) else 0
