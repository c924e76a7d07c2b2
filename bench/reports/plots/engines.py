"""Draws engines side by side: a group of points a net, one an engine; the same bytes on every run.

All lengths are points (1/72 inch), from the sheet's lower left corner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from bench.analysis import naming
from bench.analysis.series import View
from bench.analysis.side_by_side import SideBySide, engine_name, fastest, stem
from bench.analysis.statistics import Estimate
from bench.core.units import to_ms
from bench.reports.plots import style as styles
from bench.reports.plots.layout import (
    COLUMN_EM,
    EDGE,
    HANDLE_EM,
    HEAD_GAP,
    LEADING,
    PANEL_TITLE_SIZE,
    RIGHT,
    SMALL_SIZE,
    TEXT_SIZE,
    TITLE_SIZE,
    WIDTH,
    X_AXIS_HEIGHT,
    wrap,
)
from bench.reports.plots.scatter import files, log_ticks, padded, plain, settings, text_width
from bench.runners import RUNNERS

ENGINE_HEIGHT, BETWEEN_NETS = 12.0, 14.0
MOST_NAME = 190.0
BAND: dict[str, Any] = {"color": styles.PALE, "alpha": 0.55, "linewidth": 0, "zorder": 0}
INTERVAL: dict[str, Any] = {
    **styles.INTERVAL, "linewidth": 1.1, "markersize": 10, "markeredgewidth": 1.0,
}  # fmt: skip
RING: dict[str, Any] = {
    "color": styles.INK, "linestyle": "none", "marker": "o", "markersize": 13,
    "markerfacecolor": "none", "markeredgewidth": 1.0,
}  # fmt: skip

_TITLE = "Latency by engine and net"
_RING_NAME = "fastest of its net, clear of the next"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """The sheet's height, its axes (left, bottom, width, height), the caption and the legend."""

    height: float
    axes: tuple[float, float, float, float]
    caption: Sequence[str]
    legend_top: float
    legend_columns: int


def render(view: View, table: SideBySide) -> dict[str, bytes]:
    """Return the plot as two files: their names, engines-<system>-….svg and .png, and bytes."""
    return files(compose(view, table), name=stem(table), title=_TITLE)


def compose(view: View, table: SideBySide) -> Sheet:
    """Return the sheet, all drawn; each artist has a gid that tells its net and engine."""
    with settings():
        looks = engine_looks(table)
        handles = [
            Line2D([], [], label=engine_name(table, series), **look)
            for series, look in zip(table.engines, looks, strict=True)
        ]
        if any(fastest(row) is not None for row in table.rows.values()):
            handles.append(Line2D([], [], label=_RING_NAME, **{**RING, "markersize": 9}))
        names = [view.models[variant].title for variant in table.rows]
        places = _places(table, names, [str(handle.get_label()) for handle in handles])
        sheet = Sheet(dpi=72, figsize=(WIDTH / 72, places.height / 72))
        _write_around(sheet, table, places, handles)
        left, bottom, wide, high = places.axes
        axes = sheet.add_axes(
            (left / WIDTH, bottom / places.height, wide / WIDTH, high / places.height)
        )
        _draw(axes, table, looks)
        _set_axes(axes, table, names)
        return sheet


