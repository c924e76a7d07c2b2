"""Draws latency over time: a panel a cell, one below the other; the same bytes on every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from bench.analysis.time_course import Course
from bench.core.units import NS_PER_S, to_ms
from bench.reports.colours import COLOURS
from bench.reports.plots import style as styles
from bench.reports.plots.data import Mark
from bench.reports.plots.sheet import (
    files,
    finish,
    new_sheet,
    plain,
    set_latency_axis,
    settings,
    wrap,
)


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
TIME, LATENCY = "Time since sampling began (s)", "Latency (ms)"
MEDIAN_NAME, TENTH_NAME = "running median", "median of the first and of the last tenth"
TITLE_WIDTH = styles.WIDTH - 80.0

MEDIAN: dict[str, Any] = {"color": styles.INK, "linewidth": 1.1}
BAND: dict[str, Any] = {"color": COLOURS[1], "alpha": 0.45, "linewidth": 0}
TENTH: dict[str, Any] = {
    "color": COLOURS[4],
    "linewidth": 3.5,
    "solid_capstyle": "butt",
    "alpha": 0.9,
}


def render(figure: Figure) -> dict[str, bytes]:
    """Return the figure as files: their names, <name>.svg, .png and .csv, and their bytes."""
    panels = "; ".join(panel.title for panel in figure.panels)
    return files(
        compose(figure), name=figure.name, title=figure.title,
        description=f"Latency over time. {panels}. {figure.caption}",
        marks=[mark for panel in figure.panels for mark in _marks(panel)],
    )  # fmt: skip


def _marks(panel: Panel) -> Iterator[Mark]:
    """Yield the running median with its band, and both ends of each tenth."""
    axes: dict[str, Any] = {"panel": panel.title, "x_axis": TIME, "y_axis": LATENCY}
    for part in panel.course.parts:
        yield Mark(
            series=MEDIAN_NAME, x=part.at_s, y=to_ms(part.median_ns), low=to_ms(part.low_ns),
            high=to_ms(part.high_ns), **axes,
        )  # fmt: skip
    for name, times, level in _tenths(panel.course):
        for at_s in times:
            yield Mark(series=TENTH_NAME, label=f"{name} tenth", x=at_s, y=level, **axes)


def _tenths(course: Course) -> list[tuple[str, tuple[float, float], float]]:
    """Return the first and the last tenth: their name, begin and end in s, and median in ms."""
    ran_s = course.ran_ns / NS_PER_S
    return [
        ("first", (0.0, 0.1 * ran_s), to_ms(course.first_ns)),
        ("last", (0.9 * ran_s, ran_s), to_ms(course.last_ns)),
    ]


def compose(figure: Figure) -> Sheet:
    """Return the sheet, all drawn; each artist has a gid that tells its panel and what it is."""
    with settings():
        sheet, count = new_sheet(), len(figure.panels)
        for index, panel in enumerate(figure.panels):
            axes = sheet.add_subplot(count, 1, index + 1)
            axes.set_title(wrap(panel.title, TITLE_WIDTH, size=styles.PANEL_TITLE_SIZE))
            _draw(axes, panel, name=f"panel{index}", ticks=6 if count == 1 else 4)
        axes.set_xlabel(TIME)
        finish(
            sheet, title=figure.title, caption=[figure.caption], handles=_handles(),
            axes_height=ALONE_HEIGHT if count == 1 else AXES_HEIGHT,
        )  # fmt: skip
        return sheet


def _handles() -> list[Artist]:
    return [
        Line2D([], [], label=MEDIAN_NAME, **MEDIAN),
        Patch(label="5th to 95th percentile", **BAND),
        Line2D([], [], label=TENTH_NAME, **TENTH),
    ]


def _draw(axes: Axes, panel: Panel, *, name: str, ticks: int) -> None:
    shown = panel.course
    times = [part.at_s for part in shown.parts]
    lows = [to_ms(part.low_ns) for part in shown.parts]
    highs = [to_ms(part.high_ns) for part in shown.parts]
    axes.fill_between(times, lows, highs, zorder=2, gid=f"{name}-band", **BAND)
    medians = [to_ms(part.median_ns) for part in shown.parts]
    axes.plot(times, medians, zorder=3, gid=f"{name}-median", **MEDIAN)
    for tenth, span, level in _tenths(shown):
        axes.plot(span, (level, level), zorder=4, gid=f"{name}-{tenth}", **TENTH)
    axes.set_xlim(0, shown.ran_ns / NS_PER_S or 1)
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    tenths = [to_ms(shown.first_ns), to_ms(shown.last_ns)]
    set_latency_axis(axes, [*lows, *highs, *tenths], ticks=ticks)
