"""Engines side by side: latency and ratio to the fastest of each net, with intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from bench.analysis import side_by_side as tables
from bench.analysis.series import View
from bench.analysis.side_by_side import SideBySide
from bench.analysis.turns import Race, Ratio
from bench.core.units import significant
from bench.reports.language import Words
from bench.reports.page.charts import points
from bench.reports.page.charts.looks import by_engine, engine_scales
from bench.reports.page.charts.parts import Chart, Row, Spec, shown, spec, switch, tooltip
from bench.reports.tables import titles

_STEP = 13
_MOST_HEIGHT = 3000
_NETS = {"labelLimit": 180, "grid": True, "tickBand": "extent"}
_INTERVAL = {"type": "rule", "style": "interval", "aria": False}
_POINT = {"type": "point", "style": "measured", "filled": True, "cursor": "pointer"}
_RING = {
    "type": "point", "size": 240, "filled": False, "style": "reference", "shape": "circle",
    "aria": False,
}  # fmt: skip
_FIELDS = ("net", "engine", "figure", "interval", "ratio_text", "grade", "versions", "cell")


def engine_charts(view: View, words: Words, figures: points.Figures) -> list[Chart]:
    """Return latency by engine, and the ratios where cells took turns; none without two engines."""
    rows = [
        row
        for table in tables.side_by_side(view)
        for variant in table.rows
        for row in _rows(words, figures, table, variant)
    ]
    raced = [row for row in rows if "ratio" in row]
    charts = {
        "engines": _chart(view, words, rows, "engines", ("ms", "low", "high")),
        "ratios": _chart(view, words, raced, "ratios", ("ratio", "ratio_low", "ratio_high")),
    }
    return [
        Chart(
            key=f"by-engine-{name}",
            title=words(f"chart.{name}.title"),
            description=words(f"chart.{name}.description"),
            spec=chart,
        )
        for name, chart in charts.items()
        if chart is not None
    ]


def _rows(words: Words, figures: points.Figures, table: SideBySide, variant: str) -> Iterator[Row]:
    """Yield the figures of a net with their table and their ratio to the fastest."""
    for index, box in enumerate(table.rows[variant]):
        if box is not None and box.estimate is not None:
            best = str(table.fastest[variant] == index)
            of_table = {"table": shown(titles.side_by_side(table, words)), "best": best}
            ratio = _ratio(words, table.races[variant], index)
            yield {**figures[box.run_id, box.cell_id], **of_table, **ratio}


def _ratio(words: Words, race: Race | None, index: int) -> Row:
    """Return a figure's ratio to its row's fastest, nothing where the two didn't take turns."""
    if race is None:
        return {"ratio_text": words("chart.no_ratio")}
    if index == race.first:
        text = words("chart.ratio_first")
        return {"ratio": 1.0, "ratio_low": 1.0, "ratio_high": 1.0, "ratio_text": text}
    ratio = race.ratios[index]
    if ratio is None:
        return {"ratio_text": words("chart.no_ratio")}
    return {
        "ratio": points.rounded(ratio.value),
        "ratio_low": points.rounded(ratio.low),
        "ratio_high": points.rounded(ratio.high),
        "ratio_text": _text(words, ratio),
    }


def _text(words: Words, ratio: Ratio) -> str:
    value, low, high = (significant(it, 4) for it in (ratio.value, ratio.low, ratio.high))
    return words("chart.ratio", value=value, low=low, high=high, sessions=ratio.sessions)


def _chart(
    view: View, words: Words, rows: list[Row], name: str, fields: tuple[str, str, str]
) -> Spec | None:
    """Return a chart of one value with its interval, a line a net and engine; None without rows."""
    if not rows:
        return None
    value, low, high = fields
    nets = list(dict.fromkeys(str(row["net"]) for row in rows))
    most = max(Counter(str(row["table"]) for row in rows).values()) + len(nets)
    scales = engine_scales(view)
    legend = {"title": words("chart.legend.engines"), "columns": 1}
    x: dict[str, Any] = {
        "field": value, "type": "quantitative", "title": words(f"chart.{name}.axis"),
        "scale": {"type": "log", "nice": False, "padding": 12},
        "axis": {"format": "~r", "tickCount": 6},
    }  # fmt: skip
    looks = by_engine(scales, legend=legend, channels=("shape", "fill"))
    return spec(
        height=min(_STEP * most, _MOST_HEIGHT),
        data={"values": rows},
        params=switch("table", words("chart.switch.table"), [str(row["table"]) for row in rows]),
        transform=[{"filter": "datum.table === table"}],
        encoding={
            "y": {"field": "net", "type": "nominal", "title": None, "sort": nets, "axis": _NETS},
            "yOffset": {"field": "engine", "sort": scales["color"]["domain"]},
        },
        layer=[
            {"mark": _INTERVAL, "encoding": {"x": {**x, "field": low}, "x2": {"field": high}}},
            {"mark": _POINT, "encoding": {**looks, "x": x, "tooltip": tooltip(words, *_FIELDS)}},
            {
                "transform": [{"filter": "datum.best === 'True'"}],
                "mark": _RING,
                "encoding": {"x": x},
            },
        ],
    )
