"""Draws engines side by side: a group of points a net; the same bytes on every run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.series import View
from bench.analysis.side_by_side import SideBySide, engine_name, stem
from bench.analysis.statistics import Estimate
from bench.core.escape import short
from bench.core.units import to_ms
from bench.reports.colours import engine_colour, engine_rank
from bench.reports.plots import style as styles
from bench.reports.plots.data import Mark
from bench.reports.plots.sheet import (
    MOST_NAME,
    files,
    finish,
    new_sheet,
    set_cost_axis,
    settings,
    wrap,
)

ENGINE_HEIGHT, BETWEEN_NETS = 12.0, 14.0
NAME_WIDTH = 190.0
BAND: dict[str, Any] = {"color": styles.PALE, "alpha": 0.55, "linewidth": 0, "zorder": 0}
INTERVAL: dict[str, Any] = {
    **styles.INTERVAL, "linewidth": 1.1, "markersize": 10, "markeredgewidth": 1.0,
}  # fmt: skip
RING: dict[str, Any] = {
    "color": styles.INK, "linestyle": "none", "marker": "o", "markersize": 13,
    "markerfacecolor": "none", "markeredgewidth": 1.0,
}  # fmt: skip

_TITLE, _X, INTERVAL_NAME = "Latency by engine and net", "Latency (ms)", "95% interval"
MANY = 12  # nets
_RING_NAME = "fastest of its net, clear of the next"
_RACED_NAME = "fastest of its net, by ratios of bursts by turns"


def render(view: View, table: SideBySide) -> dict[str, bytes]:
    """Return the plot as files: their names, engines-<system>-….svg, .png and .csv, and bytes."""
    return files(
        compose(view, table), name=stem(table), title=_TITLE,
        description=f"{_X} of each net, an engine each. {_caption(table)}",
        marks=list(_marks(view, table)),
    )  # fmt: skip


def _marks(view: View, table: SideBySide) -> Iterator[Mark]:
    """Yield each engine's points, net by net, and then the rings."""
    axes = {"panel": _heading(table), "x_axis": _X, "y_axis": "net"}
    rings = []
    for index, series in enumerate(table.engines):
        for variant, row in table.rows.items():
            box, title = row[index], view.models[variant].title
            if box is None or box.estimate is None:
                continue
            low, high = _ends(box.estimate) if box.estimate.half_width_ns else (None, None)
            x, name = to_ms(box.estimate.value_ns), engine_name(table, series)
            at: dict[str, Any] = {"label": variant, "x": x, "y": title, **axes}
            yield Mark(series=name, low=low, high=high, **at)
            if table.fastest[variant] == index:
                rings.append(Mark(series=_ring_name(table), **at))
    yield from rings


def compose(view: View, table: SideBySide) -> Sheet:
    """Return the sheet, all drawn; each artist has a gid that tells its net and engine."""
    with settings():
        looks = engine_looks(table)
        handles = [
            Line2D([], [], label=engine_name(table, series), **look)
            for series, look in zip(table.engines, looks, strict=True)
        ]
        if any(box and box.estimate and box.estimate.half_width_ns for box in _boxes(table)):
            handles.append(Line2D([], [], label=INTERVAL_NAME, **INTERVAL))
        if any(index is not None for index in table.fastest.values()):
            handles.append(Line2D([], [], label=_ring_name(table), **{**RING, "markersize": 9}))
        names = [view.models[variant].title for variant in table.rows]
        sheet = new_sheet()
        axes = sheet.subplots()
        _draw(axes, table, looks)
        _set_axes(axes, table, names)
        axes.set_title(wrap(_heading(table), styles.WIDTH, size=styles.PANEL_TITLE_SIZE))
        finish(
            sheet, title=_TITLE, caption=[_caption(table)], handles=handles,
            axes_height=len(names) * (len(table.engines) * ENGINE_HEIGHT + BETWEEN_NETS),
        )  # fmt: skip
        return sheet


def _heading(table: SideBySide) -> str:
    return f"{table.first.name}: {naming.setting(table.first, table.column)}"


def _ring_name(table: SideBySide) -> str:
    return _RACED_NAME if any(table.races.values()) else _RING_NAME


