"""The charts of one cell's samples: histogram, over time, by session. One spec for all cells.

Their data set `cell` is empty: the page's script puts a cell's packed samples there as its one row,
in the form of `bench.reports.page.charts.cell_samples`; Vega-Lite unfolds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.reports.colours import COLOURS
from bench.reports.language import Words
from bench.reports.page.charts.parts import Chart, Spec, spec, tooltip

_STATES: Mapping[str, str] = {
    "quiet": COLOURS[3],
    "slow": COLOURS[0],
    "disturbed": COLOURS[4],
}
_UNFOLD: list[Spec] = [
    {"flatten": ["s", "t", "d", "w", "v", "o"]},
    {"window": [{"op": "row_number", "as": "burst"}]},
    {"flatten": ["v", "o"]},
    {"calculate": "(datum.base + datum.v) * datum.unit", "as": "ms"},
    {"window": [{"op": "row_number", "as": "n"}]},
    {"window": [{"op": "row_number", "as": "of_session"}], "groupby": ["s"]},
    {"window": [{"op": "sum", "field": "ms", "as": "passed"}], "groupby": ["burst"]},
    {"calculate": "isValid(datum.o) && datum.o > 0", "as": "late"},
]


def sample_charts(words: Words) -> list[Chart]:
    """Return the three charts, whose data set `cell` is to be filled."""
    specs = {
        "histogram": _histogram(words),
        "time": _over_time(words),
        "sessions": _by_session(words),
    }
    return [
        Chart(
            key=f"samples-{name}",
            title=words(f"chart.samples.{name}.title"),
            description=words(f"chart.samples.{name}.description"),
            spec={
                **chart,
                "datasets": {"cell": []},
                "data": {"name": "cell"},
                "title": {"text": {"expr": _note(words) + _beyond(words) * (name == "histogram")}},
            },
        )
        for name, chart in specs.items()
    ]


def _beyond(words: Words) -> str:
    """Return the expression for what is added to a note where samples lie beyond the axis."""
    before, between, after = words("chart.samples.beyond", bound="|", count="|").split("|")
    one = "data('cell')[0]"
    text = f"{before!r} + {one}.most + {between!r} + {one}.beyond + {after!r}"
    return f" + (outliers && length(data('cell')) && {one}.beyond ? ' ' + {text} : '')"


def _note(words: Words) -> str:
    """Return the expression for what a chart says where a point is of several samples."""
    before, after = words("chart.samples.thinned", samples="|").split("|")
    several = "length(data('cell')) && data('cell')[0].together > 1"
    return f"({several} ? {before!r} + data('cell')[0].together + {after!r} : ' ')"


def _prepared(words: Words) -> list[Spec]:
    """Return what makes a row a sample of the packed cell, with its state in words."""
    texts = {name: words(f"chart.samples.{name}") for name in _STATES}
    state = f"datum.d ? {texts['disturbed']!r} : datum.w ? {texts['slow']!r} : {texts['quiet']!r}"
    none = words("chart.samples.no_cause")
    cause = f"datum.late ? datum.causes[datum.o - 1] : {none!r}"
    return [
        *_UNFOLD,
        {"calculate": state, "as": "state"},
        {"calculate": cause, "as": "cause"},
        {"filter": "outliers || !datum.late"},
    ]


def _outliers(words: Words, *, bound: bool = False) -> Spec:
    """Return the switch for outliers; one chart has its box, which the script hands on."""
    bind = {"input": "checkbox", "name": words("chart.samples.outliers")}
    return {"name": "outliers", "value": True, **({"bind": bind} if bound else {})}


def _colour(words: Words) -> Spec:
    texts = [words(f"chart.samples.{name}") for name in _STATES]
    return {
        "field": "state", "type": "nominal", "title": None,
        "scale": {"domain": texts, "range": list(_STATES.values())}, "legend": {"columns": 1},
    }  # fmt: skip


def _ms(words: Words, **more: Any) -> Spec:
    return {
        "type": "quantitative", "title": words("chart.samples.axis"),
        "scale": {"zero": False, "nice": False, "padding": 8},
        "axis": {"tickCount": 6, "labelOverlap": True}, **more,
    }  # fmt: skip


def _figure(axis: str) -> list[Spec]:
    """Return the cell's figure as a line across the axis of latencies, and its interval."""
    known = [
        {"filter": "isValid(datum.figure)"},
        {"calculate": "datum.figure[0]", "as": "value"},
        {"calculate": "datum.figure[1]", "as": "low"},
        {"calculate": "datum.figure[2]", "as": "high"},
    ]
    return [
        {
            "transform": known,
            "mark": {"type": "rect", "style": "band", "aria": False},
            "encoding": {
                axis: {"field": "low", "type": "quantitative"}, f"{axis}2": {"field": "high"},
            },
        },
        {
            "transform": known,
            "mark": {"type": "rule", "style": "reference", "aria": False},
            "encoding": {axis: {"field": "value", "type": "quantitative"}},
        },
    ]  # fmt: skip


