"""Places labels beside their points: pure geometry, deterministic, in any one unit of length.

A label never overlaps another label or a point's marker and never leaves the bounds. Where it can,
it keeps off the obstacles and close to its point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

GAPS = (2.0, 8.0, 14.0, 21.0, 29.0, 38.0, 48.0, 60.0, 75.0, 95.0, 120.0, 150.0, 190.0, 240.0)
# Degrees, the most welcome first: a front that climbs to the right leaves room above left.
ANGLES = (135, 90, 180, 315, 270, 0, 45, 225, 112, 158, 292, 338, 68, 22, 202, 248)
SWEEPS = 4

ANGLE_COST = 0.02
GAP_COST = 0.06
LEADER_COST = 1.0
CROSSED_LEADER_COST = 8.0
CROSSED_MARKER_COST = 8.0
CROSSED_LABEL_COST = 60.0
AMBIGUOUS_COST = 12.0
AMBIGUOUS_SHARE = 1.5  # another marker must be this much farther away than the label's own


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle along the axes."""

    left: float
    bottom: float
    right: float
    top: float

    @classmethod
    def around(cls, x: float, y: float, width: float, height: float) -> Box:
        """The box of that size centred at (x, y)."""
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    def overlaps(self, other: Box) -> bool:
        """Whether the two share area; to touch isn't to overlap."""
        across = self.left < other.right and other.left < self.right
        return across and self.bottom < other.top and other.bottom < self.top

    def holds(self, other: Box) -> bool:
        """Whether `other` lies wholly within."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.bottom <= other.bottom and other.top <= self.top

    def distance(self, other: Box) -> float:
        """From the box to the centre of `other`."""
        x, y = (other.left + other.right) / 2, (other.bottom + other.top) / 2
        return math.dist((x, y), self.nearest(x, y))

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The point of the box that is nearest to (x, y)."""
        return min(max(x, self.left), self.right), min(max(y, self.bottom), self.top)


