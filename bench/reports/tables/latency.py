"""A series' tables: its latencies with what stands beside them, ratios, tails, device, energy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.series import Column as Setting
from bench.analysis.series import Series, View
from bench.analysis.statistics import PERCENTILES
from bench.reports.language import Words
from bench.reports.tables import entries, titles
from bench.reports.tables.costs import published, storage_figures
from bench.reports.tables.device import device, energy
from bench.reports.tables.entries import Figures, by_model, measured, milliseconds
from bench.reports.tables.model import Entry, Section, Table
from bench.reports.tables.ratios import ratios


def section(view: View, series: Series, words: Words) -> Section:
    """Return everything of one series of latencies."""
    tables = [
        latencies(view, series, words),
        ratios(view, series, words),
        tails(view, series, words),
        device(view, series, words),
        energy(view, series, words),
    ]
    title = titles.heading(series, words)
    key = f"latency-{titles.slug(series)}"
    return Section(key=key, title=title, tables=[table for table in tables if table is not None])


def latencies(view: View, series: Series, words: Words) -> Table:
    """Return a series' latencies beside the published ones."""
    figures: list[Figures] = []
    for setting in series.columns:
        figures += _at(view, series, setting, words)
    phone = series.target == "android"  # the page's table of the phone has the sizes too
    figures += [storage_figures(view, words)] * phone
    figures += [beside(view, words, it) for it in series.beside if it in naming.PUBLISHED_COLUMNS]
    figures += [published(view, words, "storage_mb")] * phone
    note = words(
        "latency.note",
        weights=titles.weights(series, words),
        statistic=titles.statistic(series, words),
    )
    alone = f"\n{words('latency.note_alone')}" if _has_alone(series) else ""
    return by_model(
        view,
        words,
        series.boxes,
        figures,
        key=f"latency-{titles.slug(series)}",
        title=titles.heading(series, words),
        remarks=[note + alone],
    )


def _has_alone(series: Series) -> bool:
    return any(box.run_ns is not None for row in series.boxes.values() for box in row.values())


def _at(view: View, series: Series, setting: Setting, words: Words) -> list[Figures]:
    """Return the latencies at a batch and thread count, and what stands beside each."""
    column, _ = measured(words, "latency.latency", series, setting, entries.alone)

    def entry(variant: str) -> Entry:
        box = series.boxes[variant].get(setting)
        return entries.latency(words, box, _odd(view, series, variant, setting))

    lower = series.precision != "fp32"  # how far from FP32's output stands beside each time
    return [
        (column, entry),
        *[measured(words, "latency.alone", series, setting, entries.alone)] * _has_alone(series),
        *[measured(words, "latency.distance", series, setting, entries.distance)] * lower,
    ]


def _odd(view: View, series: Series, variant: str, setting: Setting) -> Sequence[str]:
    """Return what the audit says of a figure."""
    where = f"{naming.heading(series)}: {naming.setting(series, setting)}"
    return view.marks.get(("measured", view.models[variant].title, where), ())


def beside(view: View, words: Words, name: str) -> Figures:
    """Return a column of published latencies, headed by the hardware that they are of."""
    known = naming.PUBLISHED_COLUMNS[name]
    device, _, engine = known.hardware.partition(", ")
    return published(
        view, words, name, "published.latency",
        device=words.of("hardware", device), engine=engine, setting=known.setting,
    )  # fmt: skip


def tails(view: View, series: Series, words: Words) -> Table | None:
    """Return the percentiles that the counts of samples bear out, None where they bear none."""
    figures = [
        measured(
            words, "tails.tail", series, setting, partial(_tail, percentile),
            name=f"p{percentile}", percentile=percentile,
        )
        for setting in series.columns
        for percentile in PERCENTILES
        if any(
            setting in row and percentile in row[setting].percentiles
            for row in series.boxes.values()
        )
    ]  # fmt: skip
    if not figures:
        return None
    return by_model(
        view,
        words,
        series.boxes,
        figures,
        key=f"tails-{titles.slug(series)}",
        title=titles.heading(series, words),
        caption=words("tails.caption"),
        remarks=[words("tails.note")],
    )


def _tail(percentile: int, box: Box | None) -> Entry:
    return milliseconds(box, box.percentiles.get(percentile) if box else None)
