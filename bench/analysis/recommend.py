"""Which net on which engine, from stored figures: the most accurate within a time, or the fastest
that is accurate enough. Pure.

Accuracy is the published top-1, which is of FP32: figures of other precisions don't compete. A net
fits a time only with the whole of its interval, and what an interval leaves open is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.analysis import naming
from bench.analysis.audit.claims import contradiction
from bench.analysis.boxes import Box, Older
from bench.analysis.run_context import UNKNOWN
from bench.analysis.series import Series, View
from bench.analysis.statistics import Estimate
from bench.core.units import to_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is wanted: `max_ms` for a whole batch, `min_top1` in percent; `threads` None: any."""

    max_ms: float | None = None
    min_top1: float | None = None
    batch: int = 1
    threads: int | None = None
    runners: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Another figure of the same work; `half_ms` None for one that bears no interval."""

    latency_ms: float
    half_ms: float | None
    sessions: int
    engine: str
    preset: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One net on one engine; `half_ms` of the 95% interval, `top1` as it was published, percent.

    `others` are the figures of the same work that don't count: this one has more sessions, or as
    many and is newer.
    """

    variant: str
    title: str
    runner: str
    engine: str
    threads: int
    latency_ms: float
    half_ms: float
    top1: float
    grade: str | None
    preset: str
    run_id: str
    others: tuple[Other, ...] = ()

    @property
    def low_ms(self) -> float:
        return self.latency_ms - self.half_ms

    @property
    def high_ms(self) -> float:
        return self.latency_ms + self.half_ms

    def overlaps(self, other: Choice) -> bool:
        """Tell whether the intervals of the two have a value in common."""
        return self.low_ms <= other.high_ms and other.low_ms <= self.high_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What one system's figures say. `best` None: nothing fits, and `nearest` comes closest.

    `ties` can't be told apart from `best` by their figures; `open` might fit and be better, but
    their intervals reach beyond the limit.
    """

    system_id: str
    heading: str
    best: Choice | None
    ties: tuple[Choice, ...] = ()
    open: tuple[Choice, ...] = ()
    nearest: Choice | None = None


@dataclass(slots=True, kw_only=True)
class Choices:
    """A system's choices, and how many figures were left out, by reason."""

    system_id: str
    heading: str
    found: list[Choice] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


_NO_INTERVAL = "one session, which bears no interval"
_NOT_IN_FORCE = "not in force as it was asked for"
_OTHER_NET = "a published row that isn't the net's own (`python -m bench audit` says why)"
_NO_ACCURACY = "no published top-1"


def choices(view: View, asked: Asked) -> list[Choices]:
    """Return, by system, the figures that can compete: FP32, measured, none emulated.

    Of figures of the same work from several presets or suites, the one with the most sessions
    counts, then the newest.
    """
    works: dict[tuple[object, ...], list[_Figure]] = {}
    for it in _figures(view, asked):
        series = it.series
        key = (
            series.system.system_id, series.target, series.runner, naming.settings(series),
            it.variant, it.threads,
        )  # fmt: skip
        works.setdefault(key, []).append(it)
    systems: dict[str, Choices] = {}
    for figures in works.values():
        best = max(figures, key=lambda it: (it.estimate.sessions, it.box.run_id))
        system = best.series.system
        one = systems.setdefault(
            system.system_id, Choices(system_id=system.system_id, heading=system.heading)
        )
        others = sorted(_others(figures, best), key=lambda it: it.run_id, reverse=True)
        made = _choice(view, best, tuple(others))
        if isinstance(made, Choice):
            one.found.append(made)
        else:
            one.left_out[made] = one.left_out.get(made, 0) + 1
    return list(systems.values())


@dataclass(frozen=True, slots=True)
class _Figure:
    series: Series
    variant: str
    threads: int
    box: Box
    estimate: Estimate


def _others(figures: Sequence[_Figure], best: _Figure) -> Iterable[Other]:
    """Yield the figures beside the best one and the earlier ones of all."""
    for it in figures:
        own = Older(run_id=it.box.run_id, engine=it.series.engine or UNKNOWN, estimate=it.estimate)
        for one in (*(() if it is best else (own,)), *it.box.older):
            half = one.estimate.half_width_ns
            yield Other(
                latency_ms=to_ms(one.estimate.value_ns),
                half_ms=None if half is None else to_ms(half),
                sessions=one.estimate.sessions,
                engine=one.engine,
                preset=it.series.preset,
                run_id=one.run_id,
            )


