"""Two live arms by turns: when which one works, and what comes of it. Pure, the arms passed in.

Both arms are loaded and warm; one pair after the other each works for one burst, in random order,
and never both at once. What the machine does to one it does to the other a few ms later, so that it
falls out of their ratio. The first sample of a burst, which pays for cold caches, is dropped. A
session's estimate is the median over its pairs of log(head's median / base's median).

On a shared 2-core machine with a net of 5 ms, 30 pairs of bursts of 11 inferences, the ratio of a
net to itself had an SD of 0.41%; ratios of medians of processes that run one after the other had
5.8%. Three sessions of fresh processes told 5% and 10% every time, and never called equals unequal.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from bench.stats import t_interval

ArmName = Literal["base", "head"]
ARMS: tuple[ArmName, ...] = ("base", "head")

Sample = Callable[[int], Sequence[int]]
"""A count of inferences -> that many durations in ns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a session goes: `pairs` of bursts, each about `burst_s` long, `dropped` samples first.

    A burst has `least_calls` at least, so that a slow net's has some left, and `most_calls` at
    most.
    """

    pairs: int = 30
    burst_s: float = 0.05
    least_calls: int = 4
    most_calls: int = 200
    dropped: int = 1

    def calls(self, warm_ns: Sequence[int]) -> int:
        """Return how many inferences make a burst of an arm that warmed up like this.

        Its fastest one tells: a machine that is busy just then would make the bursts short.
        """
        each_ns = max(min(warm_ns), 1)
        wanted = math.ceil(self.burst_s * 1e9 / each_ns)
        return min(max(wanted, self.least_calls), self.most_calls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A cell gets `sessions`, then more up to `max_sessions`, until its 95% interval is within
    `half_width` (a share) or the comparison has lasted `grow_for_s`.
    """

    sessions: int = 3
    max_sessions: int = 10
    half_width: float = 0.01
    grow_for_s: float = 140.0


@dataclass(frozen=True, slots=True)
class Burst:
    """What one arm did in a row: durations in ns, the first ones too."""

    arm: ArmName
    ns: tuple[int, ...]


def alternate(
    arms: Mapping[ArmName, Sample],
    calls: Mapping[ArmName, int],
    rule: Rule,
    chance: random.Random,
) -> list[Burst]:
    """Return the bursts of a session in the order in which they were run, two and two a pair."""
    bursts: list[Burst] = []
    for _ in range(rule.pairs):
        order = chance.sample(ARMS, len(ARMS))
        bursts += [Burst(arm, tuple(arms[arm](calls[arm]))) for arm in order]
    return bursts


def log_ratio(bursts: Sequence[Burst], *, dropped: int) -> float:
    """Return a session's estimate of log(head / base).

    Raises ValueError for a pair that isn't of one burst of each arm with a sample left.
    """
    pairs = zip(bursts[::2], bursts[1::2], strict=True)
    return median(_of_pair({it.arm: it.ns[dropped:] for it in pair}) for pair in pairs)


def _of_pair(samples: Mapping[ArmName, Sequence[int]]) -> float:
    if set(samples) != set(ARMS) or not all(samples.values()):
        raise ValueError("a pair isn't of one burst of each arm")
    # A tick of the clock at least: an engine that does nothing takes no time.
    return math.log(max(median(samples["head"]), 1) / max(median(samples["base"]), 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """log(head / base) over `sessions`: its mean and its standard error."""

    log_ratio: float
    se: float
    sessions: int

    @property
    def df(self) -> int:
        return self.sessions - 1

    @property
    def ratio(self) -> float:
        return math.exp(self.log_ratio)


def estimate(log_ratios: Sequence[float]) -> Estimate:
    """Return the estimate over sessions of fresh processes; raises ValueError for fewer than 2."""
    count, mean = len(log_ratios), fmean(log_ratios)
    if count < 2:
        raise ValueError("an interval takes two sessions")
    squares = math.fsum((value - mean) ** 2 for value in log_ratios)
    return Estimate(log_ratio=mean, se=math.sqrt(squares / (count - 1) / count), sessions=count)


def stopped(log_ratios: Sequence[float], growth: Growth, *, elapsed_s: float) -> str | None:
    """Return why a cell takes no more sessions, None: it takes another. Never for its verdict.

    narrow   the 95% interval's half-width is within `growth.half_width`
    cap      `growth.max_sessions` are in
    time     the comparison has lasted `growth.grow_for_s`, and `growth.sessions` are in
    """
    count = len(log_ratios)
    if count < growth.sessions:
        return None
    _, half = t_interval(log_ratios)
    if half is not None and math.expm1(half) <= growth.half_width:
        return "narrow"
    if count >= growth.max_sessions:
        return "cap"
    return "time" if elapsed_s >= growth.grow_for_s else None
