"""How often each duration came, in rows of blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.core.units import NS_PER_MS

_ROWS = 14
_SPREADS = 3
"""How far above the upper quartile there are rows, in quartile distances: one sample that is far
out would leave all others one row."""

_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """Counts of durations in ns: the first bin begins at `start_ns`, each is `step_ns` wide.

    `beyond` are longer than the last bin, the longest of all is `longest_ns`.
    """

    start_ns: int
    step_ns: int
    counts: Sequence[int]
    beyond: int
    longest_ns: int


def bins(samples_ns: Sequence[int]) -> Bins:
    """Return at most 15 bins of `samples_ns`, of which there is one at least."""
    ordered = sorted(samples_ns)
    low, high = (ordered[len(ordered) * share // 4] for share in (1, 3))
    cut = max(ns for ns in ordered if ns <= high + _SPREADS * (high - low))
    step = _round_step((cut - ordered[0]) / _ROWS)
    start = ordered[0] // step * step
    counts = [0] * ((cut - start) // step + 1)
    end = start + step * len(counts)
    for ns in ordered:
        if ns < end:
            counts[(ns - start) // step] += 1
    return Bins(
        start_ns=start,
        step_ns=step,
        counts=counts,
        beyond=sum(ns >= end for ns in ordered),
        longest_ns=ordered[-1],
    )


def histogram(found: Bins, width: int) -> Iterator[str]:
    """Yield a line for each bin, its bar at most `width` columns wide, and one for what is beyond.

    Durations are in ms, to the place that the bins' width needs.
    """
    place = max(0, 6 - int(math.log10(found.step_ns)))
    edges = [found.start_ns + found.step_ns * i for i in range(len(found.counts) + 1)]
    texts = [f"{edge / NS_PER_MS:.{place}f}" for edge in edges]
    wide, most = max(map(len, texts)), max(found.counts)
    for low, high, count in zip(texts, texts[1:], found.counts, strict=False):
        yield f"{low.rjust(wide)} to {high.rjust(wide)}  {_bar(count / most, width)}  {count}"
    if found.beyond:
        yield f"{found.beyond} more, up to {found.longest_ns / NS_PER_MS:.{place}f} ms"


def _bar(share: float, width: int) -> str:
    whole, eighths = divmod(math.ceil(share * width * 8), 8)
    return ("█" * whole + _EIGHTHS[eighths]).ljust(width)


def _round_step(least: float) -> int:
    """Return the smallest of 1, 2 and 5 times a power of ten that isn't below `least` ns."""
    power = 10 ** max(0, math.floor(math.log10(max(least, 1.0))))
    return next(int(factor * power) for factor in (1, 2, 5, 10) if factor * power >= least)
