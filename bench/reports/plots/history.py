"""Draws a cell's history: a point a run with its interval, levels, and what changed between runs.

Runs stand at equal distances, in order of time. The same bytes on every run. All lengths are points
(1/72 inch), from the sheet's lower left corner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from bench.analysis.history import History, Point
from bench.analysis.verdicts import percent
from bench.core.units import to_ms
from bench.reports.plots import style as styles
from bench.reports.plots.layout import (
    EDGE,
    LEADING,
    LEFT,
    PANEL_TITLE_SIZE,
    RIGHT,
    SMALL_SIZE,
    TITLE_SIZE,
    WIDTH,
    wrap,
)
from bench.reports.plots.scatter import files, padded, plain, settings, text_width

AXES_HEIGHT, TICK_LINES = 260.0, 3
TICK_WIDTH = 78.0  # a date and a version fit in it
LEAST_SPAN = 0.1  # of the latency: noise of 1% isn't blown up to a sheet's height
MARK_ROOM = 14.0
MOST_TOLD = 12

FIGURE: dict[str, Any] = {**styles.MEASURED, "markersize": 5.5}
INTERVAL: dict[str, Any] = {**styles.INTERVAL, "linewidth": 1.1, "marker": "_", "markersize": 6}
LEVEL: dict[str, Any] = {
    "color": styles.COLOURS[1],
    "linewidth": 4,
    "alpha": 0.7,
    "solid_capstyle": "butt",
}
STEP: dict[str, Any] = {"color": styles.COLOURS[4], "linewidth": 1.6}
CHANGE: dict[str, Any] = {"color": styles.GREY, "linewidth": 0.9, "linestyle": (0, (4, 2))}
COMMIT: dict[str, Any] = {"color": styles.SILVER, "linewidth": 0.7, "linestyle": (0, (1, 2))}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """What changed just before point `index`; `number` leads to the caption, 0: a commit alone."""

    index: int
    number: int
    text: str


def render(history: History) -> dict[str, bytes]:
    """Return the plot as two files: their names, history-<cell>….svg and .png, and their bytes."""
    name = f"history-{history.cell_id}-{history.system_id}-{history.preset}"
    return files(compose(history), name=name, title=f"History of {history.label}")


def compose(history: History) -> Sheet:
    """Return the sheet, all drawn; each artist has a gid that tells what it is."""
    with settings():
        marks = _marks(history.points)
        caption = _caption(history, marks)
        below = 2 * EDGE + (len(caption) + 1) * SMALL_SIZE * LEADING
        bottom = below + EDGE + (TICK_LINES + 1.5) * SMALL_SIZE * LEADING
        above = 3 * EDGE + TITLE_SIZE * LEADING + PANEL_TITLE_SIZE * LEADING + MARK_ROOM
        height = bottom + AXES_HEIGHT + above
        sheet = Sheet(dpi=72, figsize=(WIDTH / 72, height / 72))
        _write_around(sheet, history, caption, height=height, legend_top=below)
        wide = WIDTH - LEFT - RIGHT
        axes = sheet.add_axes((LEFT / WIDTH, bottom / height, wide / WIDTH, AXES_HEIGHT / height))
        _draw(axes, history)
        _draw_marks(axes, history, marks)
        _set_axes(axes, history, wide)
        return sheet


def _marks(points: Sequence[Point]) -> list[_Mark]:
    """Return the changes by point, all but the commit's numbered in order."""
    found, number = [], 0
    for index, point in enumerate(points):
        others = [text for text in point.changed if not text.startswith("commit ")]
        if others:
            number += 1
            found.append(_Mark(index=index, number=number, text="; ".join(others)))
        elif point.changed:
            found.append(_Mark(index=index, number=0, text=""))
    return found


def _caption(history: History, marks: Sequence[_Mark]) -> list[str]:
    told = [f"{mark.number}: {mark.text}." for mark in marks if mark.number]
    if len(told) > MOST_TOLD:
        told[MOST_TOLD:] = [f"{MOST_TOLD + 1} and later: see the table of `bench history`."]
    text = (
        f"{history.heading}, preset {history.preset}. Points: the mean of the sessions' "
        f"{history.statistic}s with its 95% interval; runs at equal distances, in order of time. "
        "The latency axis need not begin at zero."
    )
    lines: list[str] = []
    for part in (text, *told):
        lines += wrap(part, WIDTH - 2 * EDGE, size=SMALL_SIZE, weight="normal", width=text_width)
    return lines


