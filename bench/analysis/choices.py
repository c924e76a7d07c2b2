"""The stored figures that can compete, by system: one for each net, engine and thread count. Pure.

Accuracy is the top-1 that was measured, declared or published, which is of FP32: figures of other
precisions don't compete.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.analysis import naming
from bench.analysis.audit.claims import contradiction
from bench.analysis.boxes import Box, Older
from bench.analysis.known_accuracy import Source, known_accuracy
from bench.analysis.run_context import UNKNOWN
from bench.analysis.series import Series, View
from bench.analysis.statistics import Estimate
from bench.analysis.turns import Ratio, ratio
from bench.core.program import command
from bench.core.units import number_of, to_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
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
    """One net on one engine; `half_ms` of the 95% interval, `top1` in percent, None: not known.

    `source` says whether that was measured, declared or published, `images` of a measured one over
    how many.

    `others` are the figures of the same work that don't count: this one has more sessions, or as
    many and is newer. `to_best` is the ratio to the best choice, where the two took turns.
    """

    variant: str
    title: str
    runner: str
    engine: str
    threads: int
    latency_ms: float
    half_ms: float
    top1: float | None
    grade: str | None
    preset: str
    run_id: str
    source: Source | None = None
    images: int | None = None
    others: tuple[Other, ...] = ()
    to_best: Ratio | None = None

    @property
    def low_ms(self) -> float:
        return self.latency_ms - self.half_ms

    @property
    def high_ms(self) -> float:
        return self.latency_ms + self.half_ms

    @property
    def name(self) -> str:
        """Return what a reader knows it by: `x0_5 on MNN, 1 thread`."""
        return _name(self.variant, self.engine, self.threads)

    def overlaps(self, other: Choice) -> bool:
        """Tell whether the intervals of the two have a value in common."""
        return self.low_ms <= other.high_ms and other.low_ms <= self.high_ms


@dataclass(slots=True, kw_only=True)
class Choices:
    """A system's choices and their boxes, those that are contended and can't compete, and the
    names of the other figures that were left out, by reason.
    """

    system_id: str
    heading: str
    found: list[Choice] = field(default_factory=list)
    boxes: dict[Choice, Box] = field(default_factory=dict)
    contended: list[Choice] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def ratio(self, own: Choice, other: Choice) -> Ratio | None:
        """Return the paired ratio of two of its choices, None where they didn't take turns."""
        boxes = self.boxes.get(own), self.boxes.get(other)
        return None if boxes[0] is None or boxes[1] is None else ratio(boxes[0], boxes[1])


_NO_INTERVAL = "one session, which bears no interval"
_OTHER_NET = f"a published row that isn't the net's own ({command('audit')} says why)"
_NO_ACCURACY = "no top-1 is known: declare it in the model's entry, or measure it by " + command(
    "accuracy"
)


def choices(view: View, query: Query) -> list[Choices]:
    """Return, by system, the figures that can compete: FP32, measured, none emulated.

    Of figures of the same work from several presets or suites, the one with the most sessions
    counts, then the newest.
    """
    works: dict[tuple[object, ...], list[_Figure]] = {}
    for figure in _figures(view, query):
        series = figure.series
        key = (
            series.system.system_id, series.target, series.runner, naming.settings(series),
            figure.variant, figure.threads,
        )  # fmt: skip
        works.setdefault(key, []).append(figure)
    systems: dict[str, Choices] = {}
    for figures in works.values():
        best = max(figures, key=lambda figure: (figure.estimate.sessions, figure.box.run_id))
        system = best.series.system
        group = systems.setdefault(
            system.system_id, Choices(system_id=system.system_id, heading=system.heading)
        )
        others = sorted(_others(figures, best), key=lambda figure: figure.run_id, reverse=True)
        _sort_in(group, view, best, tuple(others))
    for group in systems.values():
        _compare_alike(group, query)
    return list(systems.values())


