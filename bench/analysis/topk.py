"""Logits -> the best classes, whether the right one is among them, how far two engines are apart.

Pure. Of equal scores the later class counts as the better one, as in scikit-learn's
top_k_accuracy_score, so that both give the same share on the same logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32] | NDArray[np.float64]

KEPT = 5
# How far from 1 the sum of a softmax in float32 may be, over any number of classes.
_SUM_SLACK = 1e-3


def best_classes(logits: Floats, kept: int = KEPT) -> NDArray[np.int64]:
    """Return for each row its `kept` best classes (all, where there are fewer), the best first."""
    ordered = np.argsort(logits, axis=1, kind="stable")[:, ::-1]
    return ordered[:, :kept].astype(np.int64)


def count_hits(best: Sequence[Sequence[int]], labels: Sequence[int], k: int) -> int:
    """Return how many rows of `best` have their label among the first `k`."""
    return sum(label in row[:k] for row, label in zip(best, labels, strict=True))


def are_shares(logits: Floats) -> bool:
    """Tell whether each row is one of shares that sum to 1: the net ends in a softmax."""
    sums = logits.sum(axis=1, dtype=np.float64)
    return bool(logits.min(initial=0.0) >= 0 and np.abs(sums - 1).max(initial=0.0) <= _SUM_SLACK)


def probabilities(logits: Floats) -> NDArray[np.float64]:
    """Return each row's softmax; rows that are shares already, as they are."""
    if are_shares(logits):
        return logits.astype(np.float64)
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Farthest:
    """The row at which two engines differ most, and its relative L2 distance."""

    row: int
    relative_l2: float


def farthest(logits: Floats, others: Floats) -> Farthest:
    """Return the row of `others` that is the farthest from `logits`, relative to the latter."""
    own, other = logits.astype(np.float64), others.astype(np.float64)
    apart = np.linalg.norm(other - own, axis=1)
    sizes = np.linalg.norm(own, axis=1)
    # Logits of zeros have no scale: the same is 0 away, another is as far as it is long.
    distances = apart / np.where(sizes > 0, sizes, 1.0)
    row = int(distances.argmax())
    return Farthest(row=row, relative_l2=float(distances[row]))


def first_infinite(logits: Floats) -> int | None:
    """Return the first row that holds an infinity or NaN, None: no row does."""
    bad = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    return int(bad[0]) if len(bad) else None
