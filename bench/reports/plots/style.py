"""How things look: the settings of a sheet, the measured points, one style a published family."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.patheffects import withStroke

from bench.reports.colours import COLOURS

WIDTH, EDGE = 720.0, 8.0  # of a sheet, in points
TITLE_SIZE, PANEL_TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 12.0, 10.0, 9.0, 8.0
FONT = "DejaVu Sans"  # matplotlib brings it along
INK, GREY, SILVER, PALE = "#111111", "#555555", "#7d7d7d", "#e6e6e6"

EMPHASISED = "ShuffleNetV2"
DISTILLED = "_ssld"
MARKERS = ("s", "^", "D", "v", "P", "X", "p", "<", "h", ">")
THIN_MARKERS = ("P", "X")
DASHES = ((6, 1.5), (3, 1.5), (6, 1.5, 1, 1.5), (9, 2, 3, 2), (13, 2), (3, 1, 1, 1, 1, 1))

MEASURED: dict[str, Any] = {
    "color": INK,
    "linestyle": "none",
    "marker": "o",
    "markersize": 7,
    "markeredgecolor": "white",
    "markeredgewidth": 0.8,
}
INTERVAL: dict[str, Any] = {
    "color": INK,
    "linewidth": 1.4,
    "marker": "|",
    "markersize": 10,  # beyond the point's own marker, so that a narrow interval shows too
    "markeredgewidth": 1.2,
}
# Of more points than can be named: small, and their intervals behind them.
CROWDED: dict[str, Any] = {**MEASURED, "markersize": 5, "markeredgewidth": 0.6}
CROWDED_INTERVAL: dict[str, Any] = {
    "color": "#8c8c8c",
    "linewidth": 0.8,
    "marker": "|",
    "markersize": 5,
    "markeredgewidth": 0.8,
}
LABEL_SIZES = (8.5, 7.0)  # of few and of many points
FRONT_MEASURED: dict[str, Any] = {"color": INK, "linewidth": 1.2}
FRONT_PUBLISHED: dict[str, Any] = {"color": INK, "linewidth": 1.2, "linestyle": (0, (4, 2))}
LABEL: dict[str, Any] = {
    "color": INK,
    "fontweight": "bold",
    "ha": "center",
    "va": "center",
    "path_effects": [withStroke(linewidth=2, foreground="white")],
}
LEADER: dict[str, Any] = {"color": GREY, "linewidth": 0.6, "arrowstyle": "-"}

# They stand on top of matplotlib's defaults, whatever a person's own matplotlibrc says.
SETTINGS: dict[str, Any] = {
    "font.family": [FONT],
    "font.size": TEXT_SIZE,
    "figure.dpi": 72,  # a pixel is a point until the sheet is saved
    "figure.figsize": (WIDTH / 72, 6.5),
    "figure.constrained_layout.h_pad": EDGE / 72,
    "figure.constrained_layout.w_pad": EDGE / 72,
    "figure.titlesize": TITLE_SIZE,
    "figure.titleweight": "bold",
    "axes.titlesize": PANEL_TITLE_SIZE,
    "axes.titlelocation": "left",
    "axes.labelsize": TEXT_SIZE,
    "xtick.labelsize": TEXT_SIZE,
    "ytick.labelsize": TEXT_SIZE,
    "legend.fontsize": SMALL_SIZE,
    "legend.title_fontsize": SMALL_SIZE,
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.borderaxespad": EDGE / SMALL_SIZE,
    "legend.handlelength": 3.6,
    "legend.labelspacing": 0.35,
    "text.parse_math": False,
    "text.hinting": "none",  # so that a line of text is equally long in the SVG and in the PNG
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": PALE,
    "grid.linewidth": 0.7,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a family is drawn."""

    colour: str
    marker: str
    dash: tuple[float, ...]
    filled: bool = True
    width: float = 0.9
    size: float = 5.0

    @property
    def line(self) -> dict[str, Any]:
        """The keyword arguments of a Line2D."""
        return {
            "color": self.colour,
            "linewidth": self.width,
            "linestyle": (0, self.dash) if self.dash else "solid",
            "marker": self.marker,
            "markersize": self.size,
            "markerfacecolor": self.colour if self.filled else "white",
            "markeredgewidth": self.width,
        }


def family_styles(families: Iterable[str]) -> dict[str, Style]:
    """Give each family a look, in the order of appearance.

    A family that ends in `_ssld` (nets of its base, trained by distillation) takes the colour and
    the marker of its base, hollow and dotted.
    """
    names = list(dict.fromkeys(families))
    bases = dict.fromkeys(name.removesuffix(DISTILLED) for name in names)
    looks = {EMPHASISED: Style(colour=SILVER, marker="o", dash=(), filled=False, width=1.8)}
    for index, base in enumerate(base for base in bases if base != EMPHASISED):
        looks[base] = Style(
            colour=COLOURS[index % len(COLOURS)],
            marker=MARKERS[index % len(MARKERS)],
            dash=DASHES[index % len(DASHES)],
            size=6.0 if MARKERS[index % len(MARKERS)] in THIN_MARKERS else 5.0,
        )
    for base in bases:
        looks[base + DISTILLED] = replace(looks[base], filled=False, dash=(1, 1.5))
    return {name: looks[name] for name in names}
