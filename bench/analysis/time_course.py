"""How the latency of one long session changed over its time. Pure.

Tenths and parts are of time, not of count. A sample's time follows from the samples before it: what
passes between two calls isn't counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

from bench.core.units import NS_PER_S

PARTS = 100
LOW, HIGH = 5, 95


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A hundredth of the time: its middle, and the 5th, 50th and 95th percentile of its samples."""

    at_s: float
    low_ns: int
    median_ns: float
    high_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A session over its time. `ran_ns` is the sum of its samples.

    `first_ns` is the median of the samples that begin in the first tenth of the time, `last_ns` of
    those that end in the last. Parts without a sample are left out.
    """

    ran_ns: int
    samples: int
    first_ns: float
    last_ns: float
    parts: tuple[Part, ...]

    @property
    def ratio(self) -> float | None:
        """Last tenth over first; None where the clock saw no time pass."""
        return self.last_ns / self.first_ns if self.first_ns else None


def course(samples_ns: Sequence[int], parts: int = PARTS) -> Course:
    """Return the course of a session's samples; raises ValueError without any."""
    if not samples_ns:
        raise ValueError("no sample to follow")
    ran = sum(samples_ns)
    timed = list(zip(samples_ns, accumulate(samples_ns), strict=True))
    first = [sample for sample, end in timed if 10 * (end - sample) < ran]
    last = [sample for sample, end in timed if 10 * end > 9 * ran]
    return Course(
        ran_ns=ran,
        samples=len(samples_ns),
        first_ns=median(first or samples_ns[:1]),
        last_ns=median(last or samples_ns[-1:]),
        parts=_parts(timed, ran, parts) if ran else (),
    )


def last_over_first(samples_ns: Sequence[int], *, fewest: int) -> float | None:
    """Return the median of the last third of the samples over that of the first.

    None where there are fewer than `fewest`. Below the clock's step a median counts as 1 ns.
    """
    third = len(samples_ns) // 3
    if len(samples_ns) < max(fewest, 3):
        return None
    return median(samples_ns[-third:]) / max(median(samples_ns[:third]), 1)


def _parts(timed: Sequence[tuple[int, int]], ran: int, count: int) -> tuple[Part, ...]:
    """Divide samples with their ends over `count` parts of the time, each by its middle."""
    held: list[list[int]] = [[] for _ in range(count)]
    for sample, end in timed:
        held[min((2 * end - sample) * count // (2 * ran), count - 1)].append(sample)
    return tuple(
        Part(
            at_s=(index + 0.5) * ran / count / NS_PER_S,
            low_ns=_percentile(sorted(part), LOW),
            median_ns=median(part),
            high_ns=_percentile(sorted(part), HIGH),
        )
        for index, part in enumerate(held)
        if part
    )


def _percentile(ordered: Sequence[int], percent: int) -> int:
    """Return the nearest rank's value."""
    return ordered[max(math.ceil(percent * len(ordered) / 100) - 1, 0)]
