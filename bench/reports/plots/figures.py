"""Which plots there are: top-1 against latency (a system and runner each) and against costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.analysis import naming
from bench.analysis.known_accuracy import known_accuracy
from bench.analysis.series import Column, Series, View
from bench.analysis.side_by_side import plotted as plotted_tables
from bench.analysis.side_by_side import side_by_side
from bench.analysis.sustained_rows import Row, ratio_text, rows
from bench.core.units import BYTES_PER_MIB, number_of, to_ms
from bench.reports.language import ENGLISH
from bench.reports.plots.figure import Figure, Line, Panel, Point, named
from bench.reports.tables import titles
from bench.storage.schema.latency import ModelFacts

if TYPE_CHECKING:
    from bench.reports.plots import sustained

_BESIDE, _LINES = (
    ", beside the published mobile models",
    "Lines: the mobile models that PaddleClas published. ",
)
_APART = "The panels are of different hardware. "
_TOP1 = "Top-1 accuracy is PaddleClas's published figure for ImageNet-1k throughout."


def _sources(view: View, points: Iterable[Point]) -> str:
    """Return where the accuracy of the points is from."""
    by_source: dict[str, list[str]] = {}
    for point in points:
        known = known_accuracy(view, point.label)
        if known is not None:
            images = f" over {number_of(known.images, 'image')}" if known.images else ""
            by_source.setdefault(f"{known.source}{images}", []).append(point.label)
    published = by_source.pop("published", None)
    if not by_source:
        return _TOP1
    own = "; ".join(f"{', '.join(names)}: {how}" for how, names in by_source.items())
    if published is None:
        return f"Top-1 accuracy of {own}."
    return f"Top-1 accuracy is PaddleClas's published figure for ImageNet-1k, but of {own}."


def figures(view: View) -> list[Figure]:
    """Return the figures that `view` has points for."""
    latency = [latency_figure(view, series) for series in plotted(view.series)]
    costs = [
        cost_figure(
            view, "storage", "Storage of the Paddle Lite .nb file (MiB)", "storage_mb", _mib
        ),
        cost_figure(view, "flops", "FLOPs by paddle.flops (M)", "flops_m", _flops),
        cost_figure(view, "params", "Parameters (M)", "params_m", _params),
    ]
    return [figure for figure in [*latency, *costs] if figure is not None]


def plotted(all_series: Iterable[Series]) -> list[Series]:
    """Return, of the series that would share a plot, the one with the most sessions behind it.

    The published accuracy is FP32's, so that only such series have one.
    """
    best: dict[str, Series] = {}
    for series in all_series:
        if series.precision != "fp32":
            continue
        stem = naming.latency_stem(series)
        newest = max(series.runs, default="")
        held = best.get(stem)
        if held is None or (series.most_sessions, newest) > (
            held.most_sessions,
            max(held.runs, default=""),
        ):
            best[stem] = series
    return list(best.values())


def latency_figure(view: View, series: Series) -> Figure | None:
    """Return top-1 against the series' first column, beside what was published elsewhere."""
    if not series.columns:
        return None
    column = series.columns[0]
    points = _latency_points(view, series, column)
    if not points:
        return None
    measured, families = _by_family(view, points)
    panels = [
        Panel(
            title=f"Measured: {naming.system(series)}",
            x_label=f"Latency (ms), {naming.setting(series, column)}, {series.precision.upper()}",
            measured=measured,
            families=families,
            measured_name=f"{naming.runner_title(series.runner)}, measured",
        )
    ]
    beside = next((c for c in series.beside if c in naming.PUBLISHED_COLUMNS), None)
    published = context(view, beside) if beside is not None else ()
    if beside is not None and published:
        known = naming.PUBLISHED_COLUMNS[beside]
        panels.append(
            Panel(
                title=f"Published: {known.hardware}",
                x_label=f"Latency (ms), {known.setting}",
                context=published,
            )
        )
    return Figure(
        name=naming.latency_stem(series),
        title="Top-1 accuracy against latency",
        panels=tuple(panels),
        caption=f"{titles.heading(series, ENGLISH)}: {titles.statistic(series, ENGLISH)}. "
        f"Error bars: the interval{_cut(points)}. {_APART if published else ''}"
        f"{_sources(view, points)}{_unnamed(points)}",
    )


def _latency_points(view: View, series: Series, column: Column) -> tuple[Point, ...]:
    points = []
    for variant, row in series.boxes.items():
        box, top1 = row.get(column), _top1(view, variant)
        if box is None or box.estimate is None or top1 is None:
            continue
        value, half = to_ms(box.estimate.value_ns), box.estimate.half_width_ns
        # A log axis has no place for an interval that reaches zero, as two sessions' may.
        low = None if half is None else max(value - to_ms(half), value / 10)
        high = None if half is None else value + to_ms(half)
        points.append(Point(label=variant, x=value, top1=top1, x_low=low, x_high=high))
    return tuple(points)


