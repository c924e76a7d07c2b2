"""Warm-up, steady state and sampling; pure, the clock passed in.

The warm-up rule (drop max(calls, seconds), then compare two halves of a window) follows pyperf's
calibration; the thresholds are the suite's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.core.cell import Sampling
from bench.core.units import NS_PER_S, Nanoseconds

Sample = Callable[[int], list[Nanoseconds]]
Clock = Callable[[], int]

_CHUNK = 10


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What was run before sampling, in order; `steady`: its end had settled."""

    samples_ns: list[Nanoseconds]
    steady: bool


def warm_up(sample: Sample, rule: Sampling, clock: Clock) -> WarmUp:
    """Run until `rule`'s calls and seconds are spent and a window is steady, or to its cap."""
    started = clock()
    taken: list[Nanoseconds] = []

    def spent(seconds: float) -> bool:
        return clock() - started >= seconds * NS_PER_S

    while len(taken) < rule.warmup_calls or not spent(rule.warmup_s):
        if taken and spent(rule.warmup_cap_s):
            return WarmUp(taken, steady=False)
        taken += sample(1)
    if rule.steady_tolerance is None:
        return WarmUp(taken, steady=False)
    while not spent(rule.warmup_cap_s):
        window = sample(rule.steady_window)
        taken += window
        if is_steady(window, rule.steady_tolerance):
            return WarmUp(taken, steady=True)
    return WarmUp(taken, steady=False)


def is_steady(window: list[Nanoseconds], tolerance: float) -> bool:
    """Tell whether the medians of the window's halves are within `tolerance` of the first."""
    half = len(window) // 2
    first, second = median(window[:half]), median(window[half:])
    return abs(second - first) <= tolerance * first


def take_samples(
    sample: Sample, rule: Sampling, clock: Clock, *, calls: int = _CHUNK
) -> list[Nanoseconds]:
    """Return `rule.samples` durations, taken `calls` at a time; once the budget is spent,
    `rule.min_samples` at least.
    """
    started = clock()
    taken: list[Nanoseconds] = []
    while len(taken) < rule.samples:
        over = clock() - started >= rule.budget_s * NS_PER_S
        left = (rule.min_samples if over else rule.samples) - len(taken)
        if left <= 0:
            break
        taken += sample(min(left, calls))
    return taken
