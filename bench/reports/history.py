"""A cell's history as lines for the terminal and as values for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bench.analysis.history import LEAST_RUNS, History, Point
from bench.analysis.verdicts import percent
from bench.core import escape
from bench.core.units import number_of, to_ms, with_interval


def history_text(history: History) -> str:
    """Return a line a run, with what changed before it on lines of its own."""
    return escape.lines(_lines(history))


def history_values(history: History) -> dict[str, Any]:
    """Return every value of `history`, with the index at which each change of level begins."""
    changes = [level.start for level in history.levels[1:]]
    return {**asdict(history), "change_points": changes}


def _lines(history: History) -> Iterator[str]:
    yield history.label
    yield (
        f"{history.heading} ({history.system_id}), preset {history.preset}: mean of the sessions' "
        f"{history.statistic}s, ms"
    )
    width = max(len(point.run_id) for point in history.points)
    figures = [_figure(point) for point in history.points]
    wide = max(map(len, figures))
    for index, (point, figure) in enumerate(zip(history.points, figures, strict=True)):
        step = history.step(index)
        if step is not None:
            yield f"  == the level changes by {percent(step)}"
        yield from (f"  -- {change}" for change in point.changed)
        around = f"{point.around['engine']}, {point.around['harness']}"
        day = point.started[:16].replace("T", " ")
        yield f"  {point.run_id.ljust(width)}  {day}  {figure.ljust(wide)}  {around}"
    if len(history.points) < LEAST_RUNS:
        yield f"  too few runs to find a change of level, which takes {LEAST_RUNS}"
    elif len(history.levels) == 1:
        yield f"  no change of level in {number_of(len(history.points), 'run')}"


def _figure(point: Point) -> str:
    half = None if point.half_width_ns is None else to_ms(point.half_width_ns)
    return f"{with_interval(to_ms(point.value_ns), half)} ({point.sessions})"
