"""Where a run's variance comes from: iteration, session, round. Pure.

The logarithm of each session's median is taken as cell + round + session: a two-way layout without
replication, its components by the method of moments (Searle, Casella and McCulloch, Variance
Components, ch. 4). A round is what all cells of it have in common: drift of the machine. Iteration
is the spread of samples within a session. All are standard deviations relative to the latency.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

Samples = Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """Relative standard deviations (0.01 is 1%), and how many of each there were."""

    iteration: float
    session: float
    round: float
    cells: int
    rounds: int
    samples: int

    @property
    def advice(self) -> str:
        """What follows for whoever wants a narrower interval, by the key of its text."""
        within = self.iteration**2 / self.samples
        if self.round > self.session and self.round**2 > within:
            return "drifts"
        if self.session**2 > within:
            return "sessions_differ"
        return "samples_differ"


def components(cells: Mapping[str, Mapping[int, Samples]]) -> Components | None:
    """Return the components over `cells`: samples (ns) by round, by cell.

    Only the rounds that every cell has count, so that the layout is balanced; None for fewer than
    three of those, or fewer than two cells: too little to advise anyone by.
    """
    common = set.intersection(*(set(rounds) for rounds in cells.values())) if cells else set()
    if len(cells) < 2 or len(common) < 3:
        return None
    rounds = sorted(common)
    table = [[math.log(median(by[r])) for r in rounds] for by in cells.values()]
    between_rounds, residual = _mean_squares(table)
    sessions = [by_round[r] for by_round in cells.values() for r in rounds]
    return Components(
        iteration=math.sqrt(fmean(_log_variance(samples) for samples in sessions)),
        session=math.sqrt(residual),
        round=math.sqrt(max(0.0, (between_rounds - residual) / len(table))),
        cells=len(table),
        rounds=len(rounds),
        samples=round(median(len(samples) for samples in sessions)),
    )


def _mean_squares(table: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Return the mean squares of rounds (columns) and of the residual."""
    rows, columns = len(table), len(table[0])
    row_means = [fmean(row) for row in table]
    column_means = [fmean(row[c] for row in table) for c in range(columns)]
    grand = fmean(row_means)
    between = rows * sum((mean - grand) ** 2 for mean in column_means) / (columns - 1)
    residual = sum(
        (table[r][c] - row_means[r] - column_means[c] + grand) ** 2
        for r in range(rows)
        for c in range(columns)
    ) / ((rows - 1) * (columns - 1))
    return between, residual


def _log_variance(samples: Samples) -> float:
    import numpy as np

    values = np.asarray(samples, dtype=np.float64)
    values = values[values > 0]
    return float(np.log(values).var(ddof=1)) if len(values) > 1 else 0.0
