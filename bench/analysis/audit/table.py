"""What the rules look at: one form for published and measured tables, and what a rule says of it.

No input or output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bench.core.units import with_interval

Kind = Literal["latency", "flops", "params", "storage", "accuracy"]
Axis = Literal["threads", "batch"]
Source = Literal["published", "measured"]

_SCALES = {"": 1.0, "ms": 1e-3, "M": 1e6, "G": 1e9, "MiB": float(1 << 20)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column; `unit` is "", "ms", "M", "G" or "MiB".

    A latency is of one call: of `batch` images with `threads`, None where the table doesn't say;
    `statistic` tells columns apart that differ in nothing else (min, avg, max). `peak` is the most
    operations a second that the hardware can reach there, None where that isn't known.
    """

    name: str
    kind: Kind
    unit: str = ""
    threads: int | None = None
    batch: int | None = None
    statistic: str = ""
    peak: float | None = None

    def differs_in(self, axis: Axis, other: Column) -> bool:
        """Say whether both are latencies that differ in `axis` alone, and this one has more."""
        mine, others = getattr(self, axis), getattr(other, axis)
        if mine is None or others is None or mine <= others:
            return False
        return replace(self, **{axis: others}, name=other.name, peak=other.peak) == other


@dataclass(frozen=True, slots=True)
class Cost:
    """What a net costs: floating-point operations of one image as the table counts them, and
    parameters; both single, not in millions. Equal costs: as good as the same net.
    """

    flops: float
    params: float

    def above(self, other: Cost) -> bool:
        """Say whether this net is the larger: more FLOPs and no fewer parameters."""
        return self.flops > other.flops and self.params >= other.params

    def __str__(self) -> str:
        return f"{self.flops / 1e6:.2f} M FLOPs and {self.params / 1e6:.2f} M parameters"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """A model's figures by column, in the column's unit; what isn't known is left out.

    `texts` are the figures as printed. `intervals` are half-widths. `family`: models of one family
    differ in size only. Rows are equal only to themselves.
    """

    name: str
    family: str
    figures: Mapping[str, float]
    texts: Mapping[str, str]
    intervals: Mapping[str, float] = field(default_factory=dict)
    cost: Cost | None = None

    def figure(self, column: Column) -> float | None:
        """Return the figure where there is one that can be: finite and above 0."""
        value = self.figures.get(column.name, 0.0)
        return value if math.isfinite(value) and value > 0 else None

    def shown(self, column: Column) -> str:
        """Return the figure as a reader knows it, with its interval and unit."""
        text = self.texts[column.name]
        if column.name in self.intervals:
            text = with_interval(self.figures[column.name], self.intervals[column.name])
        return f"{text} {column.unit}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Figures that may be compared with each other.

    `ascending` names groups of columns whose figures can't fall from left to right: min, avg, max.
    `repeatability` is, by column, by which ratio two measurements of the same net part at most; 1
    where it is left out. `cores`: more threads than these promise nothing.
    """

    source: Source
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    ascending: Sequence[tuple[str, ...]] = ()
    repeatability: Mapping[str, float] = field(default_factory=dict)
    cores: int | None = None

    def of_kind(self, kind: Kind) -> list[Column]:
        return [column for column in self.columns if column.kind == kind]

    def cells(self, kind: Kind) -> Iterator[tuple[Row, Column, float]]:
        """Yield each figure of the kind that can be, by column, then by row."""
        for column in self.of_kind(kind):
            for row in self.rows:
                if (value := row.figure(column)) is not None:
                    yield row, column, value

    def bounds(self, row: Row, column: Column) -> tuple[float, float]:
        """Return between which values a figure lies: its interval, or just itself if published.

        A measured figure without an interval may lie anywhere, so it contradicts nothing.
        """
        value = row.figures[column.name]
        half = row.intervals.get(column.name, math.inf if self.source == "measured" else 0.0)
        return value - half, value + half

    def rounding(self, row: Row, column: Column) -> float:
        """Return how far rounding may have moved a figure: measured ones aren't rounded."""
        return half_digit(row.texts[column.name]) if self.source == "published" else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """What a rule finds: `row` is empty where it is about the whole table.

    `reason` is a clause that can be checked from `values`, the figures as the table prints them.
    """

    row: str
    columns: tuple[str, ...]
    values: tuple[str, ...]
    reason: str


def base(value: float, column: Column) -> float:
    """Return `value` of `column` in single operations, parameters, bytes, or seconds."""
    return value * _SCALES[column.unit]


def digits(text: str) -> int:
    """Return how many significant digits a printed decimal has."""
    return len(text.replace(".", "").lstrip("0"))


def half_digit(text: str) -> float:
    """Return half of the last printed digit: how far rounding may have moved a printed decimal."""
    return float(0.5 * 10.0 ** -len(text.partition(".")[2]))
