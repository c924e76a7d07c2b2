"""The cells' ratios with their intervals in plain characters, for where no picture can go."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.analysis.verdicts import CellVerdict, percent
from bench.core import escape

WIDTH = 41
LEAST_SPAN, MOST_SPAN = 0.06, 1.0
_HALF = WIDTH // 2


def drawn(cells: Sequence[CellVerdict]) -> str:
    """Return a line a judged cell, BASE in the middle and slower to the right; '' without one.

    The axis is logarithmic. An interval that leaves it ends in an arrow.
    """
    judged = [one for one in cells if one.ratio is not None]
    if not judged:
        return ""
    span = _span(judged)
    width = max(len(one.label) for one in judged)
    ends = (percent(math.exp(-span)), "0", percent(math.exp(span)))
    gap = " " * (_HALF - len(ends[0]))
    axis = f"{ends[0]}{gap}{ends[1]}{ends[2].rjust(_HALF)}"
    lines = [f"{one.label.ljust(width)}  {_line(one, span)}  {one.verdict}" for one in judged]
    return escape.lines([f"{' ' * width}  {axis}", *lines])


def _span(cells: Sequence[CellVerdict]) -> float:
    """Return what the axis reaches either way, in logarithms."""
    ends = [abs(math.log(end)) for one in cells for end in (one.low, one.high) if end]
    return min(max([math.log1p(LEAST_SPAN), *ends]), MOST_SPAN)


def _line(one: CellVerdict, span: float) -> str:
    assert one.ratio is not None  # noqa: S101 - the caller draws judged cells alone
    assert one.low is not None  # noqa: S101
    assert one.high is not None  # noqa: S101
    low, middle, high = (_column(value, span) for value in (one.low, one.ratio, one.high))
    signs = [" "] * WIDTH
    signs[_HALF] = "│"
    first, last = (min(max(end, 0), WIDTH - 1) for end in (low, high))
    signs[first : last + 1] = "─" * (last + 1 - first)
    if low < 0:
        signs[0] = "◂"
    if high >= WIDTH:
        signs[-1] = "▸"
    if 0 <= middle < WIDTH:
        signs[middle] = "●"
    return "".join(signs)


def _column(ratio: float, span: float) -> int:
    return _HALF + round(math.log(ratio) / span * _HALF)
