"""How far the repeated sessions of a system spread, so that a bad device of several shows. Pure.

The spread of a cell is the standard deviation of the logarithms of its sessions' medians: 0.01 is
1%. A system's is the median over its cells, since a cell may have two modes of its own. Systems are
held against each other on the cells that several of them measured, each cell's spread over the
median of the others' there. A system is unsteady where those ratios are above 1 by Wilcoxon's
signed-rank test, one-sided, at 5% over all systems (Bonferroni), and at least MUCH in the median.
Five sessions tell one cell's spread to a third or so: it takes many cells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, stdev

from bench.analysis import naming
from bench.analysis.boxes import Box
from bench.analysis.contention import counted_ns
from bench.analysis.series import Column, Series, View
from bench.storage.schema.common import System

MUCH = 1.5
LEVEL = 0.05
_LEAST_SESSIONS = 3

Work = tuple[str, ...]
"""What has to agree for systems to stand side by side; an engine's version need not."""

_Spreads = Mapping[tuple[Work, str, Column], float]
"""The spread of each cell of a system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """A system's spread over `cells`, and that of the figures of repeated runs, both relative.

    `worst` is the variant with the largest spread. `ratio` is the median over the `shared` cells of
    its spread over the other systems', None where none has the same cells; `unsteady` None where
    these are too few to tell.
    """

    system: System
    cells: int
    spread: float
    worst: str
    worst_spread: float
    runs: float | None
    repeated: int
    shared: int
    ratio: float | None
    unsteady: bool | None


def by_work(view: View) -> dict[Work, list[Series]]:
    """Return the measured series by what they did; emulated systems stay out."""
    groups: dict[Work, list[Series]] = {}
    for series in view.series:
        if not series.system.emulated:
            groups.setdefault(work(series), []).append(series)
    return groups


def work(series: Series) -> Work:
    """Return what a series did, without where."""
    parts = (series.runner, naming.settings(series), series.precision, series.weights)
    return (*parts, series.suite, series.preset, series.statistic)


def stability(view: View) -> list[Stability]:
    """Return the stability of each system that has a cell of three sessions, in the view's order.

    A session counts with what of it counts in its figure.
    """
    systems: dict[str, System] = {}
    spreads: dict[str, dict[tuple[Work, str, Column], float]] = {}
    repeated: dict[str, list[float]] = {}
    for of, group in by_work(view).items():
        for series in group:
            own = series.system.system_id
            systems[own] = series.system
            for variant, column, box in _boxes(series):
                between = _between_runs(box)
                repeated.setdefault(own, []).extend([] if between is None else [between])
                spread = _spread(view, box)
                if spread is not None:
                    spreads.setdefault(own, {})[of, variant, column] = spread
    ratios = {own: _ratios(spreads, own) for own in spreads}
    level = LEVEL / max(1, sum(bool(found) for found in ratios.values()))
    return [
        _stability(systems[own], cells, repeated[own], ratios[own], level)
        for own, cells in spreads.items()
    ]


def _boxes(series: Series) -> list[tuple[str, Column, Box]]:
    return [
        (variant, column, box)
        for variant, row in series.boxes.items()
        for column, box in row.items()
        if box.estimate is not None
    ]


def _spread(view: View, box: Box) -> float | None:
    """Return the spread of a cell's sessions, None for fewer than three."""
    record = view.records.get((box.run_id, box.cell_id))
    sessions = [] if record is None else [counted_ns(session) for session in record.sessions]
    medians = [median(samples) for samples in sessions if samples]
    if len(medians) < _LEAST_SESSIONS:
        return None
    return stdev(map(math.log, medians))


def _between_runs(box: Box) -> float | None:
    """Return how far the figures of a cell's runs lie apart, None where it has one."""
    figures = [box.estimate, *(older.estimate for older in box.older)]
    values = [math.log(figure.value_ns) for figure in figures if figure is not None]
    return stdev(values) if len(values) > 1 else None


def _ratios(spreads: Mapping[str, _Spreads], own: str) -> list[float]:
    """Return a system's spreads over the median of the others' in the cells that they share."""
    found = []
    for cell, spread in spreads[own].items():
        others = [by[cell] for of, by in spreads.items() if of != own and cell in by]
        if others and median(others) > 0 and spread > 0:
            found.append(spread / median(others))
    return found


def _stability(
    system: System,
    cells: _Spreads,
    repeated: Sequence[float],
    ratios: Sequence[float],
    level: float,
) -> Stability:
    worst = max(cells, key=lambda cell: cells[cell])
    ratio = median(ratios) if ratios else None
    return Stability(
        system=system,
        cells=len(cells),
        spread=median(cells.values()),
        worst=worst[1],
        worst_spread=cells[worst],
        runs=median(repeated) if repeated else None,
        repeated=len(repeated),
        shared=len(ratios),
        ratio=ratio,
        unsteady=_unsteady(ratios, level),
    )


def _unsteady(ratios: Sequence[float], level: float) -> bool | None:
    """Tell whether a system spreads more than others; None: no outcome could have shown it."""
    if not ratios or 0.5 ** len(ratios) >= level:
        return None
    if median(ratios) < MUCH:
        return False
    from scipy.stats import wilcoxon  # which takes half a second to load

    chance = float(wilcoxon(list(map(math.log, ratios)), alternative="greater").pvalue)
    return chance < level
