"""Ratios of figures that were alive together, from their bursts by turns. Pure.

A session's ratio of two cells is the median over laps of the ratio of their bursts' medians, as in
`bench.analysis.interleaved`; its interval is Student's t over sessions. What the machine does to
one burst it does to the next, so that ratios are sharper than the figures themselves. Laps count as
pairs of bursts do in `bench ab`: those that others disturbed don't, where enough are left.

Nor do laps in which a canary ran slowly (`bench.analysis.canary`): a neighbour that no counter
shows slows an engine that waits for its caches more than one that computes. Where most of a
session's laps are slow, none of it counts; where fewer than LEAST sessions are left, all count. The
canary decides and never the samples. scripts/ratios_repeat.py says how well runs agree with and
without such laps.

The fastest of a row is decided on these ratios, by Holm's method over all pairs of cells of all
rows of the table (Holm 1979): the chance of one false claim in the table is below 5%.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import median
from typing import NamedTuple

from bench.analysis.boxes import Box
from bench.analysis.canary import are_slow, best_ns
from bench.analysis.contention import KEPT, burst_samples_ns, counted_together
from bench.analysis.interleaved import Estimate, estimate
from bench.analysis.statistics import holm, t_quantile
from bench.storage.schema.latency import Session

LEAST = 4
"""So many sessions without slow laps are enough to leave out the others; fewer say too little."""

_DROPPED = 1  # the first inference of a burst finds other arms' data in the caches

Together = tuple[int, str]
"""What names a turn within a run: its number and its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A latency over another's, with its 95% interval and the two-sided p-value of equality."""

    value: float
    low: float
    high: float
    sessions: int
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Boxes that were alive together: the index of the fastest, and each one's ratio to it.

    A box that wasn't measured beside it has None; so has the fastest itself.
    """

    first: int
    ratios: tuple[Ratio | None, ...]

    @property
    def pairs(self) -> int:
        """How many pairs of its boxes there are to choose the fastest from."""
        count = 1 + sum(one is not None for one in self.ratios)
        return count * (count - 1) // 2


def race(boxes: Sequence[Box | None]) -> Race | None:
    """Return how `boxes` compare, None where no two of them were alive together."""
    logs: dict[tuple[int, int], Estimate] = {}
    took_turns = [index for index, box in enumerate(boxes) if _by_turn(box)]
    for own, other in permutations(took_turns, 2):
        paired = _paired(boxes[own], boxes[other])
        if paired is not None:
            logs[own, other] = paired
    if not logs:
        return None
    most = max(sum(own == index for own, _ in logs) for index in range(len(boxes)))
    met = [i for i in range(len(boxes)) if sum(own == i for own, _ in logs) == most]
    first = min(met, key=lambda i: sum(it.log_ratio for (own, _), it in logs.items() if own == i))
    ratios = [
        _ratio(logs[index, first]) if (index, first) in logs else None
        for index in range(len(boxes))
    ]
    return Race(first=first, ratios=tuple(ratios))


def ratio(own: Box, other: Box, *, slow_too: bool = False) -> Ratio | None:
    """Return the ratio of two figures, None where they weren't alive together twice."""
    paired = _paired(own, other, slow_too=slow_too)
    return None if paired is None else _ratio(paired)


def fastest_of(races: Sequence[Race | None]) -> list[int | None]:
    """Return the index of each row's fastest, None where the table doesn't bear it out.

    It is the fastest only if it is faster than all others of its row.
    """
    tests = [
        (row, one)
        for row, each in enumerate(races)
        if each is not None
        for one in each.ratios
        if one is not None
    ]
    pairs = sum(each.pairs for each in races if each is not None)
    slower = holm([one.p for _, one in tests], tests=pairs)
    undecided = {
        row
        for (row, one), certain in zip(tests, slower, strict=True)
        if not certain or one.value < 1
    }
    undecided |= {row for row, each in enumerate(races) if each is None}
    return [
        None if each is None or row in undecided else each.first for row, each in enumerate(races)
    ]


def _by_turn(box: Box | None) -> Mapping[Together, Session]:
    if box is None:
        return {}
    return {
        (session.turn, session.started): session
        for session in box.sessions
        if session.turn is not None and session.bursts is not None
    }


def lap_ratios(one: Box | None, two: Box | None, *, slow_too: bool = False) -> list[list[float]]:
    """Return the ratios one / two of the laps that count, for each turn of both that counts.

    With `slow_too` those of a slow machine count as well.
    """
    own, other = _by_turn(one), _by_turn(two)
    best = best_ns(own.values()), best_ns(other.values())
    turns = [_laps((own[key], other[key]), best) for key in own if key in other]
    whole = [[lap.ratio for lap in laps] for laps in turns if laps]
    calm = [[lap.ratio for lap in laps if not lap.slow] for laps in turns if laps]
    kept = [one for one, every in zip(calm, whole, strict=True) if len(one) >= KEPT * len(every)]
    return whole if slow_too or len(kept) < min(LEAST, len(whole)) else kept


class _Lap(NamedTuple):
    ratio: float
    slow: bool


def _laps(pair: tuple[Session, Session], best: tuple[float | None, float | None]) -> list[_Lap]:
    """Return a session's laps that others didn't disturb, none where one has no burst in a lap."""
    own, other = pair
    counts = counted_together(own, other) or []
    slow = zip(are_slow(own, best[0]), are_slow(other, best[1]), strict=False)
    laps = zip(_medians(own), _medians(other), slow, counts, strict=False)
    return [_Lap(one / two, any(slow)) for one, two, slow, does in laps if does]


def _paired(one: Box | None, two: Box | None, *, slow_too: bool = False) -> Estimate | None:
    """Return the estimate of log(one / two) over the turns of both, None for fewer than two."""
    turns = lap_ratios(one, two, slow_too=slow_too)
    logs = [median(map(math.log, ratios)) for ratios in turns]
    return estimate(logs) if len(logs) > 1 else None


def _medians(session: Session) -> list[float]:
    """Return each burst's median, its first sample left out where there are others."""
    return [float(median(ns[_DROPPED:] or ns)) for ns in burst_samples_ns(session)]


def _ratio(of: Estimate) -> Ratio:
    from scipy.special import stdtr

    half = t_quantile(of.df) * of.se
    without_spread = math.inf if of.log_ratio else 0.0
    t = abs(of.log_ratio) / of.se if of.se > 0 else without_spread
    return Ratio(
        value=of.ratio,
        low=math.exp(of.log_ratio - half),
        high=math.exp(of.log_ratio + half),
        sessions=of.sessions,
        p=2 * float(stdtr(of.df, -t)),
    )
