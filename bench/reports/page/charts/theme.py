"""Vega's configuration for the page, by the names of styles.

Its colours are the style sheet's own, by name: an SVG follows the page's theme, and paper, by
itself. Data have the same colours in each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FONT = "system-ui, sans-serif"


def theme(*, ink: str, muted: str, grid: str, paper: str, mark: str) -> Mapping[str, Any]:
    """Return Vega's configuration with these colours."""
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            "labelColor": ink, "titleColor": ink, "gridColor": grid, "domainColor": muted,
            "tickColor": muted, "labelFontSize": 12, "titleFontSize": 13,
            "titleFontWeight": "normal", "labelLimit": 220,
        },
        "legend": {
            "labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12,
            "labelLimit": 360, "titleLimit": 360, "symbolSize": 90, "orient": "bottom",
            "columns": 2, "layout": {"bottom": {"direction": "vertical", "anchor": "start"}},
            "rowPadding": 4, "columnPadding": 16, "symbolStrokeWidth": 1.5,
            "symbolStrokeColor": ink, "symbolBaseFillColor": ink, "symbolBaseStrokeColor": ink,
        },
        "title": {
            "color": ink, "fontSize": 13,
            "anchor": "start", "fontWeight": "normal", "offset": 4,
        },
        "style": {
            "measured": {"stroke": ink, "strokeWidth": 0.8, "size": 80, "opacity": 1},
            "interval": {"color": ink, "strokeWidth": 1.4},
            "contended": {
                "filled": False, "color": ink, "fill": paper, "strokeWidth": 1.6, "size": 80,
                "opacity": 1,
            },
            "front": {"color": ink, "strokeWidth": 2.2},
            "label": {"color": ink, "fontSize": 12, "fontWeight": "bold"},
            "halo": {"stroke": paper, "strokeWidth": 4, "strokeJoin": "round"},
            "marked": {"color": mark, "strokeWidth": 3},
            "marked-name": {"color": mark, "fontSize": 12, "fontWeight": "bold"},
            "message": {"color": ink, "fontSize": 14},
            "counted": {"color": ink},
            "family": {"color": ink, "strokeWidth": 1.2},
            "published": {
                "filled": False, "color": muted, "fill": paper, "strokeWidth": 1.3, "size": 50,
                "opacity": 1,
            },
            "published-line": {"color": muted, "strokeWidth": 0.9},
            "published-front": {"color": muted, "strokeWidth": 1.6, "strokeDash": [5, 3]},
            "band": {"color": muted, "opacity": 0.12},
            "reference": {"color": ink, "strokeDash": [2, 3], "strokeWidth": 1.2},
        },
    }  # fmt: skip


THEME = theme(
    ink="var(--text)", muted="var(--muted)", grid="var(--line)", paper="var(--ground)",
    mark="var(--published)",
)  # fmt: skip
