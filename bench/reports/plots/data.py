"""What a plot draws, as <name>.csv beside it: a row a point, and a row a point of each line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from bench.reports.csv_tables import csv_bytes

HEAD = ("panel", "series", "label", "x", "low", "high", "y", "origin", "x_axis", "y_axis")
DIGITS = 9  # significant ones: a nanosecond in a second

Origin = Literal["measured", "counted", "published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point, or a point of a line, in the units of `x_axis` and `y_axis`.

    `series` is what the legend calls it, `label` what it is of: a net, a run. `low` and `high` are
    the ends of the drawn interval or band of the latency, empty where none is drawn. `origin` is
    that of the latency or the cost. `y` is a name where the axis is of names.
    """

    series: str
    x: float
    y: float | str
    x_axis: str
    y_axis: str
    origin: Origin = "measured"
    panel: str = ""
    label: str = ""
    low: float | None = None
    high: float | None = None


def table(marks: Iterable[Mark]) -> bytes:
    """Return the rows of `marks` in their order, below HEAD."""
    rows = ({name: _written(value) for name, value in asdict(mark).items()} for mark in marks)
    return csv_bytes(HEAD, rows)


def _written(value: object) -> object:
    return f"{value:.{DIGITS}g}" if isinstance(value, float | int) else value
