"""What a figure shows, as frozen values: accuracy against one cost. Nothing here draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One net: its cost `x`, in the panel's unit, and its top-1 accuracy in percent.

    `x_low` and `x_high` are the ends of the interval of `x`, in the same unit. An end that is None
    isn't drawn. An interval need not hold `x`: that of a bootstrap may miss its own estimate.
    """

    label: str
    x: float
    top1: float
    x_low: float | None = None
    x_high: float | None = None

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.top1, *self.xs))):
            raise ValueError(f"point '{self.label}' has a coordinate that is no finite number")
        if self.x_low is not None and self.x_high is not None and self.x_low > self.x_high:
            raise ValueError(f"point '{self.label}' has x_low {self.x_low} > x_high {self.x_high}")

    @property
    def xs(self) -> tuple[float, ...]:
        """`x` and those ends of its interval that are known."""
        return tuple(x for x in (self.x, self.x_low, self.x_high) if x is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The points of one family, in the order in which they are joined."""

    family: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One pair of axes. `x_label` ends in the unit; `measured_name` is what the legend says.

    `families` join those of the measured points that are of one family, `context` is published.
    `origin` is that of the measured points' `x`.
    Raises ValueError, naming the point, where `x_log` is set and a point isn't above zero.
    """

    title: str
    x_label: str
    measured: tuple[Point, ...] = ()
    families: tuple[Line, ...] = ()
    context: tuple[Line, ...] = ()
    measured_name: str = ""
    origin: Literal["measured", "counted"] = "measured"
    x_log: bool = True

    def __post_init__(self) -> None:
        if not self.x_log:
            return
        for point in self.points():
            if min(point.xs) <= 0:
                raise ValueError(
                    f"point '{point.label}' has x {min(point.xs)}, and the axis is logarithmic"
                )

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, those of measured points first."""
        return self.families + self.context

    def published(self) -> Iterator[Point]:
        """Yield the points of every context line."""
        return chain.from_iterable(line.points for line in self.context)

    def points(self) -> Iterator[Point]:
        """Yield every point, the measured ones first."""
        return chain(self.measured, self.published())


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Panels side by side that share the accuracy axis. `name` is the stem of the files' names."""

    name: str
    title: str
    panels: tuple[Panel, ...]
    caption: str

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name or "\\" in self.name:
            raise ValueError(f"a figure's name is the stem of a file's name, not '{self.name}'")
        if not self.panels:
            raise ValueError(f"figure '{self.name}' has no panel")
        for panel in self.panels:
            if not any(True for _ in panel.points()):
                raise ValueError(f"panel '{panel.title}' of figure '{self.name}' has no point")


MAX_NAMED = 24


def named(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return the points that get a label: all where they are few, else the front's, or none."""
    if len(points) <= MAX_NAMED:
        return points
    front = pareto_front(points)
    return front if len(front) <= MAX_NAMED else ()


def pareto_front(points: Iterable[Point]) -> tuple[Point, ...]:
    """Return the points that no other beats in both `x` (smaller) and `top1` (larger), by `x`.

    Of points with one `x` only the best stays, of points with one `top1` only the cheapest, and of
    points equal in both the first that was given.
    """
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point.x, -point.top1)):
        if not front or point.top1 > front[-1].top1:
            front.append(point)
    return tuple(front)
