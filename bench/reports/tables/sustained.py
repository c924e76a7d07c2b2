"""Long sessions: how each one's latency changes while it goes on."""

from __future__ import annotations

from bench.analysis.series import Series, View
from bench.analysis.sustained_rows import Row, ran_text, ratio_text, rows
from bench.core.units import NS_PER_S, significant, to_ms
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.reports.tables.entries import head, outcome
from bench.reports.tables.model import Column, Entry, Origin, Section, Table

_COLUMNS: tuple[tuple[str, Origin], ...] = (
    ("batch", "name"), ("threads", "name"), ("ran", "measured"), ("first", "measured"),
    ("last", "measured"), ("ratio", "measured"), ("samples", "measured"),
)  # fmt: skip


def section(view: View, words: Words) -> Section | None:
    """Return a table a series, None without a long session."""
    if not view.sustained:
        return None
    return Section(
        key="sustained",
        title=words("sustained.title"),
        tables=[_table(view, series, words) for series in view.sustained],
    )


def _table(view: View, series: Series, words: Words) -> Table:
    last = series is view.sustained[-1]
    return Table(
        key=f"sustained-{titles.slug(series)}",
        title=titles.heading(series, words),
        columns=columns(words),
        rows=[
            [
                Entry(text=view.models[row.variant].title),
                Entry(text=str(row.batch), value=row.batch),
                Entry(text=str(row.threads), value=row.threads),
                *figures(row, words),
            ]
            for row in rows(series)
        ],
        remarks=[words("sustained.note")] if last else [],
    )


def columns(words: Words) -> list[Column]:
    """Return the table's columns: the model, batch, threads, then those of `figures`."""
    own = [head(words, f"sustained.{name}", origin, key=name) for name, origin in _COLUMNS]
    return [head(words, "models", "name", key="models"), *own]


def figures(row: Row, words: Words) -> list[Entry]:
    """Return how long a session ran, both tenths, their ratio and the samples, or its outcome."""
    box, cell = row.box, (row.box.run_id, row.box.cell_id)
    if box.long is None:
        return [outcome(words, box), *[Entry()] * 4]
    course = box.long.course
    text, notes = ran_text(course), []
    if box.long.capped:
        notes.append(f"{words('sustained.capped', samples=course.samples)}.")
    if box.contended:
        text += f" {words('latency.contended')}"
        notes.append(f"{titles.contended(box, words)}.")
    first, last = to_ms(course.first_ns), to_ms(course.last_ns)
    return [
        Entry(text=text, value=course.ran_ns / NS_PER_S, cell=cell, notes=tuple(notes)),
        Entry(text=significant(first), value=first, cell=cell),
        Entry(text=significant(last), value=last, cell=cell),
        Entry(text=ratio_text(course), value=course.ratio, cell=cell),
        Entry(text=str(course.samples), value=course.samples, cell=cell),
    ]
