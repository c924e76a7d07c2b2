"""Where the parts of a sheet go: title, panels, legend and caption, from the top down.

All lengths are points (1/72 inch), from the sheet's lower left corner.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.reports.plots.figure import Figure
from bench.reports.plots.labels import Box

WIDTH, MIN_HEIGHT, MIN_AXES_HEIGHT = 720.0, 468.0, 270.0
LEFT, RIGHT, BETWEEN, EDGE, X_AXIS_HEIGHT = 48.0, 14.0, 20.0, 10.0, 36.0
TITLE_SIZE, PANEL_TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 12.0, 10.0, 9.0, 8.0
LEADING = 1.35
HEAD_GAP = 5.0
# A legend's column is a handle and gaps wider than its longest name; in multiples of its size.
HANDLE_EM, COLUMN_EM = 3.6, 6.6

Width = Callable[[str, float, str], float]
"""The width in points of a text at a size in points and a weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines of text whose upper left corner is at (x, top)."""

    x: float
    top: float
    lines: list[str]
    size: float
    weight: str = "normal"

    @property
    def height(self) -> float:
        return len(self.lines) * self.size * LEADING


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The sheet's height, one area a panel, the texts around them, and the legend's place."""

    height: float
    areas: list[Box]
    texts: list[Block]
    legend_top: float
    legend_columns: int

    def fractions(self, area: Box) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of `area` as parts of the sheet."""
        wide, high = area.right - area.left, area.top - area.bottom
        return area.left / WIDTH, area.bottom / self.height, wide / WIDTH, high / self.height


def wrap(text: str, limit: float, *, size: float, weight: str, width: Width) -> list[str]:
    """Break `text` between words into lines no wider than `limit`; a longer word stands alone."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, weight) <= limit:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def lay_out(figure: Figure, legend: Sequence[str], width: Width) -> Layout:
    """Stack the parts; a long caption or legend makes the sheet higher, not the axes too low."""
    inner = WIDTH - 2 * EDGE
    longest = max(width(name, SMALL_SIZE, "normal") for name in legend)
    columns = max(int(inner / (longest + COLUMN_EM * SMALL_SIZE)), 1)
    rows = math.ceil(len(legend) / columns)
    caption = _block(figure.caption, inner, x=EDGE, size=SMALL_SIZE, width=width)
    title = _block(figure.title, inner, x=EDGE, size=TITLE_SIZE, width=width, weight="bold")
    heads = _heads(figure, width)

    caption_top = EDGE + caption.height
    legend_top = caption_top + EDGE + rows * SMALL_SIZE * LEADING
    bottom = legend_top + EDGE + X_AXIS_HEIGHT
    head_height = max(head.height for head in heads)
    above = EDGE + title.height + HEAD_GAP + head_height + HEAD_GAP
    height = max(MIN_HEIGHT, bottom + MIN_AXES_HEIGHT + above)
    top = height - above
    wide = _panel_width(figure)
    return Layout(
        height=height,
        areas=[Box(head.x, bottom, head.x + wide, top) for head in heads],
        texts=[
            _at(title, height - EDGE),
            *(_at(head, top + HEAD_GAP + head_height) for head in heads),
            _at(caption, caption_top),
        ],
        legend_top=legend_top,
        legend_columns=columns,
    )


def _panel_width(figure: Figure) -> float:
    count = len(figure.panels)
    return (WIDTH - LEFT - RIGHT - BETWEEN * (count - 1)) / count


def _heads(figure: Figure, width: Width) -> list[Block]:
    wide = _panel_width(figure)
    return [
        _block(
            panel.title, wide, x=LEFT + index * (wide + BETWEEN), size=PANEL_TITLE_SIZE, width=width
        )
        for index, panel in enumerate(figure.panels)
    ]


def _block(
    text: str, limit: float, *, x: float, size: float, width: Width, weight: str = "normal"
) -> Block:
    lines = wrap(text, limit, size=size, weight=weight, width=width)
    return Block(x=x, top=0, lines=lines, size=size, weight=weight)


def _at(block: Block, top: float) -> Block:
    return dataclasses.replace(block, top=top)
