"""Accuracy against latency and against each cost: families as lines, Pareto fronts, switches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.analysis.naming import PUBLISHED_COLUMNS
from bench.analysis.series import View
from bench.reports.language import Words
from bench.reports.page.charts import points
from bench.reports.page.charts.looks import PUBLISHED, by_engine, engine_scales
from bench.reports.page.charts.parts import HEIGHT, Chart, Row, Spec, spec, switch, tooltip

_SWITCHES = ("system", "suite", "precision", "batch", "threads")
_FAMILY = {
    "condition": {"test": "family !== '' && datum.family === family", "value": 3},
    "value": 0.9,
}

_INTERVAL: Spec = {
    "mark": {"type": "rule", "style": "interval", "aria": False},
    "encoding": {"x": {"field": "low"}, "x2": {"field": "high"}},
}


def accuracy_charts(view: View, words: Words) -> list[Chart]:
    """Return top-1 against latency and against each cost that there are points of."""
    charts = [_latency(view, words), *(_cost(view, words, cost) for cost in points.COSTS)]
    return [chart for chart in charts if chart is not None]


def _latency(view: View, words: Words) -> Chart | None:
    rows, beside = points.latencies(view, words), points.published_latencies(view)
    if not rows:
        return None
    chosen = " && ".join(f"datum.{name} === {name}" for name in _SWITCHES)
    layers = _measured_layers(
        words,
        filtered=f"{chosen} && (engine === '' || datum.engine === engine)",
        detail=["family", "engine"],
        looks=engine_scales(view),
        fields=(
            "net", "figure", "interval", "grade", "top1", "source", "engine", "versions", "system",
            "suite", "precision", "batch", "threads", "cell",
        ),
    )  # fmt: skip
    return Chart(
        key="top1-latency",
        title=words("chart.latency.title"),
        description=words("chart.latency.description"),
        spec=_plot(
            words, rows, beside, words("chart.latency.axis"), layers,
            params=[*_latency_switches(words, rows), *_published_switches(view, words, beside)],
            chosen="datum.hardware === beside",
        ),
    )  # fmt: skip


def _cost(view: View, words: Words, cost: str) -> Chart | None:
    rows, beside = points.costs(view, words, cost), list(points.published(view, points.COSTS[cost]))
    if not rows:
        return None
    layers = _measured_layers(
        words, filtered="true", detail=["family"], looks=None,
        fields=("net", "family", "figure", "top1", "source"),
    )  # fmt: skip
    return Chart(
        key=f"top1-{cost}",
        title=words(f"chart.{cost}.title"),
        description=words(f"chart.{cost}.description"),
        spec=_plot(
            words, rows, beside, words(f"chart.{cost}.axis"), layers,
            params=_family_switch(words, beside), chosen="true",
        ),
    )  # fmt: skip


def _latency_switches(words: Words, rows: Sequence[Row]) -> list[Spec]:
    """Return the switches; at first they show the figures with the most sessions behind them."""
    first = max(rows, key=lambda row: int(str(row["sessions"])))
    switches = [
        one
        for name in _SWITCHES
        for one in switch(
            name, words(f"chart.switch.{name}"), _options(rows, name), start=str(first[name])
        )
    ]
    engines, every = _options(rows, "engine"), words("chart.all")
    return [*switches, *switch("engine", words("chart.switch.engine"), engines, every=every)]


def _options(rows: Sequence[Row], name: str) -> list[str]:
    """Return the values of a field in their order: numbers by size, others as they come."""
    values = dict.fromkeys(str(row[name]) for row in rows)
    return sorted(values, key=int) if name in ("batch", "threads") else list(values)


def _published_switches(view: View, words: Words, beside: Sequence[Row]) -> list[Spec]:
    named = [column for series in view.series for column in series.beside]
    known = [points.hardware(column) for column in named if column in PUBLISHED_COLUMNS]
    options, none = [str(row["hardware"]) for row in beside], words("chart.none")
    start = next((one for one in known if one in options), "")
    label = words("chart.switch.published")
    return [
        *switch("beside", label, options, start=start, every=none),
        *_family_switch(words, beside),
    ]


def _family_switch(words: Words, beside: Sequence[Row]) -> list[Spec]:
    families = [str(row["family"]) for row in beside]
    return switch("family", words("chart.switch.family"), families, every=words("chart.none"))


def _plot(
    words: Words, rows: Sequence[Row], beside: Sequence[Row], title: str, layers: list[Spec],
    *, params: list[Spec], chosen: str,
) -> Spec:  # fmt: skip
    """Return both layers on the same axes, each with legends of its own."""
    axes = {
        "x": {
            "field": "x", "type": "quantitative", "title": title,
            "scale": {"type": "log", "nice": False, "padding": 26},
            "axis": {"format": "~r", "tickCount": 6},
        },
        "y": {
            "field": "top1", "type": "quantitative", "title": words("chart.top1.axis"),
            "scale": {"zero": False, "padding": 12},
        },
    }  # fmt: skip
    apart = dict.fromkeys(("color", "fill", "shape", "strokeDash"), "independent")
    return spec(
        params=params,
        datasets={"measured": list(rows), "published": list(beside)},
        encoding=axes,
        layer=[*_published_layers(words, chosen), *layers],
        resolve={"scale": apart, "legend": apart},
    )


def _front() -> list[Spec]:
    """Return the steps that leave the points which no other beats in both, by the cost.

    In two: Vega takes the end of a window's frame for a distance, so that none ends before a row.
    """
    order = [{"field": "x", "order": "ascending"}, {"field": "top1", "order": "descending"}]
    return [
        {"window": [{"op": "max", "field": "top1", "as": "best"}], "sort": order},
        {"window": [{"op": "lag", "field": "best", "as": "before"}], "sort": order},
        {"filter": "!isValid(datum.before) || datum.top1 > datum.before"},
    ]


def _measured_layers(
    words: Words, *, filtered: str, detail: Sequence[str], looks: dict[str, Spec] | None,
    fields: Sequence[str],
) -> list[Spec]:  # fmt: skip
    source: dict[str, Any] = {"data": {"name": "measured"}, "transform": [{"filter": filtered}]}
    lines = [{"filter": f"{filtered} && datum.family !== ''"}]
    front = [*source["transform"], *_front()]
    counted = {"datum": words("chart.legend.counted"), "legend": {"title": None}}
    shape: dict[str, Spec] = {"shape": counted}
    colour: dict[str, Spec] = {}
    if looks is not None:
        legend = {"title": words("chart.legend.measured"), "columns": 2}
        shape = by_engine(looks, legend=legend, channels=("shape", "fill"))
        colour = by_engine(looks, legend=None, channels=("color",))
    dash = {"strokeDash": {"datum": words("chart.legend.front"), "legend": {"title": None}}}
    return [
        source | {
            "transform": lines,
            "mark": {"type": "line", "style": "family", "aria": False},
            "encoding": colour | {
                "detail": [{"field": field} for field in detail], "order": {"field": "x"},
            },
        },
        source | {
            "transform": front,
            "mark": {
                "type": "line", "interpolate": "step-after", "style": "front", "aria": False,
            },
            "encoding": dash | {"order": {"field": "x"}},
        },
        *([{**source, **_INTERVAL}] if looks else []),
        source | {
            "mark": {"type": "point", "style": ["counted", "measured"], "filled": True},
            "encoding": shape | {"tooltip": tooltip(words, *fields)},
        },
        source | {
            "transform": front,
            "mark": {
                "type": "text", "style": "label", "align": "right", "dx": -8, "dy": -8,
                "aria": False,
            },
            "encoding": {"text": {"field": "label"}},
        },
        source | {
            "transform": [
                {"calculate": f"{filtered} ? 1 : 0", "as": "fits"},
                {"aggregate": [{"op": "sum", "field": "fits", "as": "fitting"}]},
                {"filter": "datum.fitting === 0"},
            ],
            "mark": {"type": "text", "style": "message"},
            "encoding": {
                "x": {"value": {"expr": "width / 2"}}, "y": {"value": HEIGHT / 2},
                "text": {"value": words("chart.nothing")},
            },
        },
    ]  # fmt: skip


def _published_layers(words: Words, chosen: str) -> list[Spec]:
    source: dict[str, Any] = {"data": {"name": "published"}, "transform": [{"filter": chosen}]}
    legend = {"title": None}
    return [
        source | {
            "mark": {"type": "line", "style": "published-line", "aria": False},
            "encoding": {
                "detail": [{"field": "family"}], "order": {"field": "x"}, "strokeWidth": _FAMILY,
            },
        },
        source | {
            "transform": [*source["transform"], *_front()],
            "mark": {
                "type": "line", "interpolate": "step-after", "style": "published-front",
                "aria": False,
            },
            "encoding": {
                "order": {"field": "x"},
                "strokeDash": {
                    "datum": words("chart.legend.published_front"), "legend": legend,
                    "scale": {"range": [[5, 3]]},
                },
            },
        },
        source | {
            "mark": {"type": "point", "style": "published"},
            "encoding": {
                "shape": {
                    "datum": words("chart.legend.published"), "legend": legend,
                    "scale": {"range": [PUBLISHED]},
                },
                "tooltip": tooltip(words, "net", "family", "published", "top1", "hardware"),
            },
        },
    ]  # fmt: skip
