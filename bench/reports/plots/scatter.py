"""Draws top-1 against a cost as <name>.svg, .png and .csv: the same bytes on every run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D

from bench.reports.plots import style as styles
from bench.reports.plots.data import Mark, Origin
from bench.reports.plots.figure import MAX_NAMED, Figure, Panel, Point, named, pareto_front
from bench.reports.plots.labels import boxes, write_labels
from bench.reports.plots.sheet import (
    files,
    finish,
    new_sheet,
    padded,
    set_cost_axis,
    settings,
    wrap,
)

AXES_HEIGHT = 290.0
BESIDE_AXES = 90.0  # what the sheet's width gives to ticks and margins, in points
TOP1, INTERVAL_NAME = "Top-1 accuracy (%)", "95% interval"


def render(figure: Figure) -> dict[str, bytes]:
    """Return the figure as files: their names, <name>.svg, .png and .csv, and their bytes."""
    panels = "; ".join(f"{panel.title}, {panel.x_label}" for panel in figure.panels)
    return files(
        compose(figure), name=figure.name, title=figure.title,
        description=f"{TOP1} against {panels}. {figure.caption}", marks=list(_marks(figure)),
    )  # fmt: skip


def _marks(figure: Figure) -> Iterator[Mark]:
    """Yield what is drawn, panel by panel: points, front, families."""
    for panel in figure.panels:
        origin: Origin = panel.origin if panel.measured else "published"
        front, corners, _ = _front(panel)
        drawn: list[tuple[str, Iterable[Point], Origin]] = [
            (_points_name(panel), panel.measured, panel.origin),
            (front, corners, origin),
            *((line.family, line.points, panel.origin) for line in panel.families),
            *((line.family, line.points, "published") for line in panel.context),
        ]
        for index, (series, points, of) in enumerate(drawn):
            bars = index == 0
            for point in points:
                yield Mark(
                    panel=panel.title, series=series, label=point.label, x=point.x, y=point.top1,
                    low=point.x_low if bars else None, high=point.x_high if bars else None,
                    origin=of, x_axis=panel.x_label, y_axis=TOP1,
                )  # fmt: skip


def compose(figure: Figure) -> Sheet:
    """Return the sheet, all drawn; each artist of a measured point has a gid that tells which."""
    with settings():
        sheet = new_sheet()
        looks = styles.family_styles(line.family for panel in figure.panels for line in panel.lines)
        all_axes = sheet.subplots(1, len(figure.panels), sharey=True, squeeze=False)[0]
        all_axes[0].set_ylabel(TOP1)
        top1s = [point.top1 for panel in figure.panels for point in panel.points()]
        all_axes[0].set_ylim(padded(top1s, log=False))
        width = (styles.WIDTH - BESIDE_AXES) / len(figure.panels)
        for index, (axes, panel) in enumerate(zip(all_axes, figure.panels, strict=True)):
            axes.set_title(wrap(panel.title, width, size=styles.PANEL_TITLE_SIZE))
            costs = [x for point in panel.points() for x in point.xs]
            set_cost_axis(axes, costs, log=panel.x_log, label=panel.x_label)
            _draw_lines(axes, panel, looks)
            _draw_front(axes, panel, name=f"panel{index}")
            _draw_measured(axes, panel, name=f"panel{index}")
        finish(
            sheet, title=figure.title, caption=[figure.caption], handles=_handles(figure),
            more=_family_handles(figure, looks), axes_height=AXES_HEIGHT,
        )  # fmt: skip
        for index, (axes, panel) in enumerate(zip(all_axes, figure.panels, strict=True)):
            _draw_labels(axes, panel, name=f"panel{index}")
        return sheet


def _front(panel: Panel) -> tuple[str, tuple[Point, ...], dict[str, Any]]:
    """The panel's Pareto front: its name, its points and how it is drawn."""
    if panel.measured:
        name = f"Pareto front ({panel.origin})"
        return name, pareto_front(panel.measured), styles.FRONT_MEASURED
    return "Pareto front (published)", pareto_front(panel.published()), styles.FRONT_PUBLISHED


def _points_name(panel: Panel) -> str:
    return panel.measured_name or panel.origin


def _looks(panel: Panel) -> tuple[dict[str, Any], dict[str, Any]]:
    """How the panel's measured points and their intervals look."""
    if len(panel.measured) > MAX_NAMED:
        return styles.CROWDED, styles.CROWDED_INTERVAL
    return styles.MEASURED, styles.INTERVAL


