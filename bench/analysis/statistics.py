"""Figures from samples. The unit of inference is the session, never the sample. Pure.

Samples of one process aren't independent of each other, so an interval is Student's t over the
sessions' own medians (or means): it covers 95-98% at 3 to 10 sessions, where a percentile bootstrap
covers 71-89% (measured on a shared 2-core machine; ARCHITECTURE.md names the source).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, median

CONFIDENCE = 0.95

_STATISTICS: dict[str, Callable[[Sequence[int]], float]] = {"median": median, "mean": fmean}


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A latency in ns; `half_width_ns` of the 95% interval, None for a single session."""

    value_ns: float
    half_width_ns: float | None
    sessions: int
    samples: int
    statistic: str


@cache
def t_quantile(degrees: int, confidence: float = CONFIDENCE) -> float:
    """Return Student's t for a two-sided interval (scipy.special.stdtrit)."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + confidence) / 2))


def t_interval(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean of `values` and the half-width of its 95% t interval, None for one value."""
    if len(values) < 2:
        return fmean(values), None
    mean = fmean(values)
    # Not statistics.stdev: exact fractions take 20 times as long, over every cell of a report.
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return mean, t_quantile(len(values) - 1) * spread / math.sqrt(len(values))


def summarize(sessions: Sequence[Sequence[int]], statistic: str) -> Estimate:
    """Return the estimate over `sessions` of samples (ns): the mean of each one's `statistic`.

    Raises ValueError without a session, KeyError for another statistic than median and mean.
    """
    if not sessions:
        raise ValueError("no session to summarize")
    value, half_width = t_interval([_STATISTICS[statistic](samples) for samples in sessions])
    return Estimate(
        value_ns=value,
        half_width_ns=half_width,
        sessions=len(sessions),
        samples=sum(len(samples) for samples in sessions),
        statistic=statistic,
    )
