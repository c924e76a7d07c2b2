"""How engines look: one colour a runner in every chart, another shape where two share one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bench.analysis.series import View
from bench.reports.colours import COLOURS, engine_colour, engine_rank
from bench.reports.page.charts.parts import Spec
from bench.reports.page.charts.points import engine

# No diamond: that is what was published.
SHAPES = ("circle", "square", "triangle-up", "cross", "triangle-down", "triangle-right")
PUBLISHED = "diamond"


def engine_scales(view: View) -> dict[str, Spec]:
    """Return the scales of colour and of shape over all engines of a report, by their names."""
    names: dict[str, str] = {}
    for series in sorted(view.series, key=lambda one: (engine_rank(one.runner), one.runner)):
        names.setdefault(engine(view, series), series.runner)
    shapes, seen = [], dict[str, int]()
    for runner in names.values():
        colour = engine_colour(runner)
        again = seen[colour] = seen.get(colour, -1) + 1
        shapes.append(SHAPES[(COLOURS.index(colour) + again) % len(SHAPES)])
    return {
        "color": {"domain": list(names), "range": [engine_colour(it) for it in names.values()]},
        "shape": {"domain": list(names), "range": shapes},
    }


def by_engine(scales: dict[str, Spec], *, legend: Any, channels: Iterable[str]) -> dict[str, Spec]:
    """Return the encoding of those channels by the field `engine`, with one legend for all."""
    return {
        channel: {
            "field": "engine",
            "type": "nominal",
            "scale": scales["shape" if channel == "shape" else "color"],
            "legend": legend,
        }
        for channel in channels
    }