def engine_looks(table: SideBySide) -> list[dict[str, Any]]:
    """Return how each engine's points look: one colour and marker a runner, in every plot alike.

    Of the same runner with other settings, every second one is hollow, and each further pair takes
    another marker.
    """
    ranks, seen, looks = list(RUNNERS), dict[str, int](), []
    for series in table.engines:
        runner = series.runner
        rank = ranks.index(runner) if runner in ranks else len(ranks)
        again = seen[runner] = seen.get(runner, -1) + 1
        colour = styles.COLOURS[rank % len(styles.COLOURS)]
        look = {
            "color": colour, "linestyle": "none", "markersize": 7.0, "markeredgewidth": 0.8,
            "marker": styles.MARKERS[(rank + 5 * (again // 2)) % len(styles.MARKERS)],
            "markeredgecolor": styles.INK,
            "markerfacecolor": "white" if again % 2 else colour,
        }  # fmt: skip
        looks.append(look)
    return looks


def _places(table: SideBySide, names: Sequence[str], legend: Sequence[str]) -> _Places:
    inner = WIDTH - 2 * EDGE
    caption = wrap(_caption(table), inner, size=SMALL_SIZE, weight="normal", width=text_width)
    longest = max(text_width(name, SMALL_SIZE, "normal") for name in legend)
    columns = max(int(inner / (longest + COLUMN_EM * SMALL_SIZE)), 1)
    rows = -(-len(legend) // columns)
    legend_top = 2 * EDGE + (len(caption) + rows) * SMALL_SIZE * LEADING
    bottom = legend_top + EDGE + X_AXIS_HEIGHT
    widest = max(text_width(name, TEXT_SIZE, "normal") for name in names)
    left = EDGE + min(widest, MOST_NAME) + 10
    high = len(names) * (len(table.engines) * ENGINE_HEIGHT + BETWEEN_NETS)
    above = 2 * EDGE + (TITLE_SIZE + PANEL_TITLE_SIZE) * LEADING + 2 * HEAD_GAP
    return _Places(
        height=bottom + high + above,
        axes=(left, bottom, WIDTH - left - RIGHT, high),
        caption=caption,
        legend_top=legend_top,
        legend_columns=columns,
    )


def _caption(table: SideBySide) -> str:
    series, boxes = table.first, [box for row in table.rows.values() for box in row]
    estimates = [box.estimate for box in boxes if box is not None and box.estimate is not None]
    lacking = len(estimates) < len(boxes)
    cut = any(_is_cut(estimate) for estimate in estimates)
    return (
        f"{series.system.heading}, {series.precision.upper()}, "
        f"{naming.setting(series, table.column)}, preset {series.preset}, suite {series.suite}, "
        f"{series.weights} weights. Points: the mean of the sessions' {series.statistic}s. Bars: "
        "its 95% t interval over sessions"
        f"{', cut at a tenth of the figure where it reaches below' if cut else ''}. "
        "The axis is logarithmic."
        f"{' Where an engine has no point, it has no figure.' if lacking else ''}"
    )


def _write_around(
    sheet: Sheet, table: SideBySide, places: _Places, handles: Sequence[Line2D]
) -> None:
    """Write the titles, the legend and the caption."""
    high, left = places.height, places.axes[0]
    top = high - EDGE - 0.8 * TITLE_SIZE * LEADING
    sheet.text(EDGE / WIDTH, top / high, _TITLE, fontsize=TITLE_SIZE, fontweight="bold")
    series = table.first
    panel = f"{series.system.heading}: {naming.setting(series, table.column)}"
    above = places.axes[1] + places.axes[3] + HEAD_GAP
    sheet.text(left / WIDTH, above / high, panel, fontsize=PANEL_TITLE_SIZE)
    for row, line in enumerate(places.caption):
        above = EDGE + (len(places.caption) - row - 0.8) * SMALL_SIZE * LEADING
        sheet.text(EDGE / WIDTH, above / high, line, fontsize=SMALL_SIZE)
    sheet.legend(
        handles=handles,
        ncols=places.legend_columns,
        loc="upper center",
        bbox_to_anchor=(0.5, places.legend_top / high),
        fontsize=SMALL_SIZE,
        frameon=False,
        borderaxespad=0,
        borderpad=0,
        handlelength=HANDLE_EM,
        labelspacing=LEADING - 1,
    )


def _draw(axes: Axes, table: SideBySide, looks: Sequence[Mapping[str, Any]]) -> None:
    for net, (variant, row) in enumerate(table.rows.items()):
        if net % 2 == 0:
            axes.axhspan(net - 0.5, net + 0.5, gid=f"band-{variant}", **BAND)
        best = fastest(row)
        for index, box in enumerate(row):
            if box is None or box.estimate is None:
                continue
            name, y = f"{variant}-{index}", _height(table, net, index)
            low, high = _ends(box.estimate)
            if high > low:
                axes.plot((low, high), (y, y), zorder=4, gid=f"interval-{name}", **INTERVAL)
            x = to_ms(box.estimate.value_ns)
            axes.plot([x], [y], zorder=5, gid=f"point-{name}", **looks[index])
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
    found = [box.estimate for row in table.rows.values() for box in row if box is not None]
    ends = [end for estimate in found if estimate is not None for end in _ends(estimate)]
    limits = padded(ends, log=True)
    axes.set_xscale("log")
    ticks = log_ticks(*limits)
    axes.xaxis.set_major_locator(FixedLocator(ticks) if len(ticks) >= 3 else MaxNLocator(6))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.set_xlim(limits)
    axes.set_xlabel("Latency (ms)")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.yaxis.set_major_locator(FixedLocator(list(range(len(names)))))
    axes.set_yticklabels([_wrapped(name) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _wrapped(name: str) -> str:
    lines = wrap(name, MOST_NAME, size=TEXT_SIZE, weight="normal", width=text_width)
    return "\n".join(lines)