def _figures(view: View, asked: Asked) -> Iterable[_Figure]:
    """Yield what has a figure for the batch, threads and runners that are asked for."""
    for series in view.series:
        if series.system.emulated or series.precision != "fp32":
            continue
        if asked.runners and series.runner not in asked.runners:
            continue
        for variant, row in series.boxes.items():
            for (batch, threads), box in row.items():
                wanted = batch == asked.batch and asked.threads in (None, threads)
                if wanted and box.estimate is not None:
                    yield _Figure(series, variant, threads, box, box.estimate)


def _choice(view: View, it: _Figure, others: tuple[Other, ...]) -> Choice | str:
    """Return the choice, or why the figure can't compete."""
    published, series, estimate = view.published_of(it.variant), it.series, it.estimate
    facts = view.models[it.variant]
    if contradiction(facts.published, facts.costs, view.published):
        return _OTHER_NET
    if published is None or "top1" not in published.figures:
        return _NO_ACCURACY
    if estimate.half_width_ns is None:
        return _NO_INTERVAL
    if it.box.warnings:
        return _NOT_IN_FORCE
    more = naming.settings(series)
    return Choice(
        variant=it.variant,
        title=facts.title,
        runner=series.runner,
        engine=naming.runner_title(series.runner) + (f" ({more})" if more else ""),
        threads=it.threads,
        latency_ms=to_ms(estimate.value_ns),
        half_ms=to_ms(estimate.half_width_ns),
        top1=100 * published.figures["top1"],
        grade=it.box.grade,
        preset=series.preset,
        run_id=it.box.run_id,
        others=others,
    )


def advise(given: Choices, asked: Asked) -> Advice:
    """Return what `given`, with at least one choice in it, says of what is asked for."""
    accurate = [one for one in given.found if asked.min_top1 is None or one.top1 >= asked.min_top1]
    fitting = [one for one in accurate if asked.max_ms is None or one.high_ms <= asked.max_ms]
    best = _best(fitting, asked)
    if best is None:
        return Advice(
            system_id=given.system_id,
            heading=given.heading,
            best=None,
            open=_open(accurate, asked, None),
            nearest=_nearest(given.found, accurate),
        )
    return Advice(
        system_id=given.system_id,
        heading=given.heading,
        best=best,
        ties=_ties(fitting, best, asked),
        open=_open(accurate, asked, best),
    )


def _best(fitting: Sequence[Choice], asked: Asked) -> Choice | None:
    """Return the most accurate within a time, the faster of equals, or else the fastest."""
    if asked.max_ms is None:
        return min(fitting, key=lambda one: (one.latency_ms, -one.top1), default=None)
    return min(fitting, key=lambda one: (-one.top1, one.latency_ms), default=None)


def _ties(fitting: Sequence[Choice], best: Choice, asked: Asked) -> tuple[Choice, ...]:
    """Return what is as good as `best` as far as the intervals tell, the faster first."""
    alike = [
        one
        for one in fitting
        if one is not best
        and one.overlaps(best)
        and (asked.max_ms is None or one.top1 == best.top1)
    ]
    return tuple(sorted(alike, key=lambda one: one.latency_ms))


def _open(accurate: Sequence[Choice], asked: Asked, best: Choice | None) -> tuple[Choice, ...]:
    """Return what lies across the limit and would be more accurate than `best`."""
    limit = asked.max_ms
    if limit is None:
        return ()
    across = [
        one
        for one in accurate
        if one.low_ms <= limit < one.high_ms and (best is None or one.top1 > best.top1)
    ]
    return tuple(sorted(across, key=lambda one: (-one.top1, one.latency_ms)))


def _nearest(found: Sequence[Choice], accurate: Sequence[Choice]) -> Choice:
    """Return the fastest of what is accurate enough, or the most accurate where nothing is."""
    if accurate:
        return min(accurate, key=lambda one: one.high_ms)
    return min(found, key=lambda one: (-one.top1, one.latency_ms))