def _write_around(
    sheet: Sheet, history: History, caption: Sequence[str], *, height: float, legend_top: float
) -> None:
    top = height - EDGE - 0.8 * TITLE_SIZE * LEADING
    sheet.text(EDGE / WIDTH, top / height, "Latency over runs", fontsize=TITLE_SIZE, weight="bold")
    down = top - PANEL_TITLE_SIZE * LEADING - EDGE / 2
    sheet.text(LEFT / WIDTH, down / height, history.label, fontsize=PANEL_TITLE_SIZE)
    for row, line in enumerate(caption):
        above = EDGE + (len(caption) - row - 0.8) * SMALL_SIZE * LEADING
        sheet.text(EDGE / WIDTH, above / height, line, fontsize=SMALL_SIZE)
    handles = [
        Line2D([], [], label="run", **FIGURE),
        Line2D([], [], label="level", **LEVEL),
        Line2D([], [], label="change of level", **STEP),
        Line2D([], [], label="another engine, Python, governor or host", **CHANGE),
        Line2D([], [], label="another commit alone", **COMMIT),
    ]
    sheet.legend(
        handles=handles,
        ncols=len(handles),
        loc="upper center",
        bbox_to_anchor=(0.5, legend_top / height),
        fontsize=SMALL_SIZE,
        frameon=False,
        borderaxespad=0,
        borderpad=0,
    )


def _draw(axes: Axes, history: History) -> None:
    for index, level in enumerate(history.levels):
        span, value = (level.start - 0.4, level.stop - 0.6), to_ms(level.value_ns)
        axes.plot(span, (value, value), zorder=2, gid=f"level{index}", **LEVEL)
    for index, (low, high) in enumerate(map(_ends, history.points)):
        if high > low:
            axes.plot((index, index), (low, high), zorder=4, gid=f"interval{index}", **INTERVAL)
    values = [to_ms(point.value_ns) for point in history.points]
    axes.plot(range(len(values)), values, zorder=5, gid="points", **FIGURE)


def _draw_marks(axes: Axes, history: History, marks: Sequence[_Mark]) -> None:
    across = axes.get_xaxis_transform()
    for mark in marks:
        look = CHANGE if mark.number else COMMIT
        axes.axvline(mark.index - 0.5, zorder=1, gid=f"change{mark.index}", **look)
        if mark.number:
            axes.text(
                mark.index - 0.5, 1.015, str(mark.number), fontsize=SMALL_SIZE, ha="center",
                transform=across, gid=f"number{mark.index}",
            )  # fmt: skip
    for before, after in pairwise(history.levels):
        axes.axvline(after.start - 0.5, zorder=1.5, gid=f"step{after.start}", **STEP)
        text = percent(after.value_ns / before.value_ns)
        axes.text(
            after.start - 0.45, 0.03, text, fontsize=SMALL_SIZE, color=STEP["color"],
            weight="bold", transform=across, gid=f"percent{after.start}",
        )  # fmt: skip


def _set_axes(axes: Axes, history: History, wide: float) -> None:
    count = len(history.points)
    axes.set_xlim(-0.7, count - 0.3)
    every = max(1, -(-count * int(TICK_WIDTH) // int(wide)))
    shown = range(0, count, every)
    axes.xaxis.set_major_locator(FixedLocator(list(shown)))
    axes.set_xticklabels([_tick(history.points[i]) for i in shown], fontsize=SMALL_SIZE)
    ends = [end for point in history.points for end in _ends(point)]
    low, high = min(ends), max(ends)
    lacking = max(LEAST_SPAN * high - (high - low), 0) / 2
    bottom, top = padded([low - lacking, high + lacking], log=False)
    axes.set_ylim(max(bottom, 0.0), top)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.set_ylabel("Latency (ms)")
    axes.grid(visible=False, axis="x")


def _ends(point: Point) -> tuple[float, float]:
    half = point.half_width_ns or 0.0
    return to_ms(point.value_ns - half), to_ms(point.value_ns + half)


def _tick(point: Point) -> str:
    engine = point.around["engine"].split(", ")[0]
    return f"{point.started[:10]}\n{engine.rpartition(' ')[2]}\n{point.around['commit'][:8]}"
