"""On which images two nets, or two engines of one net, name different classes first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.coverage import Rate
from bench.storage.schema.accuracy import ChunkFields

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Wholes = NDArray[np.int64]

Answerer = tuple[str, str]
"""A variant and a runner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The numbers of the images that were read, their labels, and the classes named first."""

    images: Wholes
    labels: Wholes
    first: Wholes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixup:
    """Images of class `label` that two nets take for two classes; `image` is the first of them."""

    label: int
    one: int
    other: int
    count: int
    image: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Where the two that differ most name different classes first.

    Of the images that they differ on, `one_right` and `other_right` are those that one of them
    alone names rightly. The most frequent of `mixups` come first.
    """

    one: Answerer
    other: Answerer
    apart: Rate
    one_right: int
    other_right: int
    mixups: tuple[Mixup, ...]


def answers_of(runner: str, chunks: Sequence[ChunkFields]) -> Answers:
    """Return what `runner` answered to the images of `chunks`, all of which it has seen."""
    rows = [row for chunk in chunks for row in chunk.best[runner]]
    return Answers(
        images=_wholes([it for chunk in chunks for it in chunk.images]),
        labels=_wholes([it for chunk in chunks for it in chunk.labels]),
        first=_wholes([row[0] for row in rows]),
    )


def _wholes(values: Sequence[int]) -> Wholes:
    return np.array(values, dtype=np.int64)


def disagreement(answers: Mapping[Answerer, Answers]) -> Disagreement | None:
    """Return that of the two nets that differ most; of one net alone, of two of its engines.

    A net speaks by its first engine. None: there are no two, or they answered the same.
    """
    spoken: dict[str, Answerer] = {}
    for who in answers:
        spoken.setdefault(who[0], who)
    compared = (
        list(answers) if len(spoken) == 1 else [it for it in answers if it in spoken.values()]
    )
    pairs = [(_apart(answers, pair), pair) for pair in combinations(compared, 2)]
    apart, pair = max(pairs, key=lambda each: each[0].sum(), default=(np.zeros(0, bool), None))
    if pair is None or not apart.any():
        return None
    one, other = (answers[who] for who in pair)
    labels = one.labels[apart]
    return Disagreement(
        one=pair[0],
        other=pair[1],
        apart=Rate(hits=int(apart.sum()), of=len(apart)),
        one_right=int((one.first[apart] == labels).sum()),
        other_right=int((other.first[apart] == labels).sum()),
        mixups=_mixups(one, other, apart),
    )


def _apart(
    answers: Mapping[Answerer, Answers], pair: tuple[Answerer, Answerer]
) -> NDArray[np.bool_]:
    """Return for each image whether the two differ; nets that saw other images don't compare."""
    one, other = (answers[who] for who in pair)
    if not np.array_equal(one.images, other.images):
        return np.zeros(len(one.images), bool)
    differ: NDArray[np.bool_] = one.first != other.first
    return differ


def _mixups(one: Answers, other: Answers, apart: NDArray[np.bool_]) -> tuple[Mixup, ...]:
    columns = (one.labels, one.first, other.first)
    rows = list(zip(*(it[apart].tolist() for it in columns), strict=True))
    first = dict(reversed(list(zip(rows, one.images[apart].tolist(), strict=True))))
    return tuple(
        Mixup(label=row[0], one=row[1], other=row[2], count=count, image=first[row])
        for row, count in Counter(rows).most_common()
    )
