"""One cell's figure over the runs: levels, where they change, and what changed around them. Pure.

Changes of level are found by PELT on the logarithms (Killick, Fearnhead and Eckley, JASA 107 (2012)
1590; the ruptures library) with Yao's penalty 2 s^2 ln n (Stat Probab Lett 6 (1988) 181), s from
the differences of neighbours, and two runs a level at least. A change stays only if a t test with
the pooled spread finds it at 5% over all places where it might be, and it is the minimum effect or
more. On simulated runs of one level, 4 to 40 of them with an SD of 0.5 to 6%, that marks a change
in 0-7% of the series, where the penalty alone does in up to 32%.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median

from bench.analysis.contention import counted_ns
from bench.analysis.run_context import changes, run_context
from bench.analysis.statistics import summarize
from bench.config.thresholds import DEFAULT
from bench.storage.schema.latency import Measured, Record, RunManifest

LEAST_RUNS = 4
_ALPHA = 0.05
_LEAST_SPREAD = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A run's figure in ns with its 95% half-width, and what it was measured in.

    `changed` says in clauses what is another than at the point before.
    """

    run_id: str
    started: str
    value_ns: float
    half_width_ns: float | None
    sessions: int
    around: Mapping[str, str]
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Points `start` to `stop` (left out), at the geometric mean `value_ns`."""

    start: int
    stop: int
    value_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A cell on one system, sampled in one way: points in order of time, and their levels."""

    cell_id: str
    label: str
    system_id: str
    heading: str
    preset: str
    statistic: str
    points: tuple[Point, ...]
    levels: tuple[Level, ...]

    def step(self, index: int) -> float | None:
        """Return the ratio of the level that begins at that point to the one before it."""
        for before, after in pairwise(self.levels):
            if after.start == index:
                return after.value_ns / before.value_ns
        return None


Stored = tuple[RunManifest, str, Record]
"""A run's manifest, its system's heading, and its record of the cell."""


def histories(stored: Iterable[Stored], *, min_effect: float = DEFAULT.min_effect) -> list[History]:
    """Return a history for each system, preset and statistic, of the runs that have a figure."""
    groups: dict[tuple[str, str, str], list[Stored]] = {}
    for entry in stored:
        manifest, _, record = entry
        if isinstance(record.outcome, Measured):
            key = (manifest.system_id, record.sampling.preset, record.sampling.statistic)
            groups.setdefault(key, []).append(entry)
    return [_history(groups[key], min_effect) for key in sorted(groups)]


def change_points(values: Sequence[float], *, min_effect: float = DEFAULT.min_effect) -> list[int]:
    """Return the index of each first value of a new level."""
    if len(values) < LEAST_RUNS:
        return []
    logs = [math.log(value) for value in values]
    penalty = 2 * _spread(logs) ** 2 * math.log(len(logs))
    return _kept(logs, _breaks(logs, penalty), min_effect)


def _history(stored: Sequence[Stored], min_effect: float) -> History:
    ordered = sorted(stored, key=lambda entry: (entry[0].started, entry[0].run_id))
    manifest, heading, record = ordered[-1]
    points = _with_changes([_point(entry, record) for entry, _, record in ordered])
    values = [point.value_ns for point in points]
    ends = [0, *change_points(values, min_effect=min_effect), len(values)]
    return History(
        cell_id=record.cell_id,
        label=record.cell.to_cell().label,
        system_id=manifest.system_id,
        heading=heading,
        preset=record.sampling.preset,
        statistic=record.sampling.statistic,
        points=tuple(points),
        levels=tuple(
            Level(start=start, stop=stop, value_ns=_geometric_mean(values[start:stop]))
            for start, stop in pairwise(ends)
        ),
    )


def _point(manifest: RunManifest, record: Record) -> Point:
    sessions = [counted_ns(session) for session in record.sessions]
    estimate = summarize(sessions, record.sampling.statistic)
    reported = any(session.reported_ns is not None for session in record.sessions)
    return Point(
        run_id=manifest.run_id,
        started=manifest.started,
        value_ns=estimate.value_ns,
        half_width_ns=None if reported else estimate.half_width_ns,
        sessions=estimate.sessions,
        around=run_context(manifest, [record]),
    )


def _with_changes(points: Sequence[Point]) -> list[Point]:
    changed = list(points[:1])
    for before, after in pairwise(points):
        changed.append(replace(after, changed=changes(before.around, after.around)))
    return changed


def _geometric_mean(values: Sequence[float]) -> float:
    return math.exp(fmean(math.log(value) for value in values))


def _spread(logs: Sequence[float]) -> float:
    """Return the SD by the differences of neighbours: a change of level hardly moves it."""
    steps = [after - before for before, after in pairwise(logs)]
    middle = median(steps)
    deviation = median([abs(step - middle) for step in steps])
    return max(1.4826 * deviation / math.sqrt(2), _LEAST_SPREAD)


def _breaks(logs: Sequence[float], penalty: float) -> list[int]:
    import numpy as np
    import ruptures

    signal = np.asarray(logs, dtype=np.float64).reshape(-1, 1)
    # The linear kernel's cost is the squared error: Pelt(model="l2") in C, a thousand times faster.
    ends = ruptures.KernelCPD(kernel="linear", min_size=2).fit(signal).predict(pen=penalty)
    return [int(index) for index in ends[:-1]]


def _kept(logs: Sequence[float], breaks: Sequence[int], min_effect: float) -> list[int]:
    """Return those breaks that stand, the least certain dropped first."""
    kept = list(breaks)
    bound = _ALPHA / (len(logs) - 1)
    while kept:
        steps, ps = _steps(logs, kept)
        worst = max(range(len(kept)), key=lambda index: ps[index])
        small = [i for i, step in enumerate(steps) if step < math.log1p(min_effect)]
        if ps[worst] > bound:
            del kept[worst]
        elif small:
            del kept[small[0]]
        else:
            break
    return kept


def _steps(logs: Sequence[float], breaks: Sequence[int]) -> tuple[list[float], list[float]]:
    """Return how far each break steps, in logarithms, and its two-sided p."""
    from scipy.special import stdtr

    parts = [logs[start:stop] for start, stop in pairwise([0, *breaks, len(logs)])]
    means = [fmean(part) for part in parts]
    df = len(logs) - len(parts)
    rest = math.fsum((x - mean) ** 2 for part, mean in zip(parts, means, strict=True) for x in part)
    spread = max(math.sqrt(rest / df), 1e-9)
    steps = [abs(after - before) for before, after in pairwise(means)]
    errors = [spread * math.sqrt(1 / len(a) + 1 / len(b)) for a, b in pairwise(parts)]
    ps = [2 * float(stdtr(df, -s / error)) for s, error in zip(steps, errors, strict=True)]
    return steps, ps