def _sort_in(group: Choices, view: View, figure: _Figure, others: tuple[Other, ...]) -> None:
    """Add a figure to what can compete, to the contended or to what is left out."""
    half_ns = figure.estimate.half_width_ns
    reason = _NO_INTERVAL if half_ns is None else _refused(view, figure)
    if half_ns is None or reason is not None:
        name = _name(figure.variant, _engine(figure.series), figure.threads)
        group.left_out.setdefault(str(reason), []).append(name)
        return
    made = _choice(view, figure, half_ns, others)
    if figure.box.contended:
        group.contended.append(made)
    else:
        group.found.append(made)
        group.boxes[made] = figure.box


def _name(variant: str, engine: str, threads: int) -> str:
    return f"{variant} on {engine}, {number_of(threads, 'thread')}"


def _engine(series: Series) -> str:
    more = naming.settings(series)
    return naming.runner_title(series.runner) + (f" ({more})" if more else "")


def _compare_alike(group: Choices, query: Query) -> None:
    """Leave out the choices without an accuracy where a limit is given and others have one."""
    known = [choice for choice in group.found if choice.top1 is not None]
    without = [choice.name for choice in group.found if choice.top1 is None]
    limited = query.max_ms is not None or query.min_top1 is not None
    if limited and without and (known or query.min_top1 is not None):
        group.found = known
        group.left_out[_NO_ACCURACY] = without


@dataclass(frozen=True, slots=True)
class _Figure:
    series: Series
    variant: str
    threads: int
    box: Box
    estimate: Estimate


def _others(figures: Sequence[_Figure], best: _Figure) -> Iterable[Other]:
    """Yield the figures beside the best one and the earlier ones of all."""
    for figure in figures:
        own = Older(
            run_id=figure.box.run_id,
            engine=figure.series.engine or UNKNOWN,
            estimate=figure.estimate,
        )
        for older in (*(() if figure is best else (own,)), *figure.box.older):
            half = older.estimate.half_width_ns
            yield Other(
                latency_ms=to_ms(older.estimate.value_ns),
                half_ms=None if half is None else to_ms(half),
                sessions=older.estimate.sessions,
                engine=older.engine,
                preset=figure.series.preset,
                run_id=older.run_id,
            )


def _figures(view: View, query: Query) -> Iterable[_Figure]:
    """Yield what has a figure for the batch, threads and runners of `query`."""
    for series in view.series:
        if series.system.emulated or series.precision != "fp32":
            continue
        if query.runners and series.runner not in query.runners:
            continue
        for variant, row in series.boxes.items():
            for (batch, threads), box in row.items():
                matches = batch == query.batch and query.threads in (None, threads)
                if matches and box.estimate is not None:
                    yield _Figure(series, variant, threads, box, box.estimate)


def _refused(view: View, figure: _Figure) -> str | None:
    """Return why a figure with an interval is none of the net's work, None where it is."""
    facts, known = view.models[figure.variant], known_accuracy(view, figure.variant)
    own = known is not None and known.source != "published"
    if not own and contradiction(facts.published, facts.costs, view.published):
        return _OTHER_NET
    if figure.box.contended:
        return None
    return next(iter(figure.box.warnings), None)


def _choice(view: View, figure: _Figure, half_ns: float, others: tuple[Other, ...]) -> Choice:
    series, known = figure.series, known_accuracy(view, figure.variant)
    return Choice(
        variant=figure.variant,
        title=view.models[figure.variant].title,
        runner=series.runner,
        engine=_engine(series),
        threads=figure.threads,
        latency_ms=to_ms(figure.estimate.value_ns),
        half_ms=to_ms(half_ns),
        top1=None if known is None else 100 * known.share,
        source=None if known is None else known.source,
        images=None if known is None else known.images,
        grade=figure.box.grade,
        preset=series.preset,
        run_id=figure.box.run_id,
        others=others,
    )