@dataclass(frozen=True, slots=True)
class Segment:
    """A straight line between two points."""

    x0: float
    y0: float
    x1: float
    y1: float

    def overlaps(self, box: Box) -> bool:
        """Whether a part of the segment lies within `box` (Liang and Barsky's clipping)."""
        start, end = 0.0, 1.0
        for origin, step, low, high in (
            (self.x0, self.x1 - self.x0, box.left, box.right),
            (self.y0, self.y1 - self.y0, box.bottom, box.top),
        ):
            if step == 0:
                if not low < origin < high:
                    return False
                continue
            near, far = sorted(((low - origin) / step, (high - origin) / step))
            start, end = max(start, near), min(end, far)
        return start < end

    def crosses(self, other: Segment) -> bool:
        """Whether the two cross within both their lengths."""
        return self._parts(other) and other._parts(self)

    def _parts(self, other: Segment) -> bool:
        """Whether the line through this segment has the ends of `other` on either side."""
        dx, dy = self.x1 - self.x0, self.y1 - self.y0
        first = dx * (other.y0 - self.y0) - dy * (other.x0 - self.x0)
        second = dx * (other.y1 - self.y0) - dy * (other.x1 - self.x0)
        return first * second < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A label of `width` by `height` that belongs to the marker of `radius` at (x, y)."""

    x: float
    y: float
    width: float
    height: float
    radius: float

    @property
    def marker(self) -> Box:
        return Box.around(self.x, self.y, 2 * self.radius, 2 * self.radius)


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Something that a label may cover, at a cost: a gap of 1 costs 0.06, a first leader 1."""

    shape: Box | Segment
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a label goes, and the line that leads to it where it had to move away."""

    box: Box
    leader: Segment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """What one label has to mind: all but itself."""

    bounds: Box
    markers: Sequence[Box]
    obstacles: Sequence[Obstacle]
    placed: Sequence[Placement]

    def admits(self, box: Box) -> bool:
        return (
            self.bounds.holds(box)
            and not any(box.overlaps(marker) for marker in self.markers)
            and not any(box.overlaps(other.box) for other in self.placed)
        )

    def cost(self, placement: Placement, own: Box) -> float:
        """What the placement covers, whose label it might be, and what leaders cross."""
        box, leader = placement.box, placement.leader
        covered = sum(item.cost for item in self.obstacles if item.shape.overlaps(box))
        reach = AMBIGUOUS_SHARE * box.distance(own)
        if any(box.distance(marker) < reach for marker in self.markers if marker != own):
            covered += AMBIGUOUS_COST
        leaders = [other.leader for other in self.placed if other.leader]
        covered += CROSSED_LABEL_COST * sum(line.overlaps(box) for line in leaders)
        if leader is None:
            return covered
        boxes = sum(leader.overlaps(other.box) for other in self.placed)
        markers = sum(leader.overlaps(marker) for marker in self.markers if marker != own)
        lines = sum(leader.crosses(line) for line in leaders)
        return (
            covered
            + CROSSED_LABEL_COST * boxes
            + CROSSED_MARKER_COST * markers
            + CROSSED_LEADER_COST * lines
        )


def place(
    tags: Sequence[Tag], *, bounds: Box, obstacles: Sequence[Obstacle] = ()
) -> tuple[Placement | None, ...]:
    """Return a placement for each tag, in the tags' order; None where the bounds have no room.

    Greedy, from left to right, then a few sweeps in which each label may move to a better place.
    """
    markers = [tag.marker for tag in tags]
    placements: dict[int, Placement] = {}
    order = sorted(range(len(tags)), key=lambda index: (tags[index].x, tags[index].y, index))
    for _ in range(SWEEPS):
        before = dict(placements)
        for index in order:
            placements.pop(index, None)
            around = _Surroundings(
                bounds=bounds,
                markers=markers,
                obstacles=obstacles,
                placed=[placements[key] for key in sorted(placements)],
            )
            best = _best(tags[index], around)
            if best is not None:
                placements[index] = best
        if placements == before:
            break
    return tuple(placements.get(index) for index in range(len(tags)))


def _best(tag: Tag, around: _Surroundings) -> Placement | None:
    """The cheapest placement on the rings around the marker, else the nearest free one at all."""
    best: Placement | None = None
    lowest = math.inf
    for base, candidate in _rings(tag):
        if base >= lowest:  # they come by rising base cost
            break
        if not around.admits(candidate.box):
            continue
        cost = base + around.cost(candidate, tag.marker)
        if cost < lowest:
            best, lowest = candidate, cost
    if best is not None:
        return best
    free = (box for box in _grid(tag, around.bounds) if around.admits(box))
    return next((Placement(box=box, leader=_leader(tag, box)) for box in free), None)


def _rings(tag: Tag) -> Iterator[tuple[float, Placement]]:
    """Yield (base cost, placement), the cheapest first; beyond the first ring with a leader."""
    for gap in GAPS:
        for rank, angle in enumerate(ANGLES):
            box = _ring_box(tag, gap=gap, angle=angle)
            leader = None if gap == GAPS[0] else _leader(tag, box)
            base = gap * GAP_COST + rank * ANGLE_COST + LEADER_COST * bool(leader)
            yield base, Placement(box=box, leader=leader)


def _ring_box(tag: Tag, *, gap: float, angle: int) -> Box:
    """The label's box in that direction, its nearest side `gap` away from the marker."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    reach = max(abs(cosine), abs(sine))
    x = tag.x + cosine / reach * (tag.radius + gap + tag.width / 2)
    y = tag.y + sine / reach * (tag.radius + gap + tag.height / 2)
    return Box.around(x, y, tag.width, tag.height)


def _grid(tag: Tag, bounds: Box) -> list[Box]:
    """Boxes over the whole of the bounds in half-label steps, the nearest first."""
    columns = max(int(2 * (bounds.right - bounds.left) / tag.width) - 1, 0)
    rows = max(int(2 * (bounds.top - bounds.bottom) / tag.height) - 1, 0)
    lefts = [bounds.left + column * tag.width / 2 for column in range(columns)]
    bottoms = [bounds.bottom + row * tag.height / 2 for row in range(rows)]
    boxes = [Box(x, y, x + tag.width, y + tag.height) for y in bottoms for x in lefts]
    return sorted(boxes, key=lambda box: box.distance(tag.marker))


def _leader(tag: Tag, box: Box) -> Segment | None:
    """The line from the marker's edge to the nearest point of the box."""
    x, y = box.nearest(tag.x, tag.y)
    distance = math.dist((tag.x, tag.y), (x, y))
    if distance <= tag.radius:
        return None
    share = tag.radius / distance
    return Segment(tag.x + share * (x - tag.x), tag.y + share * (y - tag.y), x, y)
