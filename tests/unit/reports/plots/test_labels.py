"""Labels find room: apart, off the markers, within the axes; what finds none is left out."""

from __future__ import annotations

import math
import random
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from bench.reports.plots.labels import APART, boxes, write_labels
from bench.reports.plots.sheet import settings

CORNERS = [(0.0, 0.0), (100.0, 0.0), (0.0, 100.0), (100.0, 100.0)]
Spots = list[tuple[float, float]]


def scattered(seed: int) -> Spots:
    rng = random.Random(seed)  # noqa: S311 - the same spots on every run
    return [(rng.uniform(0, 100), rng.uniform(0, 100)) for _ in range(20)]


def drawn(spots: Spots, name: str = "net_{}_5", lines: list[Spots] | None = None) -> Axes:
    """Return axes with a label a spot, each spot a marker."""
    sheet = Sheet(figsize=(5, 5))
    axes = sheet.subplots()
    axes.set(xlim=(-5, 105), ylim=(-5, 105))
    sheet.draw_without_rendering()
    labels = [(name.format(index), spot) for index, spot in enumerate(spots)]
    markers = boxes(axes, spots, 9)
    write_labels(axes, labels, markers=markers, points=spots, lines=lines or [], gid="label")
    return axes


NASTY: dict[str, Spots] = {
    "20 at nearly one place": [(50 + 0.1 * i, 50 + 0.1 * (i % 4)) for i in range(20)],
    "20 at exactly one place": [(50, 50)] * 20,
    "20 at one corner": [(100 - 0.2 * i, 100 - 0.2 * i) for i in range(20)],
    "all four corners": CORNERS,
    "a column": [(50, 30 + i) for i in range(20)],
    "a row along the lower edge": [(5 * i, 0) for i in range(20)],
    **{f"scatter {seed}": [*scattered(seed), *CORNERS] for seed in range(3)},
}


@pytest.mark.parametrize("spots", NASTY.values(), ids=NASTY.keys())
def test_labels_keep_apart_off_the_markers_and_within_the_axes(spots: Spots) -> None:
    with settings():
        axes = drawn(spots)
        found = [text.get_window_extent() for text in axes.texts]
        markers = boxes(axes, spots, 9)
    frame = axes.bbox.padded(2)
    assert len(found) >= len(spots) / 4
    assert not any(one.overlaps(other) for one, other in combinations(found, 2))
    assert not any(label.overlaps(marker) for label in found for marker in markers)
    assert all(frame.contains(*label.min) and frame.contains(*label.max) for label in found)


def test_a_few_labels_stand_close_to_their_points_without_a_leader() -> None:
    spots: Spots = [(20, 20), (50, 50), (80, 80)]
    with settings():
        axes = drawn(spots)
        for text, spot in zip(axes.texts, axes.transData.transform(spots), strict=True):
            assert text.get_window_extent().padded(12).contains(*spot)
    assert not leaders(axes)


def test_a_label_that_had_to_move_away_has_a_leader_and_no_leader_lacks_its_label() -> None:
    with settings():
        axes = drawn([(50, 50)] * 20)
    names = {text.get_gid() for text in axes.texts}
    assert leaders(axes)
    assert {str(leader.get_gid()).removesuffix("-leader") for leader in leaders(axes)} <= names


@pytest.mark.parametrize("spots", NASTY.values(), ids=NASTY.keys())
def test_no_leader_crosses_a_label_or_another_leader(spots: Spots) -> None:
    with settings():
        axes = drawn(spots)
        labels = {str(text.get_gid()): text.get_window_extent() for text in axes.texts}
    lines = {str(one.get_gid()).removesuffix("-leader"): way(one) for one in leaders(axes)}
    for name, line in lines.items():
        crossed = [it for it, box in labels.items() if it != name and line.intersects_bbox(box)]
        assert not crossed, name
    assert not any(a.intersects_path(b) for a, b in combinations(lines.values(), 2))


def test_a_leader_passes_no_other_point_and_a_label_without_one_is_nearest_to_its_own() -> None:
    spots = scattered(11)
    with settings():
        axes = drawn(spots)
        at = dict(enumerate(axes.transData.transform(spots)))
        boxes = {int(str(text.get_gid())[5:]): text.get_window_extent() for text in axes.texts}
    lines = {int(str(one.get_gid())[5:-7]): way(one) for one in leaders(axes)}
    assert len(boxes) > 10
    for index, box in boxes.items():
        others = [spot for spot in at.values() if math.dist(spot, at[index]) > APART]
        if index in lines:
            near = [Bbox.from_bounds(x - 3, y - 3, 6, 6) for x, y in others]
            assert not any(map(lines[index].intersects_bbox, near))
        else:
            assert all(distance(box, at[index]) <= distance(box, other) for other in others)


def way(leader: FancyArrowPatch) -> Path:
    ends = np.asarray(leader.get_path().transformed(leader.get_transform()).vertices)
    return Path(ends[[0, -1]])


def distance(box: Bbox, spot: Any) -> float:
    return float(np.hypot(*np.maximum(np.maximum(box.min - spot, spot - box.max), 0)))


def test_a_label_keeps_off_a_line_where_there_is_other_room() -> None:
    line = [(0.0, 100.0), (49.0, 51.0)]
    with settings():
        axes = drawn([(50, 50)], lines=[line])
        (label,) = (text.get_window_extent() for text in axes.texts)
        ends = axes.transData.transform(line)
    steps = [ends[0] + (ends[1] - ends[0]) * share / 100 for share in range(101)]
    assert not any(label.contains(*step) for step in steps)


def test_the_same_spots_give_the_same_places() -> None:
    with settings():
        first, second = (drawn(scattered(7)).texts for _ in range(2))
    assert [text.get_position() for text in first] == [text.get_position() for text in second]


def leaders(axes: Axes) -> list[FancyArrowPatch]:
    return [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