def _histogram(words: Words) -> Spec:
    bars = {
        "transform": [
            *_prepared(words),
            {
                "calculate": "max(datum.base * datum.unit / 50, (datum.most - datum.least) / 40)",
                "as": "step",
            },
            {"calculate": "min(datum.ms, datum.most)", "as": "within"},
            {"calculate": "floor(datum.within / datum.step) * datum.step", "as": "from"},
            {"calculate": "datum.from + datum.step", "as": "to"},
            {"aggregate": [{"op": "count", "as": "samples"}], "groupby": ["from", "to", "state"]},
        ],
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {
            "x": _ms(words, field="from", bin="binned"), "x2": {"field": "to"},
            "y": {
                "field": "samples", "type": "quantitative", "title": words("chart.samples.count"),
            },
            "color": _colour(words),
            "tooltip": tooltip(words, "state", "samples"),
        },
    }  # fmt: skip
    return spec(height=200, params=[_outliers(words, bound=True)], layer=[bars, *_figure("x")])


def _over_time(words: Words) -> Spec:
    n = {
        "field": "n", "type": "quantitative", "title": words("chart.samples.order"),
        "scale": {"nice": False},
    }  # fmt: skip
    at = "isValid(datum.t) ? format(datum.t + (datum.passed - datum.ms) / 1000, '.2f') : '?'"
    bands = {
        "transform": [
            *_UNFOLD,
            {
                "aggregate": [
                    {"op": "min", "field": "n", "as": "from"},
                    {"op": "max", "field": "n", "as": "to"},
                ],
                "groupby": ["s"],
            },
            {"filter": "datum.s % 2 === 0"},
        ],
        "mark": {"type": "rect", "style": "band", "aria": False},
        "encoding": {"x": n | {"field": "from"}, "x2": {"field": "to"}},
    }
    points = {
        "transform": [*_prepared(words), {"calculate": at, "as": "at_s"}],
        "mark": {"type": "point", "filled": True, "opacity": 0.8, "aria": False},
        "encoding": {
            "x": n, "y": _ms(words, field="ms"), "color": _colour(words),
            "shape": {
                "field": "late", "type": "nominal", "title": None,
                "scale": {"domain": [False, True], "range": ["circle", "triangle-up"]},
                "legend": {"labelExpr": _late(words)},
            },
            "size": {"condition": {"test": "datum.late", "value": 60}, "value": 14},
            "tooltip": tooltip(words, "ms", "s", "of_session", "at_s", "state", "cause"),
        },
    }  # fmt: skip
    return spec(height=240, params=[_outliers(words)], layer=[bands, points, *_figure("y")])


def _late(words: Words) -> str:
    yes, no = words("chart.samples.outlier"), words("chart.samples.sample")
    return f"datum.value ? {yes!r} : {no!r}"


def _by_session(words: Words) -> Spec:
    y = {"field": "s", "type": "ordinal", "title": words("chart.samples.session")}
    boxes = {
        "transform": [*_prepared(words)],
        "mark": {
            "type": "boxplot", "extent": 1.5, "size": 9, "color": COLOURS[1],
            "outliers": {"size": 8, "color": COLOURS[1], "opacity": 0.6, "aria": False},
            "median": {"color": COLOURS[3], "strokeWidth": 2},
        },
        "encoding": {"x": _ms(words, field="ms"), "y": y},
    }  # fmt: skip
    own = {
        "transform": [
            {"flatten": ["middles"]},
            {"window": [{"op": "row_number", "as": "s"}]},
        ],
        "mark": {"type": "point", "style": "measured", "filled": True, "color": COLOURS[0]},
        "encoding": {
            "x": _ms(words, field="middles"), "y": y, "tooltip": tooltip(words, "s", "middles"),
        },
    }  # fmt: skip
    return spec(height=170, params=[_outliers(words)], layer=[*_figure("x"), boxes, own])
