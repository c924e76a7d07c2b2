"""Draws latency over time: a panel a cell, one below the other; the same bytes on every run.

All lengths are points (1/72 inch), from the sheet's lower left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.analysis.time_course import Course
from bench.core.units import NS_PER_S, to_ms
from bench.reports.plots import style as styles
from bench.reports.plots.layout import (
    EDGE,
    HEAD_GAP,
    LEADING,
    LEFT,
    PANEL_TITLE_SIZE,
    RIGHT,
    SMALL_SIZE,
    TITLE_SIZE,
    WIDTH,
    X_AXIS_HEIGHT,
    wrap,
)
from bench.reports.plots.scatter import files, padded, plain, settings, text_width


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One cell's latency over its time."""

    title: str
    course: Course


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Panels one below the other. `name` is the stem of the files' names."""

    name: str
    title: str
    panels: tuple[Panel, ...]
    caption: str


AXES_HEIGHT, ALONE_HEIGHT = 120.0, 250.0
LEAST_SPAN = 0.1  # of the latency: noise of 1% isn't blown up to a sheet's height

MEDIAN: dict[str, Any] = {"color": styles.INK, "linewidth": 1.1}
BAND: dict[str, Any] = {"color": styles.COLOURS[1], "alpha": 0.45, "linewidth": 0}
TENTH: dict[str, Any] = {
    "color": styles.COLOURS[4],
    "linewidth": 3.5,
    "solid_capstyle": "butt",
    "alpha": 0.9,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The sheet's height, the bottom of each panel's axes, the caption and the legend's top."""

    height: float
    axes_height: float
    bottoms: list[float]
    caption: list[str]
    legend_top: float


def render(figure: Figure) -> dict[str, bytes]:
    """Return the figure as two files: their names, <name>.svg and <name>.png, and their bytes."""
    return files(compose(figure), name=figure.name, title=figure.title)


def compose(figure: Figure) -> Sheet:
    """Return the sheet, all drawn; each artist has a gid that tells its panel and what it is."""
    with settings():
        sheet = Sheet(dpi=72)
        places = _places(figure)
        sheet.set_size_inches(WIDTH / 72, places.height / 72)
        _write_around(sheet, figure, places)
        for index, (panel, bottom) in enumerate(zip(figure.panels, places.bottoms, strict=True)):
            wide, high = WIDTH - LEFT - RIGHT, places.axes_height
            axes = sheet.add_axes(
                (LEFT / WIDTH, bottom / places.height, wide / WIDTH, high / places.height)
            )
            _draw(axes, panel, name=f"panel{index}")
            if index == len(figure.panels) - 1:
                axes.set_xlabel("Time since sampling began (s)")
        return sheet


def _places(figure: Figure) -> Places:
    caption = wrap(
        figure.caption, WIDTH - 2 * EDGE, size=SMALL_SIZE, weight="normal", width=text_width
    )
    legend_top = 2 * EDGE + (len(caption) + 1) * SMALL_SIZE * LEADING
    axes_height = ALONE_HEIGHT if len(figure.panels) == 1 else AXES_HEIGHT
    head = PANEL_TITLE_SIZE * LEADING + HEAD_GAP
    step = axes_height + head + X_AXIS_HEIGHT
    lowest = legend_top + EDGE + X_AXIS_HEIGHT
    count = len(figure.panels)
    return Places(
        height=lowest + count * step - X_AXIS_HEIGHT + 2 * EDGE + TITLE_SIZE * LEADING,
        axes_height=axes_height,
        bottoms=[lowest + (count - 1 - index) * step for index in range(count)],
        caption=caption,
        legend_top=legend_top,
    )


def _write_around(sheet: Sheet, figure: Figure, places: Places) -> None:
    """Write the titles, the legend and the caption."""
    high = places.height
    top = high - EDGE - 0.8 * TITLE_SIZE * LEADING
    sheet.text(EDGE / WIDTH, top / high, figure.title, fontsize=TITLE_SIZE, fontweight="bold")
    for panel, bottom in zip(figure.panels, places.bottoms, strict=True):
        above = bottom + places.axes_height + HEAD_GAP
        sheet.text(LEFT / WIDTH, above / high, panel.title, fontsize=PANEL_TITLE_SIZE)
    for row, line in enumerate(places.caption):
        down = (row + 0.8) * SMALL_SIZE * LEADING
        above = EDGE + len(places.caption) * SMALL_SIZE * LEADING - down
        sheet.text(EDGE / WIDTH, above / high, line, fontsize=SMALL_SIZE)
    sheet.legend(
        handles=[
            Line2D([], [], label="running median", **MEDIAN),
            Patch(label="5th to 95th percentile", **BAND),
            Line2D([], [], label="median of the first and of the last tenth", **TENTH),
        ],
        ncols=3,
        loc="upper center",
        bbox_to_anchor=(0.5, places.legend_top / high),
        fontsize=SMALL_SIZE,
        frameon=False,
        borderaxespad=0,
        borderpad=0,
    )


def _draw(axes: Axes, panel: Panel, name: str) -> None:
    shown = panel.course
    times = [part.at_s for part in shown.parts]
    lows, highs = ([to_ms(ns) for ns in band] for band in _band(shown))
    axes.fill_between(times, lows, highs, zorder=2, gid=f"{name}-band", **BAND)
    medians = [to_ms(part.median_ns) for part in shown.parts]
    axes.plot(times, medians, zorder=3, gid=f"{name}-median", **MEDIAN)
    ran_s = shown.ran_ns / NS_PER_S
    for tenth, start, value in (("first", 0.0, shown.first_ns), ("last", 0.9, shown.last_ns)):
        span, level = (start * ran_s, (start + 0.1) * ran_s), (to_ms(value), to_ms(value))
        axes.plot(span, level, zorder=4, gid=f"{name}-{tenth}", **TENTH)
    axes.set_xlim(0, ran_s or 1)
    axes.set_ylim(_limits(shown, lows, highs))
    axes.set_ylabel("Latency (ms)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(plain))
    axes.yaxis.set_major_locator(MaxNLocator(6 if axes.bbox.height > AXES_HEIGHT else 4))


def _band(shown: Course) -> tuple[list[int], list[int]]:
    return [part.low_ns for part in shown.parts], [part.high_ns for part in shown.parts]


def _limits(shown: Course, lows: list[float], highs: list[float]) -> tuple[float, float]:
    """Return the ends of the latency axis: the band with room around, not narrower than a tenth."""
    tenths = [to_ms(shown.first_ns), to_ms(shown.last_ns)]
    low, high = min(lows + tenths), max(highs + tenths)
    lacking = max(LEAST_SPAN * high - (high - low), 0) / 2
    bottom, top = padded([low - lacking, high + lacking], log=False)
    return max(bottom, 0.0), top
