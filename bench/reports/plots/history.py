"""Draws a cell's history: a point a run with its interval, levels, and what changed between runs.

Runs stand at equal distances, in order of time. The same bytes on every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from bench.analysis.history import History, Point
from bench.analysis.verdicts import percent
from bench.core.escape import file_name, short
from bench.core.units import to_ms
from bench.reports.colours import COLOURS
from bench.reports.plots import style as styles
from bench.reports.plots.data import Mark
from bench.reports.plots.sheet import (
    files,
    finish,
    new_sheet,
    set_latency_axis,
    settings,
    wrap,
)

AXES_HEIGHT = 260.0
TICK_WIDTH = 78.0  # a date and a version fit in it
MOST_CHANGES, MOST_CHANGE, MOST_TICK = 12, 240, 20

FIGURE: dict[str, Any] = {**styles.MEASURED, "markersize": 5.5}
INTERVAL: dict[str, Any] = {**styles.INTERVAL, "linewidth": 1.1, "marker": "_", "markersize": 6}
LEVEL: dict[str, Any] = {
    "color": COLOURS[1],
    "linewidth": 4,
    "alpha": 0.7,
    "solid_capstyle": "butt",
}
STEP: dict[str, Any] = {"color": COLOURS[4], "linewidth": 1.6}
CHANGE: dict[str, Any] = {"color": styles.GREY, "linewidth": 0.9, "linestyle": (0, (4, 2))}
COMMIT: dict[str, Any] = {"color": styles.SILVER, "linewidth": 0.7, "linestyle": (0, (1, 2))}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """What changed just before point `index`; `number` leads to the caption, 0: a commit alone."""

    index: int
    number: int
    text: str


def render(history: History) -> dict[str, bytes]:
    """Return the plot as files, history-<cell>….svg, .png and .csv: names and bytes."""
    name = file_name(f"history-{history.cell_id}-{history.system_id}-{history.preset}")
    caption = " ".join(_caption(history, _marks(history.points)))
    return files(
        compose(history), name=name, title=f"History of {history.label}",
        description=f"Latency over runs. {caption}", marks=list(_data(history)),
    )  # fmt: skip


def _data(history: History) -> Iterator[Mark]:
    """Yield the runs in order, from 0, and both ends of each level."""
    axes: dict[str, Any] = {"panel": history.label, "x_axis": "run", "y_axis": "Latency (ms)"}
    for index, point in enumerate(history.points):
        low, high = _ends(point) if point.half_width_ns else (None, None)
        at: dict[str, Any] = {"x": index, "y": to_ms(point.value_ns), **axes}
        yield Mark(series="run", label=point.run_id, low=low, high=high, **at)
    for level in history.levels:
        for index in (level.start, level.stop - 1):
            label = history.points[index].run_id
            yield Mark(series="level", label=label, x=index, y=to_ms(level.value_ns), **axes)


def compose(history: History) -> Sheet:
    """Return the sheet, all drawn; each artist has a gid that tells what it is."""
    with settings():
        marks, sheet = _marks(history.points), new_sheet()
        axes = sheet.subplots()
        axes.set_title(wrap(history.label, styles.WIDTH, size=styles.PANEL_TITLE_SIZE), pad=18)
        _draw(axes, history)
        _draw_marks(axes, history, marks)
        _set_axes(axes, history)
        finish(
            sheet, title="Latency over runs", caption=_caption(history, marks),
            handles=_handles(history, marks),
            axes_height=AXES_HEIGHT,
        )  # fmt: skip
        return sheet


def _marks(points: Sequence[Point]) -> list[_Mark]:
    """Return the changes by point, all but the commit's numbered in order."""
    marks, number = [], 0
    for index, point in enumerate(points):
        others = [text for text in point.changed if not text.startswith("commit ")]
        if others:
            number += 1
            marks.append(_Mark(index=index, number=number, text="; ".join(others)))
        elif point.changed:
            marks.append(_Mark(index=index, number=0, text=""))
    return marks


def _caption(history: History, marks: Sequence[_Mark]) -> list[str]:
    changes = [short(f"{mark.number}: {mark.text}.", MOST_CHANGE) for mark in marks if mark.number]
    if len(changes) > MOST_CHANGES:
        rest = f"{MOST_CHANGES + 1} and later: see the table of `bench history`."
        changes[MOST_CHANGES:] = [rest]
    text = (
        f"{history.heading}, preset {history.preset}. Points: the mean of the sessions' "
        f"{history.statistic}s with its 95% interval; runs at equal distances, in order of time. "
        "The latency axis need not begin at zero."
    )
    return [text, *changes]


def _handles(history: History, marks: Sequence[_Mark]) -> list[Line2D]:
    """A handle for each thing that is drawn."""
    looks = [
        ("run", FIGURE, True),
        ("95% interval", INTERVAL, any(high > low for low, high in map(_ends, history.points))),
        ("level", LEVEL, bool(history.levels)),
        ("change of level", STEP, len(history.levels) > 1),
        ("another engine, Python, governor or host", CHANGE, any(it.number for it in marks)),
        ("another commit alone", COMMIT, any(not it.number for it in marks)),
    ]
    return [Line2D([], [], label=name, **look) for name, look, drawn in looks if drawn]


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
                mark.index - 0.5, 1.015, str(mark.number), fontsize=styles.SMALL_SIZE, ha="center",
                transform=across, gid=f"number{mark.index}",
            )  # fmt: skip
    for before, after in pairwise(history.levels):
        axes.axvline(after.start - 0.5, zorder=1.5, gid=f"step{after.start}", **STEP)
        text = percent(after.value_ns / before.value_ns)
        axes.text(
            after.start - 0.45, 0.03, text, fontsize=styles.SMALL_SIZE, color=STEP["color"],
            weight="bold", transform=across, gid=f"percent{after.start}",
        )  # fmt: skip


def _set_axes(axes: Axes, history: History) -> None:
    count = len(history.points)
    axes.set_xlim(-0.7, count - 0.3)
    every = max(1, -(-count * int(TICK_WIDTH) // int(styles.WIDTH - TICK_WIDTH)))
    shown = range(0, count, every)
    axes.xaxis.set_major_locator(FixedLocator(list(shown)))
    ticks = [_tick(history.points[index]) for index in shown]
    axes.set_xticklabels(ticks, fontsize=styles.SMALL_SIZE)
    ends = [end for point in history.points for end in _ends(point)]
    set_latency_axis(axes, ends, ticks=6)
    axes.grid(visible=False, axis="x")


def _ends(point: Point) -> tuple[float, float]:
    half = point.half_width_ns or 0.0
    return to_ms(point.value_ns - half), to_ms(point.value_ns + half)


def _tick(point: Point) -> str:
    engine = point.around["engine"].split(", ")[0]
    code = point.around["harness"].removesuffix(", changed").removeprefix("commit ")
    texts = (point.started[:10], engine.rpartition(" ")[2], code)
    return "\n".join(short(text, MOST_TICK) for text in texts)
