"""Accuracy against latency and against each cost: families as lines, Pareto fronts, switches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from bench.analysis.series import View
from bench.reports.language import Words
from bench.reports.page.charts import points
from bench.reports.page.charts.layers import measured_layers, published_layers
from bench.reports.page.charts.looks import engine_scales
from bench.reports.page.charts.parts import Chart, Row, Spec, spec, switch

_SWITCHES = ("system", "suite", "precision", "batch", "threads")


def accuracy_charts(view: View, words: Words, figures: points.Figures) -> list[Chart]:
    """Return top-1 against latency and against each cost that there are points of."""
    charts = [_latency(view, words, figures), *(_cost(view, words, cost) for cost in points.COSTS)]
    remark = _unplaced(view, words)
    return [replace(chart, remark=remark) for chart in charts if chart is not None]


def _unplaced(view: View, words: Words) -> str:
    """Return what names the nets that no chart has, for their accuracy isn't known."""
    nets = [points.net(view, words, variant) for variant in view.models]
    names = [str(row["net"]) for row in nets if "top1" not in row]
    return words("chart.unplaced", nets=", ".join(names)) if names else ""


def _latency(view: View, words: Words, figures: points.Figures) -> Chart | None:
    rows = [{**row, "x": row["ms"]} for row in figures.values() if "top1" in row]
    beside = points.published_latencies(view)
    if not rows:
        return None
    chosen = " && ".join(f"datum.{name} === {name}" for name in _SWITCHES)
    layers = measured_layers(
        words,
        filtered=f"{chosen} && (engine === '' || datum.engine === engine)",
        detail=["family", "engine"],
        looks=engine_scales(view),
        contended=any("contended" in row for row in rows),
        fields=(
            "net", "figure", "interval", "grade", "top1", "source", "engine", "versions", "system",
            "suite", "precision", "batch", "threads", "cell",
        ),
    )  # fmt: skip
    return Chart(
        key="top1-latency",
        title=words("chart.latency.title"),
        description=words("chart.latency.description"),
        cells=[str(row["cell"]) for row in rows if _setting(row) == _setting(_first(rows))],
        spec=_plot(
            words, rows, beside, words("chart.latency.axis"), layers,
            params=[
                *_latency_switches(words, rows),
                *_published_switches(view, words, rows, beside),
                {"name": "engines", "expr": _engines(rows)},
            ],
            chosen=f"length(engines) && datum.hardware === beside && {_alike('datum.setting')}",
            note=_note(words, beside),
        ),
    )  # fmt: skip


def _cost(view: View, words: Words, cost: str) -> Chart | None:
    rows, beside = points.costs(view, words, cost), list(points.published(view, points.COSTS[cost]))
    if not rows:
        return None
    layers = measured_layers(
        words, filtered="true", detail=["family"], looks=None,
        fields=("net", "family", "figure", "top1", "source"),
    )  # fmt: skip
    return Chart(
        key=f"top1-{cost}",
        title=words(f"chart.{cost}.title"),
        description=words(f"chart.{cost}.description"),
        spec=_plot(
            words, rows, beside, words(f"chart.{cost}.axis"), layers,
            params=_family_switch(words, beside), chosen="true", note="''",
        ),
    )  # fmt: skip


def _latency_switches(words: Words, rows: Sequence[Row]) -> list[Spec]:
    """Return the switches of what was measured."""
    first = _first(rows)
    switches = [
        one
        for name in _SWITCHES
        for one in switch(
            name, words(f"chart.switch.{name}"), _options(rows, name), start=str(first[name])
        )
    ]
    engines, every = _options(rows, "engine"), words("chart.all")
    bind = {"input": "checkbox", "name": words("chart.switch.intervals")}
    return [
        *switches,
        *switch("engine", words("chart.switch.engine"), engines, every=every),
        {"name": "intervals", "value": True, "bind": bind},
    ]


def _options(rows: Sequence[Row], name: str) -> list[str]:
    """Return the values of a field in their order: numbers by size, others as they come."""
    values = dict.fromkeys(str(row[name]) for row in rows)
    return sorted(values, key=int) if name in ("batch", "threads") else list(values)


def _first(rows: Sequence[Row]) -> Row:
    """Return whose setting the switches show at first: most sessions are behind it."""
    return max(rows, key=lambda row: int(str(row["sessions"])))


def _setting(row: Row) -> list[str]:
    return [str(row[name]) for name in _SWITCHES]


def _published_switches(
    view: View, words: Words, rows: Sequence[Row], beside: Sequence[Row]
) -> list[Spec]:
    options, none = [str(row["hardware"]) for row in beside], words("chart.none")
    start = points.published_start(view, str(_first(rows)["system"]), words)
    label = words("chart.switch.published")
    return [
        *switch("beside", label, options, start=start, every=none),
        *_family_switch(words, beside),
    ]


def _engines(rows: Sequence[Row]) -> str:
    """Return the expression for the engines that have a figure at what the switches choose."""
    engines: dict[str, list[str]] = {}
    for row in rows:
        here = engines.setdefault("\n".join(_setting(row)), [])
        if str(row["engine"]) not in here:
            here.append(str(row["engine"]))
    known = f"({json.dumps(engines, ensure_ascii=False)})[join([{', '.join(_SWITCHES)}], '\\n')]"
    return f"engine === '' ? {known} || [] : indexof({known} || [], engine) < 0 ? [] : [engine]"


def _alike(setting: str) -> str:
    """Return the expression for whether a published setting is the one that is chosen."""
    return f"({setting} === 'bs=' + batch || {setting} === 'bs=' + batch + ', thread=' + threads)"


def _note(words: Words, beside: Sequence[Row]) -> str:
    """Return the expression for what says why nothing published is drawn though it is chosen."""
    settings = json.dumps({str(row["hardware"]): row["setting"] for row in beside})
    unlike = json.dumps(words("chart.unlike"), ensure_ascii=False)
    return (
        f"length(engines) && beside !== '' && !{_alike(f'({settings})[beside]')} ? {unlike} : ' '"
    )


def _family_switch(words: Words, beside: Sequence[Row]) -> list[Spec]:
    families = [str(row["family"]) for row in beside]
    return switch("family", words("chart.switch.family"), families, every=words("chart.none"))


def _plot(
    words: Words, rows: Sequence[Row], beside: Sequence[Row], title: str, layers: list[Spec],
    *, params: list[Spec], chosen: str, note: str,
) -> Spec:  # fmt: skip
    """Return both layers on the same axes, each with legends of its own; `note` stands above."""
    axes = {
        "x": {
            "field": "x", "type": "quantitative", "title": title,
            "scale": {"type": "log", "nice": False, "padding": 26},
            "axis": {"format": "~r", "tickCount": 6},
        },
        "y": {
            "field": "top1", "type": "quantitative", "title": words("chart.top1.axis"),
            "scale": {"zero": False, "padding": 16},
        },
    }  # fmt: skip
    apart = dict.fromkeys(("color", "fill", "shape", "strokeDash"), "independent")
    return spec(
        title={"text": {"expr": note}},
        params=params,
        datasets={"measured": list(rows), "published": list(beside)},
        encoding=axes,
        layer=[*published_layers(words, chosen), *layers],
        resolve={"scale": apart, "legend": apart},
    )
