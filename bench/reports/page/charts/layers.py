"""The layers of a chart of accuracy: families, fronts, intervals and points of two data sets.

`measured` and `published` are never one series: each has layers, marks and a legend of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.reports.language import Words
from bench.reports.page.charts.looks import PUBLISHED, by_engine
from bench.reports.page.charts.parts import HEIGHT, Spec, tooltip

_FAMILY = {
    "condition": {"test": "family !== '' && datum.family === family", "value": 3},
    "value": 0.9,
}
_STEPS = {"type": "line", "interpolate": "step-after", "aria": False}
_BY_COST = {"order": {"field": "x"}}
_UNTITLED = {"title": None}


def measured_layers(
    words: Words, filtered: str, detail: Sequence[str], looks: dict[str, Spec] | None,
    fields: Sequence[str],
) -> list[Spec]:  # fmt: skip
    """Return the layers of the rows that `filtered` leaves: a line for each combination of
    `detail`; by engine, with intervals, where there are `looks`; `fields` show on pointing.
    """
    front = [{"filter": filtered}, *_front()]
    shape: Spec = {"shape": {"datum": words("chart.legend.counted"), "legend": _UNTITLED}}
    colour: Spec = {}
    if looks is not None:
        legend = {
            "title": words("chart.legend.measured"),
            "columns": 2,
            "values": {"expr": "engines"},
        }
        shape = by_engine(looks, legend=legend, channels=("shape", "fill"))
        colour = by_engine(looks, legend=None, channels=("color",))
    lines = {**colour, **_BY_COST, "detail": [{"field": name} for name in detail]}
    dash = {"datum": words("chart.legend.front"), "legend": _UNTITLED}
    point = {**_POINT, "cursor": "pointer" if looks else "default"}
    return [
        _layer([{"filter": f"{filtered} && datum.family !== ''"}], _LINE, lines),
        _layer(front, {**_STEPS, "style": "front"}, {**_BY_COST, "strokeDash": dash}),
        *([_layer([{"filter": f"intervals && {filtered}"}], *_INTERVAL)] if looks else []),
        _layer([{"filter": filtered}], point, {**shape, "tooltip": tooltip(words, *fields)}),
        _layer([*front, *_FEW], _LABEL, {"text": {"field": "label"}}),
        _message(words, filtered),
    ]


def _layer(transform: Sequence[Spec], mark: Spec, encoding: Spec) -> Spec:
    return {
        "data": {"name": "measured"}, "transform": transform, "mark": mark, "encoding": encoding,
    }  # fmt: skip


_LINE = {"type": "line", "style": "family", "aria": False}
_POINT = {"type": "point", "style": ["counted", "measured"], "filled": True}
_INTERVAL: tuple[Spec, Spec] = (
    {"type": "rule", "style": "interval", "aria": False},
    {"x": {"field": "low"}, "x2": {"field": "high"}},
)
# More names than that lie on each other: pointing tells them.
_FEW: list[Spec] = [
    {"joinaggregate": [{"op": "count", "as": "on_front"}]},
    {"filter": "datum.on_front <= 12"},
]
_LABEL = {"type": "text", "style": "label", "align": "right", "dx": -8, "dy": -8, "aria": False}


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


def _message(words: Words, filtered: str) -> Spec:
    """Return the text that stands where no row is left."""
    count: list[Spec] = [
        {"calculate": f"{filtered} ? 1 : 0", "as": "fits"},
        {"aggregate": [{"op": "sum", "field": "fits", "as": "fitting"}]},
        {"filter": "datum.fitting === 0"},
    ]
    middle = {"x": {"value": {"expr": "width / 2"}}, "y": {"value": HEIGHT / 2}}
    text = {"value": words("chart.nothing")}
    return _layer(count, {"type": "text", "style": "message"}, {**middle, "text": text})


def published_layers(words: Words, filtered: str) -> list[Spec]:
    """Return the layers of what was published of the rows that `filtered` leaves."""
    source: dict[str, Any] = {"data": {"name": "published"}, "transform": [{"filter": filtered}]}
    dash = {
        "datum": words("chart.legend.published_front"), "legend": _UNTITLED,
        "scale": {"range": [[5, 3]]},
    }  # fmt: skip
    shape = {
        "datum": words("chart.legend.published"), "legend": _UNTITLED,
        "scale": {"range": [PUBLISHED]},
    }  # fmt: skip
    fields = ("net", "family", "published", "top1", "hardware")
    return [
        {
            **source,
            "mark": {"type": "line", "style": "published-line", "aria": False},
            "encoding": {**_BY_COST, "detail": [{"field": "family"}], "strokeWidth": _FAMILY},
        },
        {
            **source,
            "transform": [{"filter": filtered}, *_front()],
            "mark": {**_STEPS, "style": "published-front"},
            "encoding": {**_BY_COST, "strokeDash": dash},
        },
        {
            **source,
            "mark": {"type": "point", "style": "published"},
            "encoding": {"shape": shape, "tooltip": tooltip(words, *fields)},
        },
    ]
