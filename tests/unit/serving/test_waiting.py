"""The queue: whose rows an inference has, and how many."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.serving.waiting import Queue, Waiting, cheapest


def requests(counts: Sequence[int]) -> list[Waiting]:
    """Requests of these many rows, whose bytes are numbered through."""
    loop = asyncio.new_event_loop()
    firsts = np.cumsum([0, *counts])
    made = [
        Waiting(
            inputs=[np.arange(first, first + count, dtype=np.uint8)[:, None]],
            answer=loop.create_future(),
            came=0.0,
        )
        for first, count in zip(firsts, counts, strict=False)
    ]
    loop.close()
    return made


def through(queue: Queue, most: int) -> list[int]:
    """Answer all that waits with its own rows; return how many rows each inference had."""
    had = []
    while len(queue):
        rows = queue.rows(most)
        parts = queue.take(rows)
        assert sum(part.count for part in parts) == rows
        for part in parts:
            part.of.give([part.rows(0)])
        had.append(rows)
    return had


COUNTS = st.lists(st.integers(1, 5), min_size=1, max_size=12)


@given(COUNTS, st.integers(1, 8))
def test_each_request_gets_its_own_rows_in_order(counts: list[int], most: int) -> None:
    queue, waiting = Queue(), requests(counts)
    for own in waiting:
        queue.add(own)
    had = through(queue, most)
    for own in waiting:
        np.testing.assert_array_equal(own.answer.result()[0], own.inputs[0])
    assert had == [most] * (sum(counts) // most) + [sum(counts) % most] * (sum(counts) % most > 0)


@given(COUNTS, st.integers(1, 8), st.data())
def test_what_is_put_back_is_answered_alone_and_rightly(
    counts: list[int], most: int, data: st.DataObject
) -> None:
    queue, waiting = Queue(), requests(counts)
    for own in waiting:
        queue.add(own)
    parts = queue.take(queue.rows(most))
    gone = data.draw(st.sampled_from(parts)).of
    gone.answer.cancel()
    for part in parts:
        part.of.falls += 1
    queue.put_back(parts)
    alone = [part.of for part in parts if part.of is not gone]
    for own in alone:
        queue.leave(gone)
        while not own.answer.done():
            (part,) = queue.take(queue.rows(most))
            assert part.of is own
            own.give([part.rows(0)])
    queue.leave(gone)
    through(queue, most)
    for own in set(waiting) - {gone}:
        np.testing.assert_array_equal(own.answer.result()[0], own.inputs[0])


def test_the_cheapest_batches_are_chosen() -> None:
    even = {1: 10, 2: 20, 4: 40}
    assert cheapest(5, even) == [0, 1, 2, 2, 4, 4]
    assert cheapest(4, {1: 10, 4: 11}) == [0, 1, 4, 4, 4]
    assert cheapest(8, {1: 10, 2: 100, 8: 1000}) == [0, *[1] * 8]
