"""What reading the machine's state costs: the time of a read, and its effect on a timed loop.

Pure but for `count_up`: readers, workload and clock (nanoseconds) are passed in.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.analysis.statistics import t_interval
from bench.core.units import significant

READS, BURSTS, CALLS = 200, 40, 20

Clock = Callable[[], int]
Act = Callable[[], object]

_NS_PER_US = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCost:
    """The time of one read of a sensor over so many reads, in microseconds."""

    sensor: str
    median_us: float
    max_us: float
    reads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A burst's time with reads around it over one's without: a ratio with its 95% interval."""

    ratio: float
    low: float
    high: float
    pairs: int

    @property
    def sentence(self) -> str:
        """What follows for whoever measures."""
        figures = f"ratio {self.ratio:.3f} ± {(self.high - self.low) / 2:.3f}"
        if self.low <= 1 <= self.high:
            effect_text = "changes the figure by less than can be seen"
        else:
            change = significant(100 * abs(self.ratio - 1), 2)
            way = "higher" if self.ratio > 1 else "lower"
            effect_text = f"goes with a figure {change}% {way}; repeat it to see whether that holds"
        return f"Reading all of them before and after a burst {effect_text} ({figures})."


def read_costs(
    readers: Mapping[str, Act], clock: Clock, *, reads: int = READS
) -> tuple[ReadCost, ...]:
    """Return what one read of each of `readers` costs."""
    return tuple(
        _cost(name, [_timed(read, clock) for _ in range(reads)]) for name, read in readers.items()
    )


def _cost(sensor: str, times_ns: Sequence[int]) -> ReadCost:
    return ReadCost(
        sensor=sensor,
        median_us=median(times_ns) / _NS_PER_US,
        max_us=max(times_ns) / _NS_PER_US,
        reads=len(times_ns),
    )


def effect(work: Act, read: Act, clock: Clock, *, bursts: int = BURSTS, seed: int = 0) -> Effect:
    """Return the effect of `read` on bursts of `work`, 2 at least of each kind.

    Bursts come in pairs, one with a read before and after it and one without, in random order.
    """
    shuffler = random.Random(seed)  # noqa: S311 - an order, not a secret
    ratios = []
    for _ in range(bursts):
        kinds = [True, False]
        shuffler.shuffle(kinds)
        times = {kind: _burst(work, read if kind else _nothing, clock) for kind in kinds}
        ratios.append(math.log(times[True] / times[False]))
    mean, half = t_interval(ratios)
    if half is None:
        raise ValueError("one pair of bursts bears no interval")
    return Effect(
        ratio=math.exp(mean), low=math.exp(mean - half), high=math.exp(mean + half), pairs=bursts
    )


def _burst(work: Act, read: Act, clock: Clock) -> float:
    """Return the median of CALLS calls in ns."""
    read()
    times = [_timed(work, clock) for _ in range(CALLS)]
    read()
    return median(times)


def _timed(act: Act, clock: Clock) -> int:
    started = clock()
    act()
    return clock() - started


def _nothing() -> None:
    """Stand in the place of a read."""


def count_up() -> int:
    """Work that is always the same: about 1 ms of a core."""
    total = 0
    for number in range(12_000):
        total += number & 7
    return total
