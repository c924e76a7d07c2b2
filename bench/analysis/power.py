"""How small a slowdown sessions can tell, and a ratio of two cells paired by round. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from bench.analysis.statistics import t_interval, t_quantile

POWER = 0.80

Rounds = Mapping[int, float]
"""A session's median in ns by its round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Latency over that of `base`, paired by round: geometric mean, 95% t interval, two-sided p."""

    ratio: float
    low: float
    high: float
    p: float
    rounds: int


def smallest_slowdown(sd: float, k: int) -> float:
    """Return the slowdown (0.05 is 5%) that `k` sessions a side tell with 80% power at 5%.

    `sd` is that of log session medians. Two-sided t of two samples with 2k-2 degrees of freedom:
    the noncentrality at which it has that power, times the standard error. A difference found in
    the wrong direction doesn't count as told.
    """
    from scipy.optimize import brentq
    from scipy.special import nctdtr

    degrees = 2 * k - 2
    bound = t_quantile(degrees)

    def lacking(shift: float) -> float:
        return float(1 - nctdtr(degrees, shift, bound)) - POWER

    shift: float = brentq(lacking, 0.0, 10.0)
    return math.expm1(shift * sd * math.sqrt(2 / k))


def log_sd(medians: Sequence[float]) -> float:
    """Return the standard deviation of the logarithms: a relative one."""
    return stdev(math.log(value) for value in medians)


def ratio_by_round(base: Sequence[Rounds], other: Rounds) -> Ratio:
    """Return `other` over the geometric mean of the `base` arms, over the rounds that all have.

    Raises ValueError for fewer than two of those.
    """
    from scipy.special import stdtr

    rounds = sorted(set(other).intersection(*base))
    if len(rounds) < 2:
        raise ValueError("a ratio's interval takes two rounds")
    logs = [math.log(other[r]) - fmean(math.log(arm[r]) for arm in base) for r in rounds]
    middle, half = t_interval(logs)
    assert half is not None  # noqa: S101 - two rounds or more
    error = half / t_quantile(len(logs) - 1)
    p = 2 * float(stdtr(len(logs) - 1, -abs(middle) / error)) if error else float(middle == 0)
    return Ratio(
        ratio=math.exp(middle),
        low=math.exp(middle - half),
        high=math.exp(middle + half),
        p=p,
        rounds=len(rounds),
    )
