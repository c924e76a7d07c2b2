"""Figures from samples. The unit of inference is the session, never the sample. Pure.

Samples of one process aren't independent of each other, so an interval is Student's t over the
sessions' own medians (or means): it covers 95-98% at 3 to 10 sessions, where a percentile bootstrap
covers 71-89% (measured on a shared 2-core machine; ARCHITECTURE.md names the source).

Tail latencies go only as far as the count of samples bears them out, after MLPerf Inference's early
stopping (LoadGen, early_stopping.cc): of n samples the t-th largest bounds percentile p from above
with confidence c if P(Binomial(n, 1 - p) <= t) <= 1 - c, and t must be at least 1. At 99% that
takes 64 samples for p90, 130 for p95 and 662 for p99.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, median

CONFIDENCE = 0.95
TAIL_CONFIDENCE = 0.99
PERCENTILES = (90, 95, 99)

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


def holm(p_values: Sequence[float], *, tests: int | None = None) -> list[bool]:
    """Return which hypotheses are rejected, with one false rejection among all in 5% (Holm 1979).

    `tests`: how many there are in all; those that aren't given are taken as not rejected.
    """
    left = len(p_values) if tests is None else tests
    rejected = [False] * len(p_values)
    for index in sorted(range(len(p_values)), key=p_values.__getitem__):
        if p_values[index] * left > 1 - CONFIDENCE:
            break
        rejected[index], left = True, left - 1
    return rejected


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


@cache
def passing_rank(count: int, percentile: float, confidence: float = TAIL_CONFIDENCE) -> int | None:
    """Return the largest t >= 1 that passes for `count` samples, or None where none does."""
    from scipy.special import bdtr

    over = 1 - percentile / 100
    rank = 0
    while rank + 1 < count and float(bdtr(rank + 1, count, over)) <= 1 - confidence:
        rank += 1
    return rank or None


@cache
def needed(percentile: float, confidence: float = TAIL_CONFIDENCE) -> int:
    """Return the smallest count of samples that bears `percentile` out."""
    count = 2
    while passing_rank(count, percentile, confidence) is None:
        count += 1
    return count


def session_percentile(samples: Sequence[int], percentile: int) -> int | None:
    """Return the bound on one session's percentile in ns, None where the count can't bear it."""
    rank = passing_rank(len(samples), percentile)
    return None if rank is None else sorted(samples)[len(samples) - rank]


def percentiles(sessions: Sequence[Sequence[int]]) -> dict[int, float]:
    """Return each percentile that every session bears out: the mean of the sessions' bounds, ns.

    Sessions are never pooled; a percentile that one of them can't bear is left out.
    """
    by_percentile: dict[int, float] = {}
    for percentile in PERCENTILES:
        bounds = [session_percentile(samples, percentile) for samples in sessions]
        known = [bound for bound in bounds if bound is not None]
        if bounds and len(known) == len(bounds):
            by_percentile[percentile] = fmean(known)
    return by_percentile
