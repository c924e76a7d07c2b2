"""Which net on which engine: the most accurate within a time, or the fastest that is accurate
enough; where no accuracy is known, by latency alone. Pure.

A net fits a time only with the whole of its interval, and what an interval leaves open is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.choices import Choice, Choices, Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What one system's figures say. `best` None: nothing fits, and `nearest` comes closest.

    `ties` can't be told apart from `best` by their figures; `open` might fit and be better, but
    their intervals reach beyond the limit. `by_latency`: no accuracy is known, or no limit was
    given; then `slower` are the rest of what fits, the faster first.
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
    """Return what `given`, with at least one choice in it, answers to `query`."""
    by_latency = query.max_ms is None and query.min_top1 is None
    by_latency |= all(choice.top1 is None for choice in given.found)
    least = query.min_top1
    accurate = [choice for choice in given.found if least is None or _top1(choice) >= least]
    fitting = [
        choice for choice in accurate if query.max_ms is None or choice.high_ms <= query.max_ms
    ]
    best = _best(fitting, query)
    if best is None:
        return Advice(
            system_id=given.system_id,
            heading=given.heading,
            best=None,
            open=_open(accurate, query, None),
            nearest=_nearest(given.found, accurate),
            by_latency=by_latency,
        )
    ties = _ties(fitting, best, query)
    rest = [choice for choice in fitting if choice is not best and choice not in ties]
    return Advice(
        system_id=given.system_id,
        heading=given.heading,
        best=best,
        ties=ties,
        open=_open(accurate, query, best),
        by_latency=by_latency,
        slower=tuple(sorted(rest, key=lambda one: one.latency_ms)) if by_latency else (),
    )


def _top1(choice: Choice) -> float:
    """Return the accuracy of a choice, 0 where it isn't known."""
    return choice.top1 or 0.0


def _best(fitting: Sequence[Choice], query: Query) -> Choice | None:
    """Return the most accurate within a time, the faster of equals, or else the fastest."""
    if query.max_ms is None:
        return min(fitting, key=lambda choice: (choice.latency_ms, -_top1(choice)), default=None)
    return min(fitting, key=lambda choice: (-_top1(choice), choice.latency_ms), default=None)


def _ties(fitting: Sequence[Choice], best: Choice, query: Query) -> tuple[Choice, ...]:
    """Return what is as good as `best` as far as the intervals show, the faster first."""
    alike = [
        choice
        for choice in fitting
        if choice is not best
        and choice.overlaps(best)
        and (query.max_ms is None or choice.top1 == best.top1)
    ]
    return tuple(sorted(alike, key=lambda choice: choice.latency_ms))


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
