"""The layers of a chart of accuracy: families, fronts, intervals and points of two data sets.

`measured` and `published` are never one series: each has layers, marks and a legend of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from bench.reports.language import Words
from bench.reports.page.charts.looks import PUBLISHED, by_engine
from bench.reports.page.charts.parts import HEIGHT, Spec, tooltip

_STEPS = {"type": "line", "interpolate": "step-after", "aria": False}
_BY_COST = {"order": {"field": "x"}}
_UNTITLED = {"title": None}


def measured_layers(
    words: Words, filtered: str, detail: Sequence[str], looks: dict[str, Spec] | None,
    fields: Sequence[str], *, contended: bool = False,
) -> list[Spec]:  # fmt: skip
    """Return the layers of the rows that `filtered` leaves: a line for each combination of
    `detail`; by engine, with intervals, where there are `looks`; `fields` show on pointing.
    Rows that are `contended` are hollow and on no front.
    """
    front = [{"filter": f"{filtered} && !datum.contended"}, *_front()]
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
    family = _dash(words("chart.legend.family"), [2, 2])
    lines = {**colour, **family, **_BY_COST, "detail": [{"field": name} for name in detail]}
    dash = _dash(words("chart.legend.front"), [1, 0])
    pointing = {"tooltip": tooltip(words, *fields)}
    point = {**_POINT, "cursor": "pointer" if looks else "default"}
    return [
        _layer([{"filter": f"{filtered} && datum.family !== ''"}], _LINE, lines),
        _layer(front, {**_STEPS, "style": "front"}, {**_BY_COST, **dash}),
        *([_layer([{"filter": f"intervals && {filtered}"}], *_INTERVAL)] if looks else []),
        *(_layer([*front, *_FEW], mark, _NAMED) for mark in (_HALO, _LABEL)),
        *([] if looks else [_layer([*_front("!"), *_FEW], _BESIDE, _NAMED)]),
        _layer([{"filter": f"{filtered} && !datum.contended"}], point, {**shape, **pointing}),
        *(_contended(words, filtered, looks, pointing) if contended else []),
        _message(words, filtered),
    ]


def _dash(name: str, dash: Sequence[float]) -> Spec:
    """Return how a line is dashed, with a legend of its own."""
    return {"strokeDash": {"datum": name, "legend": _UNTITLED, "scale": {"range": [dash]}}}


def _contended(
    words: Words, filtered: str, looks: dict[str, Spec] | None, pointing: Spec
) -> list[Spec]:
    """Return the points of the figures that other processes disturbed: hollow, dashed."""
    by = by_engine(looks, legend=None, channels=("shape", "color")) if looks else {}
    dash = _dash(words("chart.legend.contended"), [2, 1.5])
    mark = {"type": "point", "style": "contended", "cursor": "pointer"}
    return [
        _layer([{"filter": f"{filtered} && datum.contended"}], mark, {**by, **dash, **pointing})
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
_LABEL = {"type": "text", "style": "label", "dy": -14, "aria": False}
_BESIDE = {**_LABEL, "align": "left", "dx": 9, "dy": 5}
_HALO = {**_LABEL, "style": ["label", "halo"]}
_NAMED: Spec = {"text": {"field": "label"}}


def _front(but: Literal["", "!"] = "") -> list[Spec]:
    """Return the steps that leave the points which no other beats in both, by the cost; `but`: the
    others.

    In two: Vega takes the end of a window's frame for a distance, so that none ends before a row.
    """
    order = [{"field": "x", "order": "ascending"}, {"field": "top1", "order": "descending"}]
    return [
        {"window": [{"op": "max", "field": "top1", "as": "best"}], "sort": order},
        {"window": [{"op": "lag", "field": "best", "as": "before"}], "sort": order},
        {"filter": f"{but}(!isValid(datum.before) || datum.top1 > datum.before)"},
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
    dash = _dash(words("chart.legend.published_front"), [5, 3])
    shape = {
        "datum": words("chart.legend.published"), "legend": _UNTITLED,
        "scale": {"range": [PUBLISHED]},
    }  # fmt: skip
    fields = ("net", "family", "published", "top1", "hardware")
    return [
        {
            **source,
            "mark": {"type": "line", "style": "published-line", "aria": False},
            "encoding": {**_BY_COST, "detail": [{"field": "family"}]},
        },
        *_marked(source, filtered),
        {
            **source,
            "transform": [{"filter": filtered}, *_front()],
            "mark": {**_STEPS, "style": "published-front"},
            "encoding": {**_BY_COST, **dash},
        },
        {
            **source,
            "mark": {"type": "point", "style": "published"},
            "encoding": {"shape": shape, "tooltip": tooltip(words, *fields)},
        },
    ]


def _marked(source: Spec, filtered: str) -> list[Spec]:
    """Return the line of the published family to mark, with its name at its costliest net."""
    chosen = [{"filter": f"{filtered} && datum.family === family"}]
    last = [
        {"joinaggregate": [{"op": "max", "field": "x", "as": "most"}]},
        {"filter": "datum.x === datum.most"},
    ]
    name = {"type": "text", "align": "right", "dy": -12, "aria": False}
    return [
        {
            **source,
            "transform": chosen,
            "mark": {"type": "line", "style": "marked", "aria": False},
            "encoding": {**_BY_COST},
        },
        *(
            {
                **source,
                "transform": [*chosen, *last],
                "mark": {**name, "style": style},
                "encoding": {"text": {"field": "family"}},
            }
            for style in (["marked-name", "halo"], "marked-name")
        ),
    ]
