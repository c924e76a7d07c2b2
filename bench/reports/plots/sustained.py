"""Draws latency over time: a panel a cell, one below the other; the same bytes on every run."""

from __future__ import annotations

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
    """Return the figure as two files: their names, <name>.svg and <name>.png, and their bytes."""
    return files(compose(figure), name=figure.name, title=figure.title)


def compose(figure: Figure) -> Sheet:
    """Return the sheet, all drawn; each artist has a gid that tells its panel and what it is."""
    with settings():
        sheet, count = new_sheet(), len(figure.panels)
        for index, panel in enumerate(figure.panels):
            axes = sheet.add_subplot(count, 1, index + 1)
            axes.set_title(wrap(panel.title, TITLE_WIDTH, size=styles.PANEL_TITLE_SIZE))
            _draw(axes, panel, name=f"panel{index}", ticks=6 if count == 1 else 4)
        axes.set_xlabel("Time since sampling began (s)")
        finish(
            sheet, title=figure.title, caption=[figure.caption], handles=_handles(),
            axes_height=ALONE_HEIGHT if count == 1 else AXES_HEIGHT,
        )  # fmt: skip
        return sheet


def _handles() -> list[Artist]:
    return [
        Line2D([], [], label="running median", **MEDIAN),
        Patch(label="5th to 95th percentile", **BAND),
        Line2D([], [], label="median of the first and of the last tenth", **TENTH),
    ]


def _draw(axes: Axes, panel: Panel, *, name: str, ticks: int) -> None:
    shown = panel.course
    times = [part.at_s for part in shown.parts]
    lows = [to_ms(part.low_ns) for part in shown.parts]
    highs = [to_ms(part.high_ns) for part in shown.parts]
    axes.fill_between(times, lows, highs, zorder=2, gid=f"{name}-band", **BAND)
    medians = [to_ms(part.median_ns) for part in shown.parts]
    axes.plot(times, medians, zorder=3, gid=f"{name}-median", **MEDIAN)
    ran_s = shown.ran_ns / NS_PER_S
    for tenth, start, value in (("first", 0.0, shown.first_ns), ("last", 0.9, shown.last_ns)):
        span, level = (start * ran_s, (start + 0.1) * ran_s), (to_ms(value), to_ms(value))
        axes.plot(span, level, zorder=4, gid=f"{name}-{tenth}", **TENTH)
    axes.set_xlim(0, ran_s or 1)
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    tenths = [to_ms(shown.first_ns), to_ms(shown.last_ns)]
    set_latency_axis(axes, [*lows, *highs, *tenths], ticks=ticks)
