"""What all plots share: the sheet's frame, its files, and the ticks and limits of its axes.

Constrained layout finds room for titles, ticks and the legend. Lengths are points (1/72 inch).
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Sheet
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from bench.core.escape import plain as one_line
from bench.core.escape import short
from bench.reports.plots import style
from bench.reports.plots.data import Mark, table
from bench.reports.plots.svg import accessible

PNG_DPI = 120
TICKS_PER_DECADE = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0))
MAX_TICKS = 9
# Characters of a text, of which others wrote parts.
MOST_NAME, MOST_WORD, MOST_TITLE, MOST_CAPTION = 60, 40, 240, 1200
LEAST_SPAN = 0.1  # of the latency: noise of 1% isn't blown up to a sheet's height


@contextmanager
def settings() -> Iterator[None]:
    """Put our settings in force, whatever a person's own matplotlibrc says.

    A sign that the font lacks is an empty box, and no warning on a person's terminal.
    """
    defaults: dict[Any, Any] = dict(mpl.rcParamsDefault)
    del defaults["backend"]  # the backend follows from the file's format
    with mpl.rc_context(defaults | style.SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph .* missing from", UserWarning)
        yield


def new_sheet() -> Sheet:
    """Return an empty sheet whose texts are measured once, by the one renderer of its canvas."""
    sheet = Sheet(layout="constrained")
    FigureCanvasAgg(sheet)
    return sheet


def files(
    sheet: Sheet, *, name: str, title: str, description: str, marks: Sequence[Mark]
) -> dict[str, bytes]:
    """Return `sheet` as <name>.svg and <name>.png, and `marks` as <name>.csv.

    The same bytes on every run. The sheet's texts lose their halos.
    """
    with settings():
        png = _saved(sheet, "png", {"Software": None})
        described = f"{description} The figures are in {name}.csv."
        svg = _svg(sheet, title=title, description=described)
        return {f"{name}.svg": svg, f"{name}.png": png, f"{name}.csv": table(marks)}


def _svg(sheet: Sheet, *, title: str, description: str) -> bytes:
    haloed = [text for text in sheet.findobj(Text) if text.get_path_effects()]
    for text in haloed:  # whose letters would become paths
        text.set_path_effects([])
    svg = _saved(sheet, "svg", {"Title": one_line(title), "Date": None, "Creator": None}).decode()
    names = [str(text.get_gid()) for text in haloed]
    return accessible(svg, title=title, description=description, haloed=names).encode()


def _saved(sheet: Sheet, form: str, metadata: Mapping[str, str | None]) -> bytes:
    buffer = io.BytesIO()
    sheet.savefig(buffer, format=form, dpi=PNG_DPI, metadata=dict(metadata))
    return buffer.getvalue()


def finish(
    sheet: Sheet,
    *,
    title: str,
    caption: Sequence[str],
    handles: Sequence[Artist],
    more: Sequence[Artist] = (),
    axes_height: float,
) -> None:
    """Write title, caption and legend, make each axes `axes_height` high, and fix the layout.

    Each of `caption` begins a line; `more` handles begin a column of the legend.
    Only the sheet's height follows from what stands around the axes. Nothing moves afterwards.
    """
    inner = style.WIDTH - 2 * style.EDGE
    heading = wrap(title, inner, size=style.TITLE_SIZE, weight="bold")
    sheet.suptitle(heading, x=style.EDGE / style.WIDTH, ha="left")
    parts = [wrap(it, inner, size=style.SMALL_SIZE, most=MOST_CAPTION) for it in caption]
    _legend(sheet, handles, more, "\n".join(parts))
    # A change of the sheet's height changes the shares that margins have of it: twice.
    engine = sheet.get_layout_engine()
    assert engine is not None  # noqa: S101 - every sheet has the constrained one
    engine.execute(sheet)
    rows = sheet.axes[0].get_subplotspec().get_gridspec().nrows  # type: ignore[union-attr]
    lacking = rows * (axes_height - sheet.axes[0].bbox.height)
    sheet.set_figheight(sheet.get_figheight() + lacking / 72)
    engine.execute(sheet)
    sheet.set_layout_engine(None)


def _legend(sheet: Sheet, first: Sequence[Artist], more: Sequence[Artist], caption: str) -> None:
    """Write the legend below the caption, in as many columns as fit."""
    for one in (*first, *more):  # matplotlib leaves out what begins with an underscore
        one.set_label(short(str(one.get_label()).lstrip("_"), MOST_NAME))
    handle = style.SMALL_SIZE * mpl.rcParams["legend.handlelength"]
    for columns in range(len(first) + len(more), 0, -1):
        handles = _in_columns(first, more, columns)
        widths = [_line_width(str(one.get_label()), style.SMALL_SIZE, "normal") for one in handles]
        least = sum(handle + max(part) for part in np.array_split(widths, columns))
        if least > style.WIDTH and columns > 1:  # to lay a legend out takes long
            continue
        legend: Legend = sheet.legend(
            handles=handles, ncols=columns, loc="outside lower left", title=f"{caption}\n",
            alignment="left",
        )  # fmt: skip
        if legend.get_window_extent().width <= style.WIDTH - style.EDGE or columns == 1:
            return
        legend.remove()


def _in_columns(first: Sequence[Artist], more: Sequence[Artist], columns: int) -> list[Artist]:
    """Return the handles with empty ones between, so that `more` begin the second column."""
    if not more or columns == 1:
        return [*first, *more]
    rows = max(len(first), math.ceil(len(more) / (columns - 1)))
    lacking = (rows - len(first), rows * (columns - 1) - len(more))
    blank = [[Line2D([], [], linestyle="none", label="") for _ in range(it)] for it in lacking]
    return [*first, *blank[0], *more, *blank[1]]


def wrap(
    text: str, limit: float, *, size: float, weight: str = "normal", most: int = MOST_TITLE
) -> str:
    """Break `text` between words into lines, none wider than `limit`; a longer word stands alone.

    A longer text than `most` characters is cut, as is a word without an end.
    """
    lines, line = [], ""
    for word in (short(each, MOST_WORD) for each in short(text, most).split()):
        longer = f"{line} {word}".lstrip()
        if line and _line_width(longer, size, weight) > limit:
            lines.append(line)
            longer = word
        line = longer
    return "\n".join([*lines, line])


def _line_width(text: str, size: float, weight: str) -> float:
    """Return the sum of its words' widths and spaces: each word is measured once."""
    words = text.split(" ")
    space = _text_width("a a", size, weight) - 2 * _text_width("a", size, weight)
    return sum(_text_width(word, size, weight) for word in words) + space * (len(words) - 1)


