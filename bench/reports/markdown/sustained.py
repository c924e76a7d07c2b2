"""Long sessions in words: their section of the page, and their table on the terminal."""

from __future__ import annotations

from bench.analysis import naming
from bench.analysis.series import Series, View
from bench.analysis.sustained_rows import Row, capped_text, ran_text, ratio_text, rows
from bench.core.escape import markdown
from bench.core.units import significant, to_ms
from bench.reports.markdown.tables import Footnotes, outcome_text, table
from bench.reports.plots.figures import sustained_figures

_HEAD = (
    "Models", "Batch", "Threads", "Ran", "Latency(ms)<br>first tenth", "Latency(ms)<br>last tenth",
    "Last / first", "Samples",
)  # fmt: skip

_NOTE = """\
One session a cell, which goes on without a pause right after its short warm-up. Tenths are of its
time, their figures the medians of the samples in them. One session bears no interval, and what else
the machine does shows in it too.
"""


def section(view: View, notes: Footnotes) -> list[str]:
    """Return the section's parts: a table a series, then the plots; nothing without a session."""
    if not view.sustained:
        return []
    parts = ["## Burst and sustained\n"]
    for series in view.sustained:
        cells = [_page_row(view, row, notes) for row in rows(series)]
        parts.append(f"### {markdown(naming.heading(series))}\n\n{table(_HEAD, cells)}")
    return [
        *parts,
        _NOTE,
        *(f"![{one.title}]({one.name}.svg)\n" for one in sustained_figures(view)),
    ]


def _page_row(view: View, row: Row, notes: Footnotes) -> list[str]:
    ran, *figures_ = _figures(row)
    box = row.box
    if box.outcome is not None:
        ran = outcome_text(box.cell_id, box.outcome, notes)
    elif box.long is not None and box.long.capped:
        ran += notes.mark(f"{capped_text(box.long.course)}.", of=box.cell_id)
    if box.contended:
        ran += f" contended{notes.mark(f'{naming.contended(box)}.', of=box.cell_id)}"
    return [
        markdown(view.models[row.variant].title),
        str(row.batch),
        str(row.threads),
        ran,
        *figures_,
    ]


def terminal_parts(view: View, series: Series) -> tuple[list[str], list[list[str]], str]:
    """Return a series' table for the terminal: its head, its rows, and what they are."""
    head = ["latency, ms", "ran", "first tenth", "last tenth", "last / first", "samples"]
    note = "medians of the tenths of one session's time; one session bears no interval"
    cells = []
    for row in rows(series):
        setting = naming.setting(series, (row.batch, row.threads))
        cells.append([f"{view.models[row.variant].title}, {setting}", *_figures(row)])
        if row.box.long is not None and row.box.long.capped:
            note += f"; {row.box.cell_id}: {capped_text(row.box.long.course)}"
        if row.box.contended:
            note += f"; {row.box.cell_id}: {naming.contended(row.box)}"
    return head, cells, note


def _figures(row: Row) -> list[str]:
    """Return how long it ran, both tenths, their ratio and the samples, or the outcome instead."""
    if row.box.long is None:
        return [row.box.outcome.kind if row.box.outcome else "", "", "", "", ""]
    course = row.box.long.course
    return [
        ran_text(course), significant(to_ms(course.first_ns)), significant(to_ms(course.last_ns)),
        ratio_text(course), str(course.samples),
    ]  # fmt: skip