def cost_figure(
    view: View, name: str, label: str, column: str, measure: Callable[[ModelFacts], float | None]
) -> Figure | None:
    """Return top-1 against one cost, counted beside published; None where nothing was counted."""
    points = []
    for variant, facts in view.models.items():
        value, top1 = measure(facts), _top1(view, variant)
        if value is not None and top1 is not None:
            points.append(Point(label=variant, x=value, top1=top1))
    if not points:
        return None
    title = f"Top-1 accuracy against {'FLOPs' if name == 'flops' else name}"
    published = context(view, column)
    beside, lines = (_BESIDE, _LINES) if published else ("", "")
    panel = Panel(
        title=f"Counted here{beside}",
        x_label=label,
        measured=_by_family(view, tuple(points))[0],
        measured_name="counted by this harness",
        origin="counted",
        context=published,
    )
    caption = f"{lines}{_sources(view, points)}{_unnamed(tuple(points))}"
    return Figure(name=f"top1-{name}", title=title, panels=(panel,), caption=caption)


def _cut(points: tuple[Point, ...]) -> str:
    cut = any(point.x_low == point.x / 10 for point in points)
    return ", cut at a tenth of the figure where it reaches below" if cut else ""


def _unnamed(points: tuple[Point, ...]) -> str:
    """Return what the caption says where not every point has its label."""
    everyone = len(named(points)) == len(points)
    return "" if everyone else " Only models on the Pareto front are named, where there is room."


def context(view: View, column: str) -> tuple[Line, ...]:
    """Return the published models that have `column`, a line a family, in x order."""
    families: dict[str, list[Point]] = {}
    for row in view.published.values():
        if column in row.figures and "top1" in row.figures:
            point = Point(label=row.name, x=row.figures[column], top1=100 * row.figures["top1"])
            families.setdefault(row.family, []).append(point)
    return _lines(families)


def _by_family(
    view: View, measured: tuple[Point, ...]
) -> tuple[tuple[Point, ...], tuple[Line, ...]]:
    """Return the points, whose labels are variants, and a line a family.

    Points of several families are labelled with their titles.
    """
    rows = {point.label: view.published_of(point.label) for point in measured}
    several = len({row.family for row in rows.values() if row is not None}) > 1
    families: dict[str, list[Point]] = {}
    named_points = []
    for point in measured:
        label = view.models[point.label].title if several else point.label
        named_points.append(replace(point, label=label))
        if (row := rows[point.label]) is not None:
            families.setdefault(row.family, []).append(named_points[-1])
    return tuple(named_points), _lines(families)


def _lines(families: Mapping[str, list[Point]]) -> tuple[Line, ...]:
    return tuple(
        Line(family=family, points=tuple(sorted(points, key=lambda point: point.x)))
        for family, points in families.items()
    )


def _top1(view: View, variant: str) -> float | None:
    known = known_accuracy(view, variant)
    return None if known is None else 100 * known.share


def _mib(facts: ModelFacts) -> float | None:
    return facts.storage.bytes / BYTES_PER_MIB if facts.storage else None


def _flops(facts: ModelFacts) -> float | None:
    operations = facts.costs.operations if facts.costs else None
    return operations[1] / 1e6 if operations else None


def _params(facts: ModelFacts) -> float | None:
    return facts.costs.params / 1e6 if facts.costs else None


def sustained_figures(view: View) -> list[sustained.Figure]:
    """Return a figure for each system, runner and setting that has a long session."""
    by_stem: dict[str, list[Series]] = {}
    for series in view.sustained:
        by_stem.setdefault(naming.sustained_stem(series), []).append(series)
    all_figures = [_sustained_figure(view, stem, group) for stem, group in by_stem.items()]
    return [figure for figure in all_figures if figure.panels]


def _sustained_figure(view: View, stem: str, group: list[Series]) -> sustained.Figure:
    from bench.reports.plots.sustained import Figure, Panel

    panels = [
        Panel(title=_panel_title(view, row, several=len(group) > 1), course=row.box.long.course)
        for series in group
        for row in rows(series)
        if row.box.long is not None
    ]
    return Figure(
        name=stem,
        title="Latency over time: burst and sustained",
        panels=tuple(panels),
        caption=f"{titles.heading(group[0], ENGLISH)}. {_CAPTION}",
    )


_CAPTION = (
    "Line: the running median, one value for each hundredth of the time. Band: the 5th to the 95th "
    "percentile of the same samples; what lies beyond isn't drawn. Bars: the medians of the first "
    "and the last tenth of the time, whose ratio stands above each panel. The latency axes need "
    "not begin at zero. One session a cell: nothing here bears an interval, and what else the "
    "machine does shows too."
)


def _panel_title(view: View, row: Row, *, several: bool) -> str:
    weights = f", {row.series.weights} weights" if several else ""
    setting = naming.setting(row.series, (row.batch, row.threads))
    assert row.box.long is not None  # noqa: S101 - the caller asks for such rows alone
    return (
        f"{view.models[row.variant].title}, {setting}{weights}: "
        f"{ratio_text(row.box.long.course)} from the first tenth to the last"
    )


def write(view: View, folder: Path) -> dict[Path, bytes]:
    """Return the files of all plots and their bytes: SVG, PNG and CSV."""
    drawn, tables = figures(view), plotted_tables(side_by_side(view))
    over_time = sustained_figures(view)
    if not (drawn or tables or over_time):
        return {}  # without matplotlib, which takes a second to load
    from bench.reports.plots import engines, scatter, sustained

    rendered = [scatter.render(figure) for figure in drawn]
    rendered += [engines.render(view, table) for table in tables]
    rendered += [sustained.render(figure) for figure in over_time]
    return {folder / name: data for files in rendered for name, data in files.items()}
