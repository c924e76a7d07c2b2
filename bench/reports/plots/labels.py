"""Writes labels beside their points: adjustText finds room; one without any room is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from bench.core.escape import short
from bench.reports.plots import style

MOST_LABEL = 40  # characters
ITERATIONS = 60  # what converges does so within 20
STEP = 8.0  # between the points of a line that push labels away, in points of length
# Where a label starts from its point: a front that climbs to the right leaves room above left.
STARTS = ((-6.0, 10.0), (6.0, -14.0), (24.0, 14.0), (-40.0, -20.0))

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
    `lines`; points are in data coordinates. One that finds no room from one side of its point tries
    the others. The layout must be fixed.
    """  # fmt: skip
    walked = [spot for line in lines for spot in _walk(axes, line)]
    sheet = axes.figure
    sheet.set_visible(False)  # else adjust_text draws it all first, to lay it out
    kept: list[Text] = []
    waiting = {f"{gid}{index}": label for index, label in enumerate(labels)}
    for start in STARTS:
        if not waiting:
            break
        taken = [*markers, *(text.get_window_extent() for text in kept)]
        clear = _placed(axes, waiting, start, taken=taken, lines=walked)
        kept += clear
        for text in clear:
            del waiting[str(text.get_gid())]
    sheet.set_visible(True)
    return kept


def _placed(
    axes: Axes,
    labels: Mapping[str, tuple[str, Spot]],
    start: Spot,
    *,
    taken: Sequence[Bbox],
    lines: Sequence[Spot],
) -> list[Text]:
    """Write `labels` from `start` beside their points, take away what overlaps, return the rest."""
    to_data = axes.transData.inverted()
    spots = axes.transData.transform([spot for _, spot in labels.values()])
    starts = to_data.transform(spots + start)
    texts = [
        axes.text(x, y, short(text, MOST_LABEL), zorder=7, gid=gid, **style.LABEL)
        for (gid, (text, _)), (x, y) in zip(labels.items(), starts, strict=True)
    ]
    marks = to_data.transform(lines or spots)
    _, leaders = adjust_text(
        texts,
        x=marks[:, 0],
        y=marks[:, 1],
        objects=[box.transformed(to_data) for box in taken],
        target_x=[x for _, (x, _) in labels.values()],
        target_y=[y for _, (_, y) in labels.values()],
        ax=axes,
        avoid_self=False,
        prevent_crossings=False,  # swaps labels of unlike widths, which then overlap
        force_pull=(0.0, 0.0),  # else labels in a crowd swing to and fro
        iter_lim=ITERATIONS,  # a limit of time would make the plot depend on the machine
        min_arrow_len=12,
        arrowprops={**style.LEADER, "zorder": 6},
    )
    kept = _clear(texts, taken)
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
    spots: list[Spot] = []
    for start, end in pairwise(axes.transData.transform(line)):
        count = max(int(math.dist(start, end) / STEP), 1)
        spots += [tuple(start + (end - start) * i / count) for i in range(count + 1)]
    return spots
