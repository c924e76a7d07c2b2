"""Engines side by side: the same work through several runners on one system."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.series import Series, View
from bench.analysis.side_by_side import SideBySide, side_by_side
from bench.reports.language import Words
from bench.reports.tables import entries, titles
from bench.reports.tables.model import Column, Entry, Section, Table
from bench.reports.tables.ratios import apart, ratio_entries

_Row = Callable[[str], list[Entry]]


def section(view: View, words: Words) -> Section | None:
    """Return the section, None where no two runners did the same work."""
    compared = side_by_side(view)
    if not compared:
        return None
    return Section(
        key="engines",
        title=words("engines.title"),
        introduction=[words("engines.introduction")],
        tables=[table for one in compared for table in _tables(view, one, words)],
    )


def _tables(view: View, one: SideBySide, words: Words) -> Iterable[Table]:
    caption = words(
        "engines.latency",
        statistic=titles.statistic(titles.most_sessions(one), words),
        weights=titles.weights(one.first, words),
    )
    yield _table(view, one, words, "latency", lambda it: _latencies(one, it, words), caption)
    if any(one.races.values()):
        table = _table(view, one, words, "ratios", lambda it: _ratios(one, it, words))
        some_apart = any(apart(row) for row in table.rows)
        yield replace(table, remarks=[words("ratios.note_apart")] if some_apart else [])
    yield _table(view, one, words, "load", _each(one, _load))
    yield _table(view, one, words, "memory", _each(one, _memory))
    yield _table(view, one, words, "distance", _each(one, entries.distance))


def _table(
    view: View, one: SideBySide, words: Words, name: str, row: _Row, caption: str = ""
) -> Table:
    batch, threads = one.column
    table = Table(
        key=f"engines-{name}-{titles.slug(one.first)}-b{batch}-t{threads}",
        title=titles.side_by_side(one, words),
        caption=caption or words(f"engines.{name}"),
        columns=[
            entries.head(words, "models", "name", key="models"),
            *(_column(series) for series in one.engines),
        ],
        rows=[[Entry(text=view.models[it].title), *row(it)] for it in one.rows],
    )
    return entries.trimmed(table, words)


def _column(series: Series) -> Column:
    settings = [f"{name}_{value}" for name, value in sorted(series.settings.items())]
    lines = [naming.runner_title(series.runner), series.engine or "", naming.settings(series)]
    return Column(
        key=" ".join([series.runner, *settings]),
        title=tuple(line for line in lines if line),
        origin="measured",
    )


def _latencies(one: SideBySide, variant: str, words: Words) -> list[Entry]:
    best = one.fastest[variant]
    return [
        replace(entries.latency(words, box), strong=index == best)
        for index, box in enumerate(one.rows[variant])
    ]


def _ratios(one: SideBySide, variant: str, words: Words) -> list[Entry]:
    return ratio_entries(one.races[variant], one.rows[variant], words)


def _each(one: SideBySide, entry: Callable[[Box | None], Entry]) -> _Row:
    return lambda variant: [entry(box) for box in one.rows[variant]]


def _load(box: Box | None) -> Entry:
    return entries.milliseconds(box, box.load_ns if box else None)


def _memory(box: Box | None) -> Entry:
    return entries.figure(box, box.peak_rss_mib if box else None, "{:.0f}".format)
