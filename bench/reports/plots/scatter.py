"""Draws a Figure as <name>.svg and <name>.png: the same bytes on every run.

All lengths are points (1/72 inch): the sheet has 72 dots an inch until it is saved.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import Affine2D, Transform

from bench.reports.plots import style as styles
from bench.reports.plots.figure import MAX_NAMED, Figure, Panel, Point, named, pareto_front
from bench.reports.plots.labels import Box, Obstacle, Placement, Segment, Tag, place
from bench.reports.plots.layout import HANDLE_EM, LEADING, SMALL_SIZE, WIDTH, Layout, lay_out

PNG_DPI = 120
MEASURED_REACH, INTERVAL_REACH, CONTEXT_REACH = 4.4, 5.5, 3.2
# What a label pays to cover a thing; labels.py says what a gap and a leader cost.
OVER_CONTEXT_POINT, OVER_CONTEXT_LINE, OVER_FRONT, OVER_INTERVAL = 3.0, 0.5, 1.5, 4.0
TICKS_PER_DECADE = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0))
MIN_TICKS, MAX_TICKS = 3, 9


def render(figure: Figure) -> dict[str, bytes]:
    """Return the figure as two files: their names, <name>.svg and <name>.png, and their bytes."""
    return files(compose(figure), name=figure.name, title=figure.title)


def files(sheet: Sheet, *, name: str, title: str) -> dict[str, bytes]:
    """Return `sheet` as <name>.svg and <name>.png: the same bytes on every run."""
    with settings():
        return {
            f"{name}.svg": _saved(sheet, "svg", {"Title": title, "Date": None, "Creator": None}),
            f"{name}.png": _saved(sheet, "png", {"Software": None}),
        }


def compose(figure: Figure) -> Sheet:
    """Return the sheet, all drawn; each artist of a measured point has a gid that tells which."""
    with settings():
        sheet = Sheet(dpi=72)
        looks = styles.family_styles(
            line.family for panel in figure.panels for line in panel.context
        )
        handles = _legend_handles(figure, looks)
        layout = lay_out(figure, [str(handle.get_label()) for handle in handles], text_width)
        sheet.set_size_inches(WIDTH / 72, layout.height / 72)
        _write_around(sheet, handles, layout)
        y_limits = padded([p.top1 for panel in figure.panels for p in panel.points()], log=False)
        points = Affine2D().scale(1 / 72) + sheet.dpi_scale_trans
        for index, (panel, area) in enumerate(zip(figure.panels, layout.areas, strict=True)):
            axes = sheet.add_axes(layout.fractions(area))
            _set_axes(axes, panel, y_limits)
            axes.set_ylabel("Top-1 accuracy (%)" if index == 0 else "")
            axes.tick_params(labelleft=index == 0)
            _draw_context(axes, panel, looks)
            _draw_front(axes, panel, name=f"panel{index}")
            _draw_measured(axes, panel, name=f"panel{index}")
            _draw_labels(axes, panel, points, name=f"panel{index}")
        return sheet


def _saved(sheet: Sheet, form: str, metadata: Mapping[str, str | None]) -> bytes:
    buffer = io.BytesIO()
    sheet.savefig(buffer, format=form, dpi=PNG_DPI, metadata=dict(metadata))
    return buffer.getvalue()


def settings() -> AbstractContextManager[None]:
    """Put our settings in force, whatever a person's own matplotlibrc says."""
    defaults: dict[Any, Any] = dict(mpl.rcParamsDefault)
    del defaults["backend"]  # the backend follows from the file's format
    return mpl.rc_context(defaults | styles.SETTINGS)