@lru_cache(maxsize=4096)
def _text_width(text: str, size: float, weight: str) -> float:
    font = FontProperties(family=[style.FONT], size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def padded(values: Sequence[float], *, log: bool, share: float = 0.06) -> tuple[float, float]:
    """Limits of an axis with that share of room around `values`, on a log scale by a factor."""
    ends = [math.log(value) if log else value for value in (min(values), max(values))]
    room = share * (ends[1] - ends[0]) or (0.5 if log else 1.0)
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


def set_cost_axis(axes: Axes, values: Sequence[float], *, log: bool, label: str) -> None:
    """Give the x axis limits around `values`, plain ticks and its label."""
    limits = padded(values, log=log, share=0.13)  # labels and the axis line keep apart
    if log:
        axes.set_xscale("log")
        ticks = log_ticks(*limits)
        axes.xaxis.set_major_locator(FixedLocator(ticks) if len(ticks) >= 3 else MaxNLocator(6))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    axes.set_xlim(limits)
    axes.set_xlabel(short(label, MOST_NAME))


def set_latency_axis(axes: Axes, values: Sequence[float], *, ticks: int) -> None:
    """Give the y axis limits around `values` (ms), at least a tenth of them apart."""
    low, high = min(values), max(values)
    lacking = max(LEAST_SPAN * high - (high - low), 0) / 2
    bottom, top = padded([low - lacking, high + lacking], log=False)
    axes.set_ylim(max(bottom, 0.0), top)
    axes.yaxis.set_major_locator(MaxNLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    axes.set_ylabel("Latency (ms)")
