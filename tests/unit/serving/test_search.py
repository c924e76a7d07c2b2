"""The search for the highest rate at which a bound holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.serving.scenarios import search


@given(st.floats(1, 10_000), st.floats(0.2, 5))
def test_the_highest_rate_is_found_from_any_start(capacity: float, off: float) -> None:
    rate, tried = search(lambda rate: rate <= capacity, capacity * off, probes=14)
    assert rate is not None
    assert capacity / 1.05 <= rate <= capacity
    assert any(not it.holds for it in tried)


def test_it_ends_after_so_many_probes() -> None:
    rate, tried = search(lambda _: True, 1.0, probes=5)
    assert (len(tried), rate) == (5, tried[-1].rate)


def test_without_a_rate_that_holds_there_is_none() -> None:
    rate, tried = search(lambda _: False, 100.0, probes=4)
    assert rate is None
    assert [it.rate for it in tried] == pytest.approx([100, 100 / 1.5, 100 / 1.5**2, 100 / 1.5**3])


def test_what_held_isn_t_tried_again() -> None:
    _, tried = search(lambda rate: rate <= 37.0, 10.0, probes=14)
    assert len({it.rate for it in tried}) == len(tried)
