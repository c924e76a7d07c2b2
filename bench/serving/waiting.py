"""The queue of requests, and which of their rows the next inference has. No engine, no network.

Rows and not requests are batched: a request may be spread over two inferences, and an inference
may have rows of many requests.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.uint8]
    """The bytes of a tensor, row by row."""


@dataclass(eq=False, slots=True, kw_only=True)
class Waiting:
    """A request: the rows of its inputs, of which `taken` are in an inference or through one.

    `came` is when, in s of the monotonic clock; over `falls` inferences of it the engine fell.
    """

    inputs: Sequence[Rows]
    answer: asyncio.Future[list[Rows]]
    came: float
    taken: int = 0
    falls: int = 0
    answers: list[Sequence[Rows]] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many of its rows are still to be taken."""
        return len(self.inputs[0]) - self.taken

    def give(self, outputs: Sequence[Rows]) -> None:
        """Take in the rows of each output for its next rows; with the last ones it is answered."""
        self.answers.append(outputs)
        through = sum(len(it[0]) for it in self.answers)
        if through == len(self.inputs[0]) and not self.answer.done():
            self.answer.set_result(
                [np.concatenate(rows) for rows in zip(*self.answers, strict=True)]
            )

    def refuse(self, why: Exception) -> None:
        """Answer it with an error, unless it is answered or has been left."""
        if not self.answer.done():
            self.answer.set_exception(why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """`count` rows of a request, from `start` on."""

    of: Waiting
    start: int
    count: int

    def rows(self, index: int) -> Rows:
        """Return its rows of the input `index`."""
        return self.of.inputs[index][self.start : self.start + self.count]


@dataclass(slots=True, kw_only=True)
class Queue:
    """Requests in the order in which they came."""

    _waiting: deque[Waiting] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def first(self) -> Waiting:
        """The request that waits longest."""
        return self._waiting[0]

    def add(self, own: Waiting) -> None:
        """Put a request at the end."""
        self._waiting.append(own)

    def leave(self, own: Waiting) -> None:
        """Let a request go that is answered, or whose client has gone."""
        if own in self._waiting:
            self._waiting.remove(own)

    def rows(self, most: int) -> int:
        """Return how many rows the next inference can have, `most` at most.

        A request over which the engine fell has its next inference for itself.
        """
        if self._waiting and self.first.falls:
            return min(self.first.left, most)
        rows = 0
        for own in self._waiting:
            if own.falls or rows >= most:
                break
            rows += own.left
        return min(rows, most)

    def take(self, rows: int) -> list[Part]:
        """Take that many rows from the front."""
        parts = []
        while rows:
            own = self.first
            part = Part(of=own, start=own.taken, count=min(own.left, rows))
            own.taken += part.count
            rows -= part.count
            parts.append(part)
            if not own.left:
                self._waiting.popleft()
        return parts

    def put_back(self, parts: Sequence[Part]) -> None:
        """Put the requests of an inference that failed at the front again."""
        for part in reversed(parts):
            part.of.taken = part.start
            if part.of not in self._waiting and not part.of.answer.done():
                self._waiting.appendleft(part.of)

    def refuse_all(self, why: Exception) -> None:
        """Answer all of them with an error."""
        while self._waiting:
            self._waiting.popleft().refuse(why)


def cheapest(most: int, took_ns: Mapping[int, int]) -> list[int]:
    """Return, by how many rows wait, the batch of the first of the inferences that are cheapest.

    `took_ns` is what an inference of each batch takes, in ns; one is filled up where it is larger
    than the rows that are left. Of two that are as cheap the larger one is taken.
    """
    best = [(0, 0, 0)]
    for count in range(1, most + 1):
        ways = (
            (best[max(count - size, 0)][0] + ns, max(size - count, 0), -size)
            for size, ns in took_ns.items()
        )
        best.append(min(ways))
    return [-size for _, _, size in best]
