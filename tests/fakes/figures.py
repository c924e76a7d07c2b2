"""Made-up figures, and what their drawings hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from bench.reports.plots.figure import Figure, Line, Panel, Point
from bench.reports.plots.scatter import render
from bench.reports.plots.sheet import settings

FAMILIES = ("MobileNetV1", "MobileNetV1_ssld", "ShuffleNetV2", "GhostNet", "ESNet")
MEASURED_POINTS = (
    Point(label="x0_25", x=0.6, top1=49.9, x_low=0.55, x_high=0.66),
    Point(label="x1_0", x=3.1, top1=68.8, x_low=3.0),
    Point(label="swish", x=3.1, top1=70.0),
)


def line(family: str, *, start: float = 2.0) -> Line:
    points = [Point(label=f"{family}{i}", x=start * (i + 1), top1=60 + 5 * i) for i in range(3)]
    return Line(family=family, points=tuple(points))


def measured_panel(*points: Point) -> Panel:
    shown = points or MEASURED_POINTS
    return Panel(title="here", x_label="ms", measured=shown, measured_name="ours")


def published_panel(*families: str) -> Panel:
    lines = tuple(line(name, start=2.0 + i) for i, name in enumerate(families or FAMILIES))
    return Panel(title="there", x_label="ms", context=lines)


def figure(*panels: Panel, title: str = "Accuracy", caption: str = "A caption.") -> Figure:
    return Figure(name="sample", title=title, panels=panels, caption=caption)


def artists(sheet: Sheet, part: str) -> list[Any]:
    """The artists whose gid holds `part`, in the order in which they were added."""
    return [found for found in sheet.findobj(Artist) if part in (found.get_gid() or "")]


def curve(artist: Line2D) -> list[tuple[float, float]]:
    xs, ys = artist.get_data()
    return list(zip(np.asarray(xs).tolist(), np.asarray(ys).tolist(), strict=True))


def legend_names(sheet: Sheet) -> list[str]:
    (legend,) = sheet.legends
    return [text.get_text() for text in legend.get_texts() if text.get_text()]


def extent(sheet: Sheet, artist: Artist) -> Bbox:
    with settings():  # of which the hinting makes texts wider or narrower
        return artist.get_window_extent(FigureCanvasAgg(sheet).get_renderer())  # type: ignore[no-untyped-call]


def overlap(one: Bbox, other: Bbox) -> bool:
    shared = Bbox.intersection(one, other)
    return shared is not None and shared.width > 0 and shared.height > 0


def draw(shown: Figure, folder: Path) -> list[Path]:
    """Put the rendered files into `folder` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, data in render(shown).items():
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    return paths
