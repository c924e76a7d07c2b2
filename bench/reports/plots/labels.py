"""Writes labels beside their points: adjustText finds room; a label without room is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from bench.reports.plots import style

ITERATIONS = 500
STEP = 8.0  # between the points of a line that push labels away, in points of length
START = (-6.0, 10.0)  # a front that climbs to the right leaves room above left

Spot = tuple[float, float]


def write_labels(
    axes: Axes,
    labels: Sequence[tuple[str, Spot]],
    *,
    markers: Sequence[Bbox],
    lines: Sequence[Sequence[Spot]] = (),
    gid: str,
) -> list[Text]:
    """Write each label near its point, and return those that found room.

    A label covers no other, none of `markers` (on the sheet) and, where there is room, none of
    `lines`; points are in data coordinates. The layout must be fixed.
    """  # fmt: skip
    to_data = axes.transData.inverted()
    spots = axes.transData.transform([spot for _, spot in labels])
    starts = to_data.transform(spots + START)
    texts = [
        axes.text(x, y, text, zorder=7, gid=f"{gid}{index}", **style.LABEL)
        for index, ((text, _), (x, y)) in enumerate(zip(labels, starts, strict=True))
    ]
    marks = to_data.transform([spot for line in lines for spot in _walk(axes, line)] or spots)
    _, leaders = adjust_text(
        texts,
        x=marks[:, 0],
        y=marks[:, 1],
        objects=[box.transformed(to_data) for box in markers],
        target_x=[x for _, (x, _) in labels],
        target_y=[y for _, (_, y) in labels],
        ax=axes,
        avoid_self=False,
        prevent_crossings=False,  # swaps labels of unlike widths, which then overlap
        force_pull=(0.0, 0.0),  # else labels in a crowd swing to and fro
        iter_lim=ITERATIONS,  # a limit of time would make the plot depend on the machine
        min_arrow_len=12,
        arrowprops={**style.LEADER, "zorder": 6},
    )
    kept = _clear(texts, markers)
    for text in texts:
        leader = next((leader for leader in leaders if leader.patchA is text), None)
        if leader is not None:
            leader.set_gid(f"{text.get_gid()}-leader")
        for artist in [] if text in kept else [text, *filter(None, [leader])]:
            artist.remove()
    return kept


def _clear(texts: Sequence[Text], markers: Sequence[Bbox]) -> list[Text]:
    """Return the texts, first come first served, that lie apart from each other and `markers`."""
    kept: dict[Text, Bbox] = {}
    for text in texts:
        box = text.get_window_extent()
        if not any(map(box.overlaps, [*markers, *kept.values()])):
            kept[text] = box
    return list(kept)


def boxes(axes: Axes, points: Sequence[Spot], size: float) -> list[Bbox]:
    """Return a square of `size` points on the sheet around each of `points`."""
    return [
        Bbox.from_bounds(x - size / 2, y - size / 2, size, size)
        for x, y in axes.transData.transform(points)
    ]


def _walk(axes: Axes, line: Sequence[Spot]) -> list[Spot]:
    """Return points on the sheet along `line`, STEP apart."""
    found: list[Spot] = []
    for start, end in pairwise(axes.transData.transform(line)):
        count = max(int(math.dist(start, end) / STEP), 1)
        found += [tuple(start + (end - start) * i / count) for i in range(count + 1)]
    return found
