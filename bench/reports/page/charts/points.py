"""The points of the charts: every measured net with its setting, and what was published. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.known_accuracy import Known, known_accuracy
from bench.analysis.naming import PUBLISHED_COLUMNS
from bench.analysis.series import CellKey, Column, Series, View
from bench.analysis.statistics import Estimate
from bench.core.units import BYTES_PER_MIB, significant, to_ms, with_interval
from bench.reports.language import Words
from bench.reports.page.charts.parts import Row, shown
from bench.reports.tables import titles
from bench.storage.schema.latency import ModelFacts

COSTS = {"storage": "storage_mb", "flops": "flops_m", "params": "params_m"}
"""Each cost and the column of what was published of it."""


Figures = Mapping[CellKey, Row]
"""What the charts show of each measured figure."""


def figures(view: View, words: Words) -> Figures:
    """Return a row for each figure of a report, by its record."""
    nets = {variant: net(view, words, variant) for variant in view.models}
    rows: dict[CellKey, Row] = {}
    for series in view.series:
        name = engine(view, series)
        for variant, boxes in series.boxes.items():
            for column, box in boxes.items():
                if box.estimate is not None:
                    own = measured(words, series, column, box, box.estimate)
                    rows[box.run_id, box.cell_id] = {**nets[variant], "engine": name, **own}
    return rows


def measured(words: Words, series: Series, column: Column, box: Box, estimate: Estimate) -> Row:
    """Return what a chart shows of one figure beside its net and engine. Latencies are ms."""
    low, high = ends_ms(estimate)
    return {
        "ms": rounded(to_ms(estimate.value_ns)), "low": rounded(low), "high": rounded(high),
        "figure": f"{figure(estimate)} ms",
        "interval": interval(words, estimate),
        "grade": box.grade or words("chart.unknown"),
        "sessions": estimate.sessions,
        **setting(words, series, column),
        "versions": versions(words, series, box),
        "cell": f"{box.run_id}/{box.cell_id}",
        **({"contended": "1"} if box.contended else {}),
    }  # fmt: skip


def net(view: View, words: Words, variant: str) -> Row:
    """Return a net's names and its accuracy in percent, none where it isn't known."""
    published, known = view.published_of(variant), known_accuracy(view, variant)
    row: Row = {
        "net": shown(view.models[variant].title),
        "label": shown(variant),
        "family": shown(published.family if published else ""),
    }
    if known is None:
        return row
    return row | {"top1": round(100 * known.share, 3), "source": _source(words, known)}


def _source(words: Words, known: Known) -> str:
    images = words("chart.of_images", images=known.images) if known.images else ""
    return words(f"chart.accuracy.{known.source}") + images


def setting(words: Words, series: Series, column: Column) -> Row:
    """Return what the switches choose by."""
    return {
        "system": shown(titles.system(series, words)),
        "suite": suite(series),
        "precision": series.precision.upper(),
        "batch": str(column[0]),
        "threads": str(column[1]),
    }


def suite(series: Series) -> str:
    """Return what keeps apart figures of one cell that may not stand together."""
    return shown(", ".join((series.suite or "?", series.preset, f"{series.weights} weights")))


def engine(view: View, series: Series) -> str:
    """Return an engine's title, with its settings where a report has several of them."""
    alike = {
        tuple(sorted(one.settings.items())) for one in view.series if one.runner == series.runner
    }
    more = f", {naming.settings(series)}" if len(alike) > 1 and series.settings else ""
    return shown(f"{naming.runner_title(series.runner)}{more}")


def versions(words: Words, series: Series, box: Box) -> str:
    """Return the engine's version and the harness's code behind a figure."""
    code = series.runs[box.run_id].provenance.code if box.run_id in series.runs else "?"
    return shown(words("chart.versions", engine=series.engine or "?", code=code))


def figure(estimate: Estimate) -> str:
    """Return the figure in ms with its interval's half-width."""
    half = estimate.half_width_ns
    return with_interval(to_ms(estimate.value_ns), None if half is None else to_ms(half))


def ends_ms(estimate: Estimate) -> tuple[float, float]:
    """Return the interval's ends; the lower one is cut where a logarithm has no place for it."""
    value, half = to_ms(estimate.value_ns), to_ms(estimate.half_width_ns or 0.0)
    return max(value - half, value / 10), value + half


def interval(words: Words, estimate: Estimate) -> str:
    """Return the 95% interval in words, with the sessions that it is over."""
    if estimate.half_width_ns is None:
        return words("chart.no_interval", sessions=estimate.sessions)
    value, half = to_ms(estimate.value_ns), to_ms(estimate.half_width_ns)
    low, high = significant(value - half, 4), significant(value + half, 4)
    if half >= value:
        return words("chart.wide", high=high, sessions=estimate.sessions)
    return words("chart.interval", low=low, high=high, sessions=estimate.sessions)


def published_latencies(view: View) -> list[Row]:
    """Return a row for each published latency of a net with a published accuracy."""
    return [
        row | {"hardware": hardware(column), "setting": PUBLISHED_COLUMNS[column].setting}
        for column in PUBLISHED_COLUMNS
        for row in published(view, column)
    ]


def published_start(view: View, system: str, words: Words) -> str:
    """Return what was published of a shown system's own hardware, nothing of a CPU."""
    own = [it for it in view.series if it.target != "cpu" and not it.system.emulated]
    named = [
        column for it in own if shown(titles.system(it, words)) == system for column in it.beside
    ]
    return next((hardware(column) for column in named if column in PUBLISHED_COLUMNS), "")


def hardware(column: str) -> str:
    """Return on what, and at which setting, a column of latencies was measured."""
    known = PUBLISHED_COLUMNS[column]
    return f"{known.hardware}, {known.setting}"


def published(view: View, column: str) -> Iterator[Row]:
    """Yield what was published in `column`, with the figure as it was written."""
    for one in view.published.values():
        if column in one.figures and "top1" in one.figures:
            yield {
                "net": shown(one.name),
                "family": shown(one.family),
                "x": one.figures[column],
                "published": one.texts[column],
                "hardware": "PaddleClas",
                "top1": round(100 * one.figures["top1"], 3),
            }


def costs(view: View, words: Words, cost: str) -> list[Row]:
    """Return a row for each net with that cost and a known accuracy."""
    rows = []
    for variant, facts in view.models.items():
        value, row = cost_of(facts, cost), net(view, words, variant)
        if value and "top1" in row:
            rows.append(row | {"x": rounded(value), "figure": significant(value, 4)})
    return rows


def cost_of(facts: ModelFacts, cost: str) -> float | None:
    """Return MiB of storage, millions of FLOPs or millions of parameters."""
    if cost == "storage":
        return facts.storage.bytes / BYTES_PER_MIB if facts.storage else None
    if facts.costs is None:
        return None
    if cost == "params":
        return facts.costs.params / 1e6
    return facts.costs.operations[1] / 1e6 if facts.costs.operations else None


def rounded(value: float) -> float:
    """Return a number as a chart needs it: five figures."""
    return float(f"{value:.5g}")
