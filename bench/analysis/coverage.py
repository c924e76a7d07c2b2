"""How often intervals hold the long-run median, by draws from recorded sessions. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.analysis.statistics import CONFIDENCE, t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SESSIONS = 5
DRAWS = 1000
_ALPHA = 1 - CONFIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`hits` of `of`, with the 95% Clopper-Pearson interval of the share: true of independent
    trials; over draws from the same sessions it bounds the error of drawing only.
    """

    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of

    @property
    def interval(self) -> tuple[float, float]:
        return clopper_pearson(self.hits, self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often the t interval over a few sessions holds what it is taken for.

    `median` is of the long-run median: the recorded sessions stand for the long run, so the target
    is their median, known exactly, and each draw takes independent ones of them, with replacement
    (the bootstrap's own population: Efron and Tibshirani, An Introduction to the Bootstrap, ch. 4).

    `mean` is of the other sessions' mean, which a few slow sessions move more: |mean drawn - mean
    left out| <= t s sqrt(1/k + 1/(N-k)), drawn without replacement and widened by the target's own
    uncertainty. It is the same event as the interval narrowed by sqrt(1 - k/N) around the mean of
    all N (Cochran, Sampling Techniques, ch. 2).

    `in_time` counts as `mean` does, over disjoint groups of consecutive sessions.
    """

    median: Rate
    mean: Rate
    in_time: Rate


def session_medians(sessions: Sequence[Sequence[int]]) -> list[float]:
    """Return each session's median sample in ns, in the order given."""
    return [float(median(samples)) for samples in sessions]


@cache
def clopper_pearson(hits: int, of: int) -> tuple[float, float]:
    """Return the exact 95% interval of a share; (0, 1) where there was no trial."""
    from scipy.special import betaincinv

    half = _ALPHA / 2
    low = float(betaincinv(hits, of - hits + 1, half)) if hits else 0.0
    high = float(betaincinv(hits + 1, of - hits, 1 - half)) if hits < of else 1.0
    return low, high


def coverage(
    medians: Sequence[float], *, k: int = SESSIONS, draws: int = DRAWS, seed: int = 0
) -> Coverage:
    """Return the coverage of intervals over `k` of the session medians, given in order of time.

    Raises ValueError unless there are more than `k`.
    """
    import numpy as np

    values = np.asarray(medians, dtype=np.float64)
    if len(values) <= k:
        raise ValueError(f"{len(values)} sessions leave none out of {k}")
    independent = values[np.random.default_rng(seed).integers(0, len(values), (draws, k))]
    consecutive = np.arange(len(values) // k * k).reshape(-1, k)
    off_median = abs(independent.mean(axis=1) - np.median(values))
    return Coverage(
        median=rate(off_median <= _half_widths(independent)),
        mean=rate(_holds_the_rest(values, draw(len(values), k, draws, seed))),
        in_time=rate(_holds_the_rest(values, consecutive)),
    )


def _half_widths(drawn: Floats) -> Floats:
    """Return the half-width of the t interval over each row."""
    k = drawn.shape[1]
    widths: Floats = t_quantile(k - 1) * drawn.std(axis=1, ddof=1) / math.sqrt(k)
    return widths


def _holds_the_rest(values: Floats, picked: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return for each row whether its interval holds the mean of the others, see Coverage."""
    count, k = len(values), picked.shape[1]
    drawn = values[picked]
    rest = (values.sum() - drawn.sum(axis=1)) / (count - k)
    apart = abs(drawn.mean(axis=1) - rest)
    holds: NDArray[np.bool_] = apart <= _half_widths(drawn) / math.sqrt(1 - k / count)
    return holds


def naive_coverage(sessions: Sequence[Sequence[int]]) -> Rate:
    """Return how often an interval over one session's samples holds the other sessions' median.

    The interval is that of the median by order statistics, as if samples were independent: a figure
    to warn with.
    """
    medians = session_medians(sessions)
    total = sum(medians)
    hits = 0
    for samples, own in zip(sessions, medians, strict=True):
        low, high = _median_interval(samples)
        hits += low <= (total - own) / (len(medians) - 1) <= high
    return Rate(hits=hits, of=len(medians))


def _median_interval(samples: Sequence[int]) -> tuple[int, int]:
    """Return the narrowest pair of order statistics that holds the median at 95%, or the range."""
    from scipy.special import bdtr

    ordered, rank = sorted(samples), 0
    while rank < (len(ordered) - 1) // 2 and 2 * bdtr(rank, len(ordered), 0.5) <= _ALPHA:
        rank += 1
    rank = max(0, rank - 1)
    return ordered[rank], ordered[-1 - rank]


def draw(count: int, size: int, draws: int, seed: int) -> NDArray[np.int64]:
    """Return `draws` rows of `size` of the first `count` numbers, none twice in a row."""
    import numpy as np

    shuffled = np.random.default_rng(seed).random((draws, count)).argsort(axis=1)
    picked: NDArray[np.int64] = shuffled[:, :size]
    return picked


def rate(hits: Any) -> Rate:
    """Return how many of an array of truths hold."""
    return Rate(hits=int(hits.sum()), of=len(hits))
