"""How fast the machine was while a cell was measured, by the canary before each burst. Pure.

The canary is the same work each time, so its time over the best of the cell's own sessions says how
slow the machine was at that moment. The best is the cell's and not the run's: another engine's
interpreter may have another numpy, hence another canary. It marks bursts, and never scales a
figure: another bottleneck would be slowed by another share. scripts/canary_rule.py has the figures
behind the bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean

from bench.storage.schema.latency import Session

# On a busy machine 90% of the canaries are within 5% of the best; behind those from here on the
# bursts are slower too (docs/measurement.md).
SLOW = 1.10
"""A burst whose canary took more than this share of the best was taken on a slow machine."""

# A quantile and not the fastest, which hangs on a single reading.
_BEST = 0.05
# With 20 bursts up to 4% of series of one mode are taken for two, with 100 none (the script).
_LEAST_BURSTS = 20
# A smaller share hardly moves a median, and a smaller gap is the canary's own noise.
_LEAST_SHARE = 0.10
_LEAST_GAP = 1.05
_APART = 6.0
"""How many of their own spreads two modes are apart (Ashman's D): a series of one mode that is cut
in two has 2.7 where it is normal and 3.5 where it is uniform, and chance adds to that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A speed at which the machine ran, over its best, and the share of the time it did."""

    speed: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """`slow_share` of the sampling time the machine was slow; `modes` has two, the faster first,
    where the canaries show two speeds, and else none.
    """

    best_ns: float
    slow_share: float
    modes: Sequence[Mode] = ()


def best_ns(sessions: Iterable[Session]) -> float | None:
    """Return the canary's best of `sessions`, its 5% quantile; None where none was run."""
    times = sorted(ns for session in sessions for ns in canaries_ns(session))
    return times[int(_BEST * len(times))] if times else None


def canaries_ns(session: Session) -> list[int]:
    """Return the canary of each burst, nothing where it wasn't run."""
    return (session.bursts.canary_ns if session.bursts else None) or []


def are_slow(session: Session, best: float | None) -> list[bool]:
    """Return of each burst whether the machine was slow; never, where no canary was run."""
    if session.bursts is None or best is None or not canaries_ns(session):
        return [False] * len(session.bursts.samples if session.bursts else [])
    return [canary > SLOW * best for canary in canaries_ns(session)]


def speeds(sessions: Sequence[Session]) -> Speeds | None:
    """Return how fast the machine was in `sessions`, None where no canary was run."""
    best = best_ns(sessions)
    if best is None:
        return None
    bursts = [
        (canary / best, wall)
        for session in sessions
        if session.bursts is not None
        for canary, wall in zip(canaries_ns(session), session.bursts.wall_ns, strict=False)
    ]
    slow_ns = sum(wall for slowness, wall in bursts if slowness > SLOW)
    return Speeds(
        best_ns=best, slow_share=slow_ns / sum(wall for _, wall in bursts), modes=modes(bursts)
    )


def modes(bursts: Sequence[tuple[float, int]]) -> tuple[Mode, ...]:
    """Return the two speeds of (slowness, duration) pairs, none where they don't show two.

    The cut is where it leaves the least variance of log slowness within both sides (Otsu).
    """
    if len(bursts) < _LEAST_BURSTS:
        return ()
    ordered = sorted(bursts)
    logs = [math.log(slowness) for slowness, _ in ordered]
    cut = _cut(logs)
    fast, slow = logs[:cut], logs[cut:]
    gap = fmean(slow) - fmean(fast)
    spread = math.sqrt((_variance(fast) + _variance(slow)) / 2)
    share = sum(wall for _, wall in ordered[:cut]) / sum(wall for _, wall in ordered)
    if gap < math.log(_LEAST_GAP) or gap < _APART * spread:
        return ()
    if not _LEAST_SHARE <= share <= 1 - _LEAST_SHARE:
        return ()
    return (
        Mode(speed=math.exp(-fmean(fast)), share=share),
        Mode(speed=math.exp(-fmean(slow)), share=1 - share),
    )


def _cut(values: Sequence[float]) -> int:
    """Return where two halves of sorted `values` have their means farthest apart, each weighted by
    its count.
    """
    sums, count = list(accumulate(values)), len(values)

    def between(cut: int) -> float:
        left, right = sums[cut - 1] / cut, (sums[-1] - sums[cut - 1]) / (count - cut)
        return cut * (count - cut) * (right - left) ** 2

    return max(range(1, count), key=between)


def _variance(values: Sequence[float]) -> float:
    mean = fmean(values)
    return fmean((value - mean) ** 2 for value in values)


def sentence(result: Speeds) -> str:
    """Return what the canaries say of a cell, in one clause that ends in the share of slow time."""
    slow = f"over {SLOW - 1:.0%} slower than its best for {result.slow_share:.0%} of the time"
    if not result.modes:
        return f"the machine was {slow}"
    fast, other = result.modes
    return (
        f"the machine ran at two speeds: {fast.speed:.2f} and {other.speed:.2f} of its best, "
        f"{fast.share:.0%} and {other.share:.0%} of the time (no counter here shows a neighbour on "
        f"the other hyperthread or a clock that changes); it was {slow}"
    )
