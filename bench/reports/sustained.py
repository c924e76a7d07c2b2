"""Long sessions in a report: their rows, which every format writes in its own way, and their plots.

They stand apart from the latency tables: a figure of one long session has no interval, and what it
is about is how the latency changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.drift import Course
from bench.reports import naming
from bench.reports.view import Box, Series, View
from bench.units import NS_PER_S, duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A cell of a series of long sessions."""

    series: Series
    variant: str
    batch: int
    threads: int
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One cell's latency over its time."""

    title: str
    course: Course


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Panels one below the other. `name` is the stem of the files' names."""

    name: str
    title: str
    panels: tuple[Panel, ...]
    caption: str


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


def capped_text(course: Course) -> str:
    """Return what is to be said of a session that the cap on samples ended."""
    return f"the session ended at {course.samples:,} samples, before its time was up"


def figures(view: View) -> list[Figure]:
    """Return a figure for each system, runner and setting that has a long session."""
    by_stem: dict[str, list[Series]] = {}
    for series in view.sustained:
        by_stem.setdefault(naming.sustained_stem(series), []).append(series)
    found = [_figure(view, stem, group) for stem, group in by_stem.items()]
    return [figure for figure in found if figure.panels]


def _figure(view: View, stem: str, group: list[Series]) -> Figure:
    panels = [
        Panel(title=_panel_title(view, row, several=len(group) > 1), course=row.box.long.course)
        for series in group
        for row in rows(series)
        if row.box.long is not None
    ]
    return Figure(
        name=stem,
        title="Latency over time: burst and sustained",
        panels=tuple(panels),
        caption=f"{naming.heading(group[0])}. {_CAPTION}",
    )


_CAPTION = (
    "Line: the running median, one value for each hundredth of the time. Band: the 5th to the 95th "
    "percentile of the same samples; what lies beyond isn't drawn. Bars: the medians of the first "
    "and the last tenth of the time, whose ratio stands above each panel. The latency axes need "
    "not begin at zero. One session a cell: nothing here bears an interval, and what else the "
    "machine does shows too."
)


def _panel_title(view: View, row: Row, *, several: bool) -> str:
    weights = f", {row.series.weights} weights" if several else ""
    setting = naming.setting(row.series, (row.batch, row.threads))
    assert row.box.long is not None  # noqa: S101 - the caller asks for such rows alone
    return (
        f"{view.models[row.variant].title}, {setting}{weights}: "
        f"{ratio_text(row.box.long.course)} from the first tenth to the last"
    )


def write(view: View, folder: Path) -> dict[Path, bytes]:
    """Return the files of all figures and their bytes, SVG and PNG."""
    from bench.reports.sustained_plot import render

    files: dict[Path, bytes] = {}
    for figure in figures(view):
        files |= {folder / name: data for name, data in render(figure).items()}
    return files