def text_width(text: str, size: float, weight: str) -> float:
    """The width of `text` in points, at a size in points."""
    font = FontProperties(family=[styles.FONT], size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def _front(panel: Panel) -> tuple[str, tuple[Point, ...], dict[str, Any]]:
    """The panel's Pareto front: its name, its points and how it is drawn."""
    if panel.measured:
        return "Pareto front (measured)", pareto_front(panel.measured), styles.FRONT_MEASURED
    return "Pareto front (published)", pareto_front(panel.published()), styles.FRONT_PUBLISHED


def _legend_handles(figure: Figure, families: Mapping[str, styles.Style]) -> list[Line2D]:
    """One handle a name, the measured points first."""
    looks: dict[str, dict[str, Any]] = {}
    for panel in figure.panels:
        if panel.measured:
            looks.setdefault(panel.measured_name or "measured", styles.MEASURED)
    for name, _, look in map(_front, figure.panels):
        looks.setdefault(name, look)
    looks |= {family: style.line for family, style in families.items()}
    return [Line2D([], [], label=name, **look) for name, look in looks.items()]


def _write_around(sheet: Sheet, handles: Sequence[Line2D], layout: Layout) -> None:
    """Write the titles, the caption and the legend."""
    for block in layout.texts:
        for row, line in enumerate(block.lines):
            y = (block.top - (row + 0.8) * block.size * LEADING) / layout.height
            sheet.text(block.x / WIDTH, y, line, fontsize=block.size, fontweight=block.weight)
    sheet.legend(
        handles=handles,
        ncols=layout.legend_columns,
        loc="upper center",
        bbox_to_anchor=(0.5, layout.legend_top / layout.height),
        fontsize=SMALL_SIZE,
        frameon=False,
        borderaxespad=0,
        borderpad=0,
        handlelength=HANDLE_EM,
        labelspacing=LEADING - 1,
    )


def padded(values: Sequence[float], *, log: bool) -> tuple[float, float]:
    """Limits of an axis with room around `values`, on a logarithmic scale by a factor."""
    ends = [math.log(value) if log else value for value in (min(values), max(values))]
    room = 0.06 * (ends[1] - ends[0]) or (0.5 if log else 1.0)
    low, high = ends[0] - room, ends[1] + room
    return (math.exp(low), math.exp(high)) if log else (low, high)


def log_ticks(low: float, high: float) -> list[float]:
    """Round values within [low, high] for a logarithmic axis: as many as a reader can use."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    choices = [
        [step * 10.0**decade for decade in decades for step in steps] for steps in TICKS_PER_DECADE
    ]
    within = [[tick for tick in ticks if low <= tick <= high] for ticks in choices]
    return max((ticks for ticks in within if len(ticks) <= MAX_TICKS), key=len, default=within[0])


def plain(value: float, _position: object = None) -> str:
    """Write a tick without an exponent: 0.5, 20, 1000."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _set_axes(axes: Axes, panel: Panel, y_limits: tuple[float, float]) -> None:
    limits = padded([x for point in panel.points() for x in point.xs], log=panel.x_log)
    if panel.x_log:
        axes.set_xscale("log")
        ticks = log_ticks(*limits)
        if len(ticks) >= 3:
            axes.xaxis.set_major_locator(FixedLocator(ticks))
        else:
            axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.set_xlim(limits)
    axes.set_ylim(y_limits)
    axes.set_xlabel(panel.x_label)


def _draw_context(axes: Axes, panel: Panel, families: Mapping[str, styles.Style]) -> None:
    for line in panel.context:
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
    """Draw the same as two artists: hundreds of artists take seconds."""
    spread = [point for point in panel.measured if len(point.xs) > 1]
    ends = [value for point in spread for value in (min(point.xs), max(point.xs), math.nan)]
    heights = [value for point in spread for value in (point.top1, point.top1, math.nan)]
    axes.plot(ends, heights, zorder=4, gid=f"{name}-intervals", **styles.INTERVAL)
    xs, ys = [p.x for p in panel.measured], [p.top1 for p in panel.measured]
    points = {**styles.MEASURED, "linestyle": "none"}
    axes.plot(xs, ys, zorder=5, gid=f"{name}-points", **points)


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


def _draw_labels(axes: Axes, panel: Panel, points: Transform, name: str) -> None:
    """Write each named point's label where it covers nothing that matters."""
    labelled = named(panel.measured)
    if not labelled:
        return
    spots = _on_sheet(axes, [(point.x, point.top1) for point in labelled])
    tags = [
        Tag(
            x=x,
            y=y,
            width=text_width(point.label, styles.LABEL["fontsize"], styles.LABEL["fontweight"]) + 3,
            height=styles.LABEL["fontsize"] + 3,
            radius=MEASURED_REACH,
        )
        for point, (x, y) in zip(labelled, spots, strict=True)
    ]
    placements = place(
        tags, bounds=Box(*axes.bbox.extents), obstacles=list(_obstacles(axes, panel))
    )
    for index, (point, placement) in enumerate(zip(labelled, placements, strict=True)):
        if placement is not None:
            _write_label(axes, point.label, placement, points, gid=f"{name}-label{index}")


def _write_label(axes: Axes, text: str, placement: Placement, points: Transform, gid: str) -> None:
    box, leader = placement.box, placement.leader
    x, y = (box.left + box.right) / 2, (box.bottom + box.top) / 2
    axes.text(x, y, text, transform=points, zorder=7, gid=gid, **styles.LABEL)
    if leader is not None:
        xs, ys = (leader.x0, leader.x1), (leader.y0, leader.y1)
        axes.plot(xs, ys, transform=points, zorder=6, gid=f"{gid}-leader", **styles.LEADER)


def _on_sheet(axes: Axes, spots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where (x, top-1) pairs lie on the sheet, in points of length."""
    return [(float(x), float(y)) for x, y in axes.transData.transform(spots)] if spots else []


def _obstacles(axes: Axes, panel: Panel) -> Iterator[Obstacle]:
    """What a label had better not cover."""
    for line in panel.context:
        spots = _on_sheet(axes, [(point.x, point.top1) for point in line.points])
        for spot in spots:
            marker = Box.around(*spot, 2 * CONTEXT_REACH, 2 * CONTEXT_REACH)
            yield Obstacle(shape=marker, cost=OVER_CONTEXT_POINT)
        for start, end in pairwise(spots):
            yield Obstacle(shape=Segment(*start, *end), cost=OVER_CONTEXT_LINE)
    for point in panel.measured:
        ends = _on_sheet(axes, [(min(point.xs), point.top1), (max(point.xs), point.top1)])
        (left, y), (right, _) = ends
        bar = Box(left - 1, y - INTERVAL_REACH, right + 1, y + INTERVAL_REACH)
        yield Obstacle(shape=bar, cost=OVER_INTERVAL)
    for start, end in pairwise(_on_sheet(axes, _front_corners(axes, panel))):
        yield Obstacle(shape=Segment(*start, *end), cost=OVER_FRONT)