def _handles(figure: Figure) -> list[Line2D]:
    """One handle a name: measured points, their intervals, fronts."""
    looks: dict[str, dict[str, Any]] = {}
    for panel in figure.panels:
        if panel.measured:
            looks.setdefault(_points_name(panel), _looks(panel)[0])
        if any(len(point.xs) > 1 for point in panel.measured):
            looks.setdefault(INTERVAL_NAME, _looks(panel)[1])
    for name, _, look in map(_front, figure.panels):
        looks.setdefault(name, look)
    return [Line2D([], [], label=name, **look) for name, look in looks.items()]


def _family_handles(figure: Figure, families: Mapping[str, styles.Style]) -> list[Line2D]:
    """One handle a family, below a line that tells where the families' figures are from."""
    origins: list[Origin] = [panel.origin for panel in figure.panels if panel.families]
    origins += ["published" for panel in figure.panels if panel.context]
    if not origins:
        return []
    title = f"families, {' and '.join(dict.fromkeys(origins))}:"
    drawn = [Line2D([], [], label=name, **style.line) for name, style in families.items()]
    return [Line2D([], [], label=title, linestyle="none"), *drawn]


def _draw_lines(axes: Axes, panel: Panel, families: Mapping[str, styles.Style]) -> None:
    for line in panel.lines:
        style = families[line.family].line
        xs, top1s = [p.x for p in line.points], [p.top1 for p in line.points]
        raised = line.family == styles.EMPHASISED
        axes.plot(xs, top1s, zorder=2.5 if raised else 2, **style)


def _draw_measured(axes: Axes, panel: Panel, name: str) -> None:
    """Draw the intervals and the measured points, on top of the context."""
    if len(panel.measured) > MAX_NAMED:
        _draw_many(axes, panel, name)
        return
    for index, point in enumerate(panel.measured):
        if len(point.xs) > 1:
            ends, heights = (min(point.xs), max(point.xs)), (point.top1, point.top1)
            axes.plot(ends, heights, zorder=4, gid=f"{name}-interval{index}", **styles.INTERVAL)
        axes.plot([point.x], [point.top1], zorder=5, gid=f"{name}-point{index}", **styles.MEASURED)


def _draw_many(axes: Axes, panel: Panel, name: str) -> None:
    """Draw the same as two artists, smaller: hundreds of artists take seconds."""
    look, bar = _looks(panel)
    spread = [point for point in panel.measured if len(point.xs) > 1]
    ends = [value for point in spread for value in (min(point.xs), max(point.xs), math.nan)]
    heights = [value for point in spread for value in (point.top1, point.top1, math.nan)]
    axes.plot(ends, heights, zorder=4, gid=f"{name}-intervals", **bar)
    xs, ys = [p.x for p in panel.measured], [p.top1 for p in panel.measured]
    axes.plot(xs, ys, zorder=5, gid=f"{name}-points", **look)


def _draw_front(axes: Axes, panel: Panel, name: str) -> None:
    xs, top1s = zip(*_front_corners(axes, panel), strict=True)
    axes.plot(xs, top1s, zorder=3, gid=f"{name}-front", **_front(panel)[2])


def _front_corners(axes: Axes, panel: Panel) -> list[tuple[float, float]]:
    """The corners of the step line: the best top-1 to be had for each cost, up to the last one."""
    front = _front(panel)[1]
    corners = [(front[0].x, front[0].top1)]
    for before, point in pairwise(front):
        corners += [(point.x, before.top1), (point.x, point.top1)]
    return [*corners, (axes.get_xlim()[1], front[-1].top1)]


def _draw_labels(axes: Axes, panel: Panel, name: str) -> None:
    """Write each named point's label where it covers nothing that matters."""
    labels = [(point.label, (point.x, point.top1)) for point in named(panel.measured)]
    if not labels:
        return
    write_labels(
        axes,
        labels,
        markers=[
            *boxes(axes, [(x, point.top1) for point in panel.measured for x in point.xs], 9),
            *boxes(axes, [(point.x, point.top1) for point in panel.published()], 7),
        ],
        points=[(point.x, point.top1) for point in panel.measured],
        lines=[
            _front_corners(axes, panel),
            *([(point.x, point.top1) for point in line.points] for line in panel.lines),
        ],
        gid=f"{name}-label",
        size=styles.LABEL_SIZES[len(panel.measured) > MAX_NAMED],
    )
