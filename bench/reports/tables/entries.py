"""What several tables have: the frame of a row a model, heads, and the figures of a box."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bench.analysis.boxes import Box
from bench.analysis.naming import setting as setting_text
from bench.analysis.series import Column as Setting
from bench.analysis.series import Series, View
from bench.core.units import significant, to_ms, with_interval
from bench.reports.language import Words
from bench.reports.tables import titles
from bench.reports.tables.model import Column, Entry, Origin, Table
from bench.reports.tables.notes import Notes
from bench.storage.schema.common import Failed

ABSENT = "–"

Figures = tuple[Column, Callable[[str], Entry]]
"""A column, and what it has of a variant."""


def by_model(
    view: View,
    words: Words,
    variants: Iterable[str],
    figures: Sequence[Figures],
    *,
    key: str,
    title: str,
    caption: str = "",
    remarks: Sequence[str] = (),
) -> Table:
    """Return a table of a row a variant; its first column has the models' titles."""
    columns = [head(words, "models", "name", key="models"), *(it for it, _ in figures)]
    rows = [
        [Entry(text=view.models[variant].title), *(entry(variant) for _, entry in figures)]
        for variant in variants
    ]
    return trimmed(
        Table(key=key, title=title, caption=caption, columns=columns, rows=rows, remarks=remarks),
        words,
    )


def trimmed(table: Table, words: Words) -> Table:
    """Return a table of models without the columns and rows that nothing is known for.

    The remarks say why a column is gone, each reason once; without any, there are no rows either.
    """
    kept = [0]
    reasons = Notes(words)
    for index, column in enumerate(table.columns[1:], 1):
        if any(row[index].text not in ("", ABSENT) for row in table.rows):
            kept.append(index)
            continue
        for row in table.rows:
            reasons.of_entry(row[index], column, row[0].text)
    rows = [[row[index] for index in kept] for row in table.rows]
    return replace(
        table,
        columns=[table.columns[index] for index in kept],
        rows=[row for row in rows if any(entry.text for entry in row[1:])],
        remarks=[*(table.remarks if len(kept) > 1 else ()), *reasons.texts()],
    )


def head(words: Words, text: str, origin: Origin, *, key: str, **values: object) -> Column:
    """Return a column that the text of that key heads, a line of it a line of the head."""
    return Column(key=key, title=tuple(words(text, **values).splitlines()), origin=origin)


def measured(
    words: Words,
    text: str,
    series: Series,
    setting: Setting,
    entry: Callable[[Box | None], Entry],
    **values: object,
) -> Figures:
    """Return the figures of a series at a batch and thread count, below the text of that key."""
    batch, threads = setting
    name = values.pop("name", text.rpartition(".")[2])
    at = setting_text(series, setting)
    column = head(words, text, "measured", key=f"{name} b{batch} t{threads}", setting=at, **values)
    return column, lambda variant: entry(series.boxes[variant].get(setting))


def figure(
    box: Box | None, value: float | None, write: Callable[[float], str] = significant
) -> Entry:
    """Return a figure of a box as an entry, an empty one where it isn't known."""
    if box is None or value is None:
        return Entry()
    return Entry(text=write(value), value=value, cell=(box.run_id, box.cell_id))


def milliseconds(box: Box | None, value_ns: float | None) -> Entry:
    """Return the same of a time in ns, in ms."""
    return figure(box, None if value_ns is None else to_ms(value_ns))


def alone(box: Box | None) -> Entry:
    """Return the engine's part of a latency, in ms."""
    return milliseconds(box, box.run_ns if box else None)


def distance(box: Box | None) -> Entry:
    """Return how far an output was from the reference (relative L2), to two figures."""
    return figure(
        box, box.relative_l2 if box else None, lambda value: f"{value:.1e}" if value else "0"
    )


def outcome(words: Words, box: Box) -> Entry:
    """Return what stands in the place of a box's figure: what became of it, and why."""
    it = box.outcome
    if it is None:
        return Entry(cell=(box.run_id, box.cell_id))
    why = (it.failure, it.message) if isinstance(it, Failed) else (it.reason, it.hint)
    return Entry(
        text=words(f"outcome.{it.kind}"),
        cell=(box.run_id, box.cell_id),
        notes=(f"{why[0]}: {why[1]}.",),
    )


def latency(words: Words, box: Box | None, odd: Sequence[str] = ()) -> Entry:
    """Return a box as an entry, in ms: never a number where the outcome isn't Measured.

    `odd` is what the audit says of it.
    """
    if box is None:
        return Entry()
    estimate = box.estimate
    if estimate is None:
        return outcome(words, box)
    half = estimate.half_width_ns
    text = with_interval(to_ms(estimate.value_ns), None if half is None else to_ms(half))
    remarks = [f"{warning}." for warning in box.warnings]
    if box.unsettled:
        remarks.append(words("latency.unsettled", count=box.unsettled, sessions=estimate.sessions))
    return Entry(
        text=text + titles.evidence(box, words),
        value=to_ms(estimate.value_ns),
        cell=(box.run_id, box.cell_id),
        grade=box.grade,
        notes=(*remarks, *(f"{reason}." for reason in odd)),
    )