def _boxes(table: SideBySide) -> list[Box | None]:
    return [box for row in table.rows.values() for box in row]


def engine_looks(table: SideBySide) -> list[dict[str, Any]]:
    """Return how each engine's points look: one colour and marker a runner, in every plot alike.

    Of the same runner with other settings, every second one is hollow, and each further pair takes
    another marker.
    """
    uses, looks = dict[str, int](), []
    for series in table.engines:
        runner = series.runner
        rank = engine_rank(runner)
        again = uses[runner] = uses.get(runner, -1) + 1
        colour = engine_colour(runner)
        look = {
            "color": colour, "linestyle": "none", "markersize": 7.0, "markeredgewidth": 0.8,
            "marker": styles.MARKERS[(rank + 5 * (again // 2)) % len(styles.MARKERS)],
            "markeredgecolor": styles.INK,
            "markerfacecolor": "white" if again % 2 else colour,
        }  # fmt: skip
        looks.append(look)
    return looks


def _caption(table: SideBySide) -> str:
    series, boxes = table.first, _boxes(table)
    estimates = [box.estimate for box in boxes if box is not None and box.estimate is not None]
    lacking = len(estimates) < len(boxes)
    cut = any(_is_cut(estimate) for estimate in estimates)
    return (
        f"{series.name}, {series.precision.upper()}, "
        f"{naming.setting(series, table.column)}, preset {series.preset}, suite {series.suite}, "
        f"{series.weights} weights. Points: the mean of the sessions' {series.statistic}s. Bars: "
        "its 95% t interval over sessions"
        f"{', cut at a tenth of the figure where it reaches below' if cut else ''}. "
        "The axis is logarithmic."
        f"{' Where an engine has no point, it has no figure.' if lacking else ''}"
    )


def _draw(axes: Axes, table: SideBySide, looks: Sequence[Mapping[str, Any]]) -> None:
    for net, (name, row) in enumerate(table.rows.items()):
        variant = short(name, MOST_NAME)
        if net % 2 == 0:
            axes.axhspan(net - 0.5, net + 0.5, gid=f"band-{variant}", **BAND)
        best = table.fastest[name]
        for index, box in enumerate(row):
            if box is None or box.estimate is None:
                continue
            mark, y = f"{variant}-{index}", _height(table, net, index)
            low, high = _ends(box.estimate)
            if high > low:
                axes.plot((low, high), (y, y), zorder=4, gid=f"interval-{mark}", **INTERVAL)
            x = to_ms(box.estimate.value_ns)
            axes.plot([x], [y], zorder=5, gid=f"point-{mark}", **looks[index])
            if index == best:
                axes.plot([x], [y], zorder=6, gid=f"fastest-{variant}", **RING)


def _height(table: SideBySide, net: int, index: int) -> float:
    """Return where an engine's point stands in its net's group, which is 1 high."""
    count = len(table.engines)
    step = ENGINE_HEIGHT / (count * ENGINE_HEIGHT + BETWEEN_NETS)
    return net + (index - (count - 1) / 2) * step


def _ends(estimate: Estimate) -> tuple[float, float]:
    """Return the interval's ends in ms, the lower one cut where a logarithm has no place for it."""
    value, half = to_ms(estimate.value_ns), to_ms(estimate.half_width_ns or 0.0)
    return value / 10 if _is_cut(estimate) else value - half, value + half


def _is_cut(estimate: Estimate) -> bool:
    return (estimate.half_width_ns or 0.0) > 0.9 * estimate.value_ns


def _set_axes(axes: Axes, table: SideBySide, names: Sequence[str]) -> None:
    estimates = [box.estimate for box in _boxes(table) if box is not None]
    ends = [end for estimate in estimates if estimate is not None for end in _ends(estimate)]
    set_cost_axis(axes, ends, log=True, label=_X)
    if len(names) > MANY:  # a reader at the top sees no ticks at the foot
        axes.tick_params(axis="x", top=True, labeltop=True)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(names)))))
    axes.set_yticklabels(
        [wrap(name, NAME_WIDTH, size=styles.TEXT_SIZE, most=MOST_NAME) for name in names]
    )
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
