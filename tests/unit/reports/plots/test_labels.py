"""Labels find room: apart, off the markers, within the bounds."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from bench.reports.plots.labels import Box, Obstacle, Placement, Segment, Tag, place

BOUNDS = Box(0, 0, 300, 280)
CORNERS = [(0.0, 0.0), (300.0, 0.0), (0.0, 280.0), (300.0, 280.0)]
Spots = list[tuple[float, float]]


def tag(x: float, y: float, width: float = 40) -> Tag:
    return Tag(x=x, y=y, width=width, height=11, radius=4)


def scattered(seed: int) -> Spots:
    rng = random.Random(seed)  # noqa: S311 - the same spots on every run
    return [(rng.uniform(0, 300), rng.uniform(0, 280)) for _ in range(20)]


def placed(tags: list[Tag], *obstacles: Obstacle) -> list[Placement]:
    placements = place(tags, bounds=BOUNDS, obstacles=obstacles)
    found = [placement for placement in placements if placement is not None]
    assert len(found) == len(tags)
    return found


NASTY: dict[str, Spots] = {
    "20 at nearly one place": [(150 + 0.3 * i, 140 + 0.2 * (i % 4)) for i in range(20)],
    "20 at exactly one place": [(150, 140)] * 20,
    "20 at one corner": [(300 - 0.5 * i, 280 - 0.5 * i) for i in range(20)],
    "all four corners": CORNERS,
    "a column": [(150, 100 + 3 * i) for i in range(20)],
    "a row along the lower edge": [(14 * i, 0) for i in range(20)],
    **{f"scatter {seed}": [*scattered(seed), *CORNERS] for seed in range(5)},
}


@pytest.mark.parametrize("spots", NASTY.values(), ids=NASTY.keys())
def test_labels_keep_apart_off_the_markers_and_within_the_bounds(spots: Spots) -> None:
    tags = [tag(x, y) for x, y in spots]

    boxes = [placement.box for placement in placed(tags)]

    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert not any(box.overlaps(item.marker) for box in boxes for item in tags)
    assert all(BOUNDS.holds(box) for box in boxes)


def test_a_lone_label_stands_close_to_its_point_without_a_leader() -> None:
    (placement,) = placed([tag(150, 140)])

    assert placement.leader is None
    assert placement.box.distance(tag(150, 140).marker) < 12


def test_a_label_that_had_to_move_away_has_a_leader_from_its_marker_to_its_box() -> None:
    tags = [tag(150, 140)] * 20

    leaders = [(item.box, item.leader) for item in placed(tags) if item.leader is not None]

    assert leaders
    for box, leader in leaders:
        assert (leader.x0 - 150) ** 2 + (leader.y0 - 140) ** 2 == pytest.approx(4**2)
        assert box.nearest(leader.x1, leader.y1) == (leader.x1, leader.y1)


def test_a_label_is_not_taken_for_that_of_a_neighbour() -> None:
    tags = [tag(150, 140), tag(150, 151)]

    lower, upper = (placement.box for placement in placed(tags))

    assert lower.distance(tags[0].marker) < lower.distance(tags[1].marker)
    assert upper.distance(tags[1].marker) < upper.distance(tags[0].marker)


def test_a_label_keeps_off_an_obstacle_where_there_is_other_room() -> None:
    (usual,) = placed([tag(150, 140)])

    (moved,) = placed([tag(150, 140)], Obstacle(shape=usual.box, cost=3))

    assert not moved.box.overlaps(usual.box)


def test_a_label_keeps_off_a_line_where_there_is_other_room() -> None:
    line = Segment(0, 290, 148, 142)

    (placement,) = placed([tag(150, 140)], Obstacle(shape=line, cost=3))

    assert not line.overlaps(placement.box)


def test_a_label_covers_obstacles_rather_than_leave_the_bounds() -> None:
    (placement,) = placed([tag(0, 0)], Obstacle(shape=BOUNDS, cost=1000))

    assert BOUNDS.holds(placement.box)


def test_a_label_far_from_all_free_room_still_finds_it() -> None:
    bounds = Box(0, 0, 600, 280)
    giant = Tag(x=150, y=140, width=40, height=11, radius=280)

    placement, _ = place([tag(10, 140), giant], bounds=bounds)

    assert placement is not None
    assert bounds.holds(placement.box)
    assert not placement.box.overlaps(giant.marker)


def test_a_label_larger_than_the_bounds_is_left_out_and_the_others_stay() -> None:
    huge, usual = place([tag(150, 140, width=400), tag(50, 50)], bounds=BOUNDS)

    assert huge is None
    assert usual is not None


def test_the_same_tags_give_the_same_placements() -> None:
    tags = [tag(x, y) for x, y in scattered(7)]

    assert place(tags, bounds=BOUNDS) == place(tags, bounds=BOUNDS)


@pytest.mark.parametrize(
    ("segment", "inside"),
    [
        (Segment(-5, 5, 15, 5), True),
        (Segment(2, 2, 3, 3), True),
        (Segment(5, -5, 5, 15), True),
        (Segment(-5, 11, 15, 11), False),
        (Segment(-5, 8, 3, 16), False),
        (Segment(-5, 5, 5, 15), False),
        (Segment(11, 5, 20, 5), False),
        (Segment(0, 0, 0, 10), False),
    ],
)
def test_a_segment_overlaps_a_box_when_a_part_lies_within(segment: Segment, inside: bool) -> None:
    assert segment.overlaps(Box(0, 0, 10, 10)) is inside


def test_segments_cross_only_within_both_their_lengths() -> None:
    level = Segment(0, 0, 10, 0)

    assert level.crosses(Segment(5, -5, 5, 5))
    assert not level.crosses(Segment(5, 1, 5, 5))
    assert not level.crosses(Segment(11, -5, 11, 5))
