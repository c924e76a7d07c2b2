"""Which net on which engine: the most accurate within a time, or the fastest that is accurate
enough; where no accuracy is known, by latency alone. Pure.

A net fits a time only with the whole of its interval, and what an interval leaves open is named.
Two figures that took turns are told apart by their ratio, which is sharper than the figures' own
intervals, by Holm's method over all pairs of what may be the best; the intervals decide between all
others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.analysis.choices import Choice, Choices, Query
from bench.analysis.statistics import holm


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What one system's figures say. `best` None: nothing fits, and `nearest` comes closest.

    `ties` can't be told apart from `best` by their ratios to it, or else by their figures; `open`
    might fit and be better, but their intervals reach beyond the limit. `by_latency`: no accuracy
    is known, or no limit was given; then `slower` are the rest of what fits, the faster first.
    """

    system_id: str
    heading: str
    best: Choice | None
    ties: tuple[Choice, ...] = ()
    open: tuple[Choice, ...] = ()
    nearest: Choice | None = None
    by_latency: bool = False
    slower: tuple[Choice, ...] = ()


def advise(given: Choices, query: Query) -> Advice:
    """Return what `given` answers to `query`; without a choice in it that is nothing."""
    if not given.found:
        return Advice(system_id=given.system_id, heading=given.heading, best=None)
    by_latency = query.max_ms is None and query.min_top1 is None
    by_latency |= all(choice.top1 is None for choice in given.found)
    least = query.min_top1
    accurate = [choice for choice in given.found if least is None or _top1(choice) >= least]
    fitting = [
        choice for choice in accurate if query.max_ms is None or choice.high_ms <= query.max_ms
    ]
    best = _best(given, fitting, query)
    if best is None:
        return Advice(
            system_id=given.system_id,
            heading=given.heading,
            best=None,
            open=_open(accurate, query, None),
            nearest=_nearest(given.found, accurate),
            by_latency=by_latency,
        )
    others = [
        replace(choice, to_best=given.ratio(choice, best))
        for choice in fitting
        if choice is not best
    ]
    ties = _tied([choice for choice in others if _alike(choice, best, query)], best)
    rest = [choice for choice in others if choice not in ties]
    return Advice(
        system_id=given.system_id,
        heading=given.heading,
        best=best,
        ties=_faster_first(ties),
        open=_open(accurate, query, best),
        by_latency=by_latency,
        slower=_faster_first(rest) if by_latency else (),
    )


def _top1(choice: Choice) -> float:
    """Return the accuracy of a choice, 0 where it isn't known."""
    return choice.top1 or 0.0


def _best(given: Choices, fitting: Sequence[Choice], query: Query) -> Choice | None:
    """Return the most accurate within a time, the faster of equals, or else the fastest.

    A choice whose ratio shows it to be faster than the least latency's goes before that.
    """
    least = min(
        fitting,
        key=lambda one: (
            0.0 if query.max_ms is None else -_top1(one), one.latency_ms, -_top1(one)
        ),
        default=None,
    )  # fmt: skip
    if least is None:
        return None
    compared = [(given.ratio(one, least), one) for one in fitting if _alike(one, least, query)]
    known = [(ratio, one) for ratio, one in compared if ratio is not None]
    apart = holm([ratio.p for ratio, _ in known], tests=_pairs(len(known)))
    faster = [
        (ratio.value, one)
        for (ratio, one), certain in zip(known, apart, strict=True)
        if certain and ratio.value < 1
    ]
    return min(faster, key=lambda pair: pair[0], default=(1.0, least))[1]


def _alike(choice: Choice, best: Choice, query: Query) -> bool:
    """Tell whether the time alone decides between the two: within a time accuracy comes first."""
    return choice is not best and (query.max_ms is None or choice.top1 == best.top1)


def _tied(others: Sequence[Choice], best: Choice) -> list[Choice]:
    """Return those that are as fast as `best` as far as their ratios or intervals show."""
    ratios = [one.to_best for one in others if one.to_best is not None]
    apart = iter(holm([ratio.p for ratio in ratios], tests=_pairs(len(ratios))))
    return [
        one
        for one in others
        if (one.overlaps(best) if one.to_best is None else not next(apart) or one.to_best.value < 1)
    ]


def _pairs(others: int) -> int:
    """Return how many pairs there were to choose the best from: it and so many others."""
    return others * (others + 1) // 2


def _faster_first(found: Iterable[Choice]) -> tuple[Choice, ...]:
    return tuple(sorted(found, key=lambda choice: choice.latency_ms))


def _open(accurate: Sequence[Choice], query: Query, best: Choice | None) -> tuple[Choice, ...]:
    """Return what lies across the limit and would be more accurate than `best`."""
    limit = query.max_ms
    if limit is None:
        return ()
    across = [
        choice
        for choice in accurate
        if choice.low_ms <= limit < choice.high_ms and (best is None or _top1(choice) > _top1(best))
    ]
    return tuple(sorted(across, key=lambda choice: (-_top1(choice), choice.latency_ms)))


def _nearest(every: Sequence[Choice], accurate: Sequence[Choice]) -> Choice:
    """Return the fastest of what is accurate enough, or the most accurate where nothing is."""
    if accurate:
        return min(accurate, key=lambda choice: choice.high_ms)
    return min(every, key=lambda choice: (-_top1(choice), choice.latency_ms))
