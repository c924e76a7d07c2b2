"""Writes labels beside their points: adjustText finds room; one without any room is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from adjustText import adjust_text
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from bench.core.escape import short
from bench.reports.plots import style

MOST_LABEL = 40  # characters
PASSING, APART = 3.0, 8.0  # nearer points are no others: markers of one spot overlap
ITERATIONS = 40  # what converges does so within 20
STEP = 8.0  # between the points of a line that push labels away, in points of length
# Where a label starts from its point: a front that climbs to the right leaves room above left.
STARTS = ((-6.0, 10.0), (6.0, -14.0), (24.0, 14.0), (-40.0, -20.0))

Spot = tuple[float, float]


def write_labels(
    axes: Axes,
    labels: Sequence[tuple[str, Spot]],
    *,
    markers: Sequence[Bbox],
    points: Sequence[Spot] = (),
    lines: Sequence[Sequence[Spot]] = (),
    gid: str,
    size: float = style.LABEL_SIZES[0],
) -> list[Text]:
    """Write each label near its point, and return those that found room.

    A label covers no other, none of `markers` (on the sheet) and, where there is room, none of
    `lines`; no leader crosses a label, another leader or another of `points`, and none of these is
    nearer to a label without a leader than its own. Points and lines are in data coordinates. A
    label that finds no room from one side of its point tries the others. The layout must be fixed.
    """  # fmt: skip
    walked = [spot for line in lines for spot in _walk(axes, line)]
    sheet = axes.figure
    sheet.set_visible(False)  # else adjust_text draws it all first, to lay it out
    kept = _Kept(
        markers, [tuple(spot) for spot in axes.transData.transform(points)] if points else []
    )
    waiting = {f"{gid}{index}": label for index, label in enumerate(labels)}
    for start in STARTS:
        if not waiting:
            break
        for text in _placed(axes, waiting, start, kept=kept, lines=walked, size=size):
            del waiting[str(text.get_gid())]
    sheet.set_visible(True)
    return kept.texts


class _Kept:
    """What is on the sheet: markers, labels and the leaders of those that have one."""

    def __init__(self, markers: Sequence[Bbox], points: Sequence[Spot]) -> None:
        self._points = points
        self.boxes, self.texts = list(markers), list[Text]()
        self._labels, self._leaders = list[Bbox](), list[Path]()

    def add(self, text: Text, leader: FancyArrowPatch | None, spot: Spot) -> bool:
        """Keep the label of the point at `spot` on the sheet where nothing forbids it.

        Return whether it is kept.
        """
        box = text.get_window_extent()
        lines = [] if leader is None else [self._line(leader)]
        if (
            any(map(box.overlaps, self.boxes))
            or any(line.intersects_bbox(box) for line in self._leaders)
            or any(line.intersects_bbox(label) for line in lines for label in self._labels)
            or any(line.intersects_path(other) for line in lines for other in self._leaders)
            or any(self._passes_a_point(line, spot) for line in lines)
            or (leader is None and self._is_nearer_to_another(box, spot))
        ):
            return False
        self.boxes.append(box)
        self.texts.append(text)
        self._labels.append(box)
        self._leaders += lines
        return True

    def _line(self, leader: FancyArrowPatch) -> Path:
        """Return a leader's straight line on the sheet, from its label to its point."""
        ends = np.asarray(leader.get_path().transformed(leader.get_transform()).vertices)
        return Path(ends[[0, -1]])

    def _passes_a_point(self, line: Path, spot: Spot) -> bool:
        return any(line.intersects_bbox(_square(*at, 2 * PASSING)) for at in self._others(spot))

    def _is_nearer_to_another(self, box: Bbox, spot: Spot) -> bool:
        own = _distance(box, spot)
        return any(_distance(box, other) < own for other in self._others(spot))

    def _others(self, spot: Spot) -> list[Spot]:
        return [point for point in self._points if math.dist(point, spot) > APART]


def _distance(box: Bbox, spot: Spot) -> float:
    at = np.asarray(spot)
    outside = np.maximum(np.maximum(box.min - at, at - box.max), 0)
    return float(np.hypot(*outside))


def _square(x: float, y: float, size: float) -> Bbox:
    return Bbox.from_bounds(x - size / 2, y - size / 2, size, size)


def _placed(
    axes: Axes,
    labels: Mapping[str, tuple[str, Spot]],
    start: Spot,
    *,
    kept: _Kept,
    lines: Sequence[Spot],
    size: float,
) -> list[Text]:
    """Write `labels` from `start` beside their points, take away what overlaps, return the rest."""
    to_data = axes.transData.inverted()
    spots = axes.transData.transform([spot for _, spot in labels.values()])
    starts = to_data.transform(spots + start)
    texts = [
        axes.text(x, y, short(text, MOST_LABEL), zorder=7, gid=gid, fontsize=size, **style.LABEL)
        for (gid, (text, _)), (x, y) in zip(labels.items(), starts, strict=True)
    ]
    marks = to_data.transform(lines or spots)
    _, leaders = adjust_text(
        texts,
        x=marks[:, 0],
        y=marks[:, 1],
        objects=[box.transformed(to_data) for box in kept.boxes],
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
    clear = []
    for text, spot in zip(texts, spots, strict=True):
        leader = next((leader for leader in leaders if leader.patchA is text), None)
        if leader is not None:
            leader.set_gid(f"{text.get_gid()}-leader")
        if kept.add(text, leader, spot):
            clear.append(text)
            continue
        for artist in (text, *filter(None, [leader])):
            artist.remove()
    return clear


def boxes(axes: Axes, points: Sequence[Spot], size: float) -> list[Bbox]:
    """Return a square of `size` points on the sheet around each of `points`."""
    return [_square(x, y, size) for x, y in axes.transData.transform(points)]


def _walk(axes: Axes, line: Sequence[Spot]) -> list[Spot]:
    """Return points on the sheet along `line`, STEP apart."""
    spots: list[Spot] = []
    for start, end in pairwise(axes.transData.transform(line)):
        count = max(int(math.dist(start, end) / STEP), 1)
        spots += [tuple(start + (end - start) * i / count) for i in range(count + 1)]
    return spots
