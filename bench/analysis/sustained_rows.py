"""Long sessions in a report: their rows, which every format writes in its own way, and their plots.

They stand apart from the latency tables: a figure of one long session has no interval, and what it
is about is how the latency changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.analysis.boxes import Box
from bench.analysis.series import Series
from bench.analysis.time_course import Course
from bench.core.units import NS_PER_S, duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A cell of a series of long sessions."""

    series: Series
    variant: str
    batch: int
    threads: int
    box: Box


def rows(series: Series) -> Iterator[Row]:
    """Yield the series' cells in the order of its tables."""
    for variant, row in series.boxes.items():
        for (batch, threads), box in sorted(row.items()):
            yield Row(series=series, variant=variant, batch=batch, threads=threads, box=box)


def ratio_text(course: Course) -> str:
    """Return the last tenth over the first, as in ×1.03."""
    return "" if course.ratio is None else f"×{course.ratio:.2f}"


def ran_text(course: Course) -> str:
    """Return how long a session was in inference."""
    return duration(course.ran_ns / NS_PER_S)
