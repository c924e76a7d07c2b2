"""The format of long sessions: their plots. Tables stand in markdown and CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.analysis import naming
from bench.analysis.series import Series, View
from bench.analysis.sustained_rows import Row, ratio_text, rows

if TYPE_CHECKING:
    from bench.reports.plots.sustained import Figure


def figures(view: View) -> list[Figure]:
    """Return a figure for each system, runner and setting that has a long session."""
    by_stem: dict[str, list[Series]] = {}
    for series in view.sustained:
        by_stem.setdefault(naming.sustained_stem(series), []).append(series)
    found = [_figure(view, stem, group) for stem, group in by_stem.items()]
    return [figure for figure in found if figure.panels]


def _figure(view: View, stem: str, group: list[Series]) -> Figure:
    from bench.reports.plots.sustained import Figure, Panel

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
    from bench.reports.plots.sustained import render

    files: dict[Path, bytes] = {}
    for figure in figures(view):
        files |= {folder / name: data for name, data in render(figure).items()}
    return files
