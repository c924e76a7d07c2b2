"""Estimates from interleaved A/B sessions: paired log ratios, and when there are enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Literal

from bench.analysis.statistics import t_interval

ArmName = Literal["base", "head"]
Measure = Literal["wall", "cpu"]


ARMS: tuple[ArmName, ...] = ("base", "head")


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
    """What one arm did in a row: durations in ns, the first ones too.

    `cpu_ns` is None where it isn't known. `figures` are what a worker answers beside them, by the
    names of `bench.storage.schema.ab.BurstFields`.
    """

    arm: ArmName
    ns: tuple[int, ...]
    cpu_ns: int | None = None
    figures: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Return it as a session's record holds it."""
        return {**self.figures, "arm": self.arm, "ns": list(self.ns)}


def log_ratio(bursts: Sequence[Burst], *, dropped: int, measure: Measure = "wall") -> float:
    """Return a session's estimate of log(head / base).

    Raises ValueError for a pair that isn't of one burst of each arm with a figure.
    """
    pairs = zip(bursts[::2], bursts[1::2], strict=True)
    return median(
        _of_pair({it.arm: figure_ns(it, dropped=dropped, measure=measure) for it in pair})
        for pair in pairs
    )


def figure_ns(burst: Burst, *, dropped: int, measure: Measure) -> float | None:
    """Return what a burst says of one inference in ns, None where it says nothing.

    Its median sample; or the CPU time of all threads for each inference, dropped ones too, for
    nobody knows which part of it is theirs.
    """
    if measure == "cpu":
        return burst.cpu_ns / len(burst.ns) if burst.cpu_ns and burst.ns else None
    return median(burst.ns[dropped:]) if burst.ns[dropped:] else None


def _of_pair(figures: Mapping[ArmName, float | None]) -> float:
    base, head = (figures.get(name) for name in ARMS)
    if base is None or head is None:
        raise ValueError("a pair isn't of one burst of each arm with a figure")
    return math.log(head / base)


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
