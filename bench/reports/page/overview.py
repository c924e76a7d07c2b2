"""The page's first lines: what was measured, how it went, and how far it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bench.analysis.boxes import Box
from bench.analysis.series import View
from bench.analysis.time_use import time_use
from bench.core.units import NS_PER_S, duration
from bench.reports.language import Words

GRADES = ("A", "B", "C", "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Figures with their names, and how many cells have each grade."""

    figures: list[tuple[str, str]]
    grades: list[tuple[str, int]]


def boxes(view: View) -> Iterable[Box]:
    """Yield every box that the report shows, in its order."""
    for series in (*view.series, *view.sustained):
        for row in series.boxes.values():
            yield from row.values()


def overview(view: View, words: Words) -> Overview:
    """Return the figures of all cells that the report shows."""
    shown = list(boxes(view))
    outcomes = Counter(box.outcome.kind for box in shown if box.outcome is not None)
    sessions = [session for record in view.records.values() for session in record.sessions]
    use = time_use(sessions)
    figures = {
        "systems": len({series.system.system_id for series in view.series}),
        "models": len(view.models),
        "engines": len({series.engine or series.runner for series in view.series}),
        "measured": len(shown) - outcomes.total(),
        "failed": outcomes["failed"],
        "skipped": outcomes["skipped"],
        "samples": f"{sum(len(session.samples_ns) for session in sessions):,}",
        "time": duration(use.wall_ns / NS_PER_S) if use is not None else "",
    }
    grades = Counter(box.grade for box in shown)
    return Overview(
        figures=[(words(f"page.overview.{name}"), str(it)) for name, it in figures.items() if it],
        grades=[(grade, grades[grade]) for grade in GRADES if grades[grade]],
    )
