"""Tail latencies, only as far as the count of samples bears them out. Pure.

The rule is MLPerf Inference's early stopping (LoadGen, early_stopping.cc): of n samples the t-th
largest bounds percentile p from above with confidence c if P(Binomial(n, 1 - p) <= t) <= 1 - c, and
t must be at least 1. At 99% that takes 64 samples for p90, 130 for p95 and 662 for p99.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from statistics import fmean

CONFIDENCE = 0.99
PERCENTILES = (90, 95, 99)


@cache
def passing_rank(count: int, percentile: int, confidence: float = CONFIDENCE) -> int | None:
    """Return the largest t >= 1 that passes for `count` samples, or None where none does."""
    from scipy.special import bdtr

    over = 1 - percentile / 100
    rank = 0
    while rank + 1 < count and float(bdtr(rank + 1, count, over)) <= 1 - confidence:
        rank += 1
    return rank or None


@cache
def needed(percentile: int, confidence: float = CONFIDENCE) -> int:
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
    found: dict[int, float] = {}
    for percentile in PERCENTILES:
        bounds = [session_percentile(samples, percentile) for samples in sessions]
        known = [bound for bound in bounds if bound is not None]
        if bounds and len(known) == len(bounds):
            found[percentile] = fmean(known)
    return found
