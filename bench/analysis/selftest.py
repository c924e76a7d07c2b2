"""How far a machine's figures can be trusted, from sessions of one net and of a slower one. Pure.

The arms are `base`, `again` (the same net as a model of its own) and `slower`, each once a round in
random order. `again` is an arm rather than every other session of `base`, so that the comparison of
equals goes the whole way of the comparison with `slower`: own artifact, own cell, paired by round.

Comparisons of sessions drawn at random say what chance alone does: a draw wipes the machine's drift
out. What drift adds shows in groups of consecutive sessions only, of which a run holds few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from bench.analysis.contention import counted_ns
from bench.analysis.coverage import (
    DRAWS,
    SESSIONS,
    Coverage,
    Rate,
    coverage,
    draw,
    naive_coverage,
    rate,
    session_medians,
)
from bench.analysis.power import Ratio, log_sd, ratio_by_round, smallest_slowdown
from bench.analysis.statistics import CONFIDENCE, t_interval
from bench.storage.schema.latency import Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SUITE = "selftest"
BASE, AGAIN, SLOWER = "base", "again", "slower"
MORE_SESSIONS = 10
RULE = 0.05
_ALPHA = 1 - CONFIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """Differences found between two groups of sessions.

    `drawn` are random groups, which share sessions; `in_time` are disjoint pairs of groups that
    were measured one after the other, independent of each other: as a run and a stored one.
    """

    drawn: Rate
    in_time: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """Alarms between sessions of the same net: by Welch's t at 5% on log medians, and by the rule
    that the means differ by more than 5%.
    """

    welch: Alarms
    rule: Alarms


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Everything that a self-test tells.

    `median_ns` and `sd` (relative) are of the session medians of base and again together; `tells`
    has the smallest slowdown that is told, by sessions a side.
    """

    median_ns: float
    half_width_ns: float
    sd: float
    sessions: int
    coverage: Coverage
    naive: Rate
    alarms: FalseAlarms
    equal: Ratio
    slower: Ratio
    detections: Rate
    tells: Mapping[int, float]

    @property
    def told_apart(self) -> bool:
        """Whether `slower` was: its interval lies above 1."""
        return self.slower.low > 1

    @property
    def sentence(self) -> str:
        """What follows for whoever compares runs."""
        return (
            f"On this machine {SESSIONS} sessions tell slowdowns from "
            f"{self.tells[SESSIONS]:.1%} on; a stored comparison of smaller changes would be noise."
        )


def weigh(arms: Mapping[str, Sequence[Session]], *, seed: int = 0) -> Trust:
    """Return what the sessions of the three arms show.

    Raises KeyError without an arm, ValueError for fewer than 5 sessions of one.
    """
    by_round = {
        name: {session.round: float(median(counted_ns(session))) for session in sessions}
        for name, sessions in arms.items()
    }
    equal = sorted([*arms[BASE], *arms[AGAIN]], key=lambda session: session.order)
    samples = [counted_ns(session) for session in equal]
    medians = session_medians(samples)
    value, half = t_interval(medians)
    pair = [by_round[BASE], by_round[AGAIN]]
    return Trust(
        median_ns=value,
        half_width_ns=half or 0.0,
        sd=log_sd(medians),
        sessions=len(medians),
        coverage=coverage(medians, seed=seed),
        naive=naive_coverage(samples),
        alarms=false_alarms(medians, seed=seed),
        equal=ratio_by_round(pair[:1], pair[1]),
        slower=ratio_by_round(pair, by_round[SLOWER]),
        detections=detections(medians, list(by_round[SLOWER].values()), seed=seed),
        tells={k: smallest_slowdown(log_sd(medians), k) for k in (SESSIONS, MORE_SESSIONS)},
    )


def false_alarms(
    medians: Sequence[float], *, k: int = SESSIONS, draws: int = DRAWS, seed: int = 0
) -> FalseAlarms:
    """Return how often two groups of `k` sessions of one net, given in order of time, differ.

    Raises ValueError unless there are 2 `k`.
    """
    import numpy as np

    values = np.asarray(medians, dtype=np.float64)
    if len(values) < 2 * k:
        raise ValueError(f"{len(values)} sessions don't make two groups of {k}")
    drawn = values[draw(len(values), 2 * k, draws, seed)]
    in_time = values[: len(values) // (2 * k) * (2 * k)].reshape(-1, 2 * k)
    outcomes = [(_welch(g[:, :k], g[:, k:]), _differ(g[:, :k], g[:, k:])) for g in (drawn, in_time)]
    welch, rule = zip(*outcomes, strict=True)
    return FalseAlarms(
        welch=Alarms(drawn=rate(welch[0]), in_time=rate(welch[1])),
        rule=Alarms(drawn=rate(rule[0]), in_time=rate(rule[1])),
    )


def detections(
    base: Sequence[float],
    slower: Sequence[float],
    *,
    k: int = SESSIONS,
    draws: int = DRAWS,
    seed: int = 0,
) -> Rate:
    """Return how often `k` random sessions of each tell `slower` from `base` as the slower one."""
    import numpy as np

    base_values, slower_values = (np.asarray(values, dtype=np.float64) for values in (base, slower))
    first = base_values[draw(len(base_values), k, draws, seed)]
    other = slower_values[draw(len(slower_values), k, draws, seed + 1)]
    later = np.log(other).mean(axis=1) > np.log(first).mean(axis=1)
    return rate(_welch(first, other) & later)


def _differ(first: Floats, other: Floats) -> NDArray[np.bool_]:
    """Return for each row whether the means differ by more than RULE, either way."""
    ratio = other.mean(axis=1) / first.mean(axis=1)
    differ: NDArray[np.bool_] = (ratio > 1 + RULE) | (1 / ratio > 1 + RULE)
    return differ


def _welch(first: Floats, other: Floats) -> NDArray[np.bool_]:
    """Return for each row whether Welch's t test on logarithms finds a difference at 5%."""
    import numpy as np
    from scipy.special import stdtr

    a, b = np.log(first), np.log(other)
    k = a.shape[1]
    va, vb = a.var(axis=1, ddof=1) / k, b.var(axis=1, ddof=1) / k
    apart = abs(a.mean(axis=1) - b.mean(axis=1))
    tiny = np.finfo(np.float64).tiny
    degrees = (va + vb) ** 2 * (k - 1) / np.maximum(va**2 + vb**2, tiny)
    p = 2 * stdtr(np.maximum(degrees, 1.0), -apart / np.sqrt(np.maximum(va + vb, tiny)))
    differ: NDArray[np.bool_] = p < _ALPHA
    return differ
