"""Warm-up and sampling, on a clock that only the engine moves."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.cell import Sampling
from bench.core.units import NS_PER_S, Nanoseconds
from bench.worker.sampling import (
    WarmUp,
    is_steady,
    take_samples,
    warm_up,
)

MS = 1_000_000
RULE = Sampling(
    preset="standard", sessions=3, samples=30, min_samples=10, budget_s=1.5, warmup_calls=4,
    warmup_s=0.5, warmup_cap_s=2.0, steady_window=4,
)  # fmt: skip


class Engine:
    """Calls of given durations; its clock stands still except while it works."""

    def __init__(self, *first_ms: float, then_ms: float = 10.0) -> None:
        self.now = 7 * NS_PER_S
        self.durations = chain(first_ms, repeat(then_ms))
        self.calls: list[Nanoseconds] = []
        self.asked: list[int] = []

    def sample(self, count: int) -> list[Nanoseconds]:
        self.asked.append(count)
        taken = [Nanoseconds(int(ms * MS)) for ms in islice(self.durations, count)]
        self.now += sum(taken)
        self.calls += taken
        return taken

    def clock(self) -> int:
        return self.now

    def warm_up(self, **rule: Any) -> WarmUp:
        return warm_up(self.sample, replace(RULE, **rule), self.clock)

    def take(self, **rule: Any) -> list[Nanoseconds]:
        return take_samples(self.sample, replace(RULE, **rule), self.clock)


def test_a_fast_net_warms_up_until_the_seconds_are_spent() -> None:
    warm = Engine(then_ms=10).warm_up(warmup_calls=4, warmup_s=0.5)
    assert len(warm.samples_ns) == 50 + RULE.steady_window
    assert warm.steady


def test_a_slow_net_warms_up_until_the_calls_are_made() -> None:
    warm = Engine(then_ms=300).warm_up(warmup_calls=4, warmup_s=0.5, warmup_cap_s=9)
    assert len(warm.samples_ns) == 4 + RULE.steady_window


def test_a_warm_up_goes_on_until_a_window_is_steady() -> None:
    falling = [90, 80, 70, 60, 50, 40, 30, 20]
    engine = Engine(*[9.0] * 4, *falling, then_ms=10)
    warm = engine.warm_up(warmup_calls=4, warmup_s=0.0, steady_window=4)
    assert warm.steady
    assert len(warm.samples_ns) == 4 + 4 + 4 + 4, "calls, two unsteady windows, a steady one"


def test_a_warm_up_that_never_settles_ends_at_its_cap_and_says_so() -> None:
    engine = Engine(10, *[10, 10, 20, 20] * 100)
    warm = engine.warm_up(warmup_calls=1, warmup_s=0.0, warmup_cap_s=1.0, steady_window=4)
    assert not warm.steady
    spent = sum(warm.samples_ns)
    assert 1.0 * NS_PER_S <= spent < 1.0 * NS_PER_S + 4 * 20 * MS


def test_the_cap_ends_a_warm_up_before_its_calls_are_made() -> None:
    warm = Engine(then_ms=300).warm_up(warmup_calls=99, warmup_s=0.0, warmup_cap_s=1.0)
    assert len(warm.samples_ns) == 4
    assert not warm.steady


def test_a_warm_up_makes_one_call_whatever_its_cap() -> None:
    assert len(Engine().warm_up(warmup_calls=5, warmup_cap_s=0.0).samples_ns) == 1


def test_no_steadiness_is_looked_for_or_claimed_where_none_is_asked_for() -> None:
    engine = Engine(then_ms=10)
    warm = engine.warm_up(warmup_calls=10, warmup_s=0.0, steady_tolerance=None)
    assert len(warm.samples_ns) == 10
    assert not warm.steady


@given(
    first=st.lists(st.integers(1, 400), max_size=40),
    calls=st.integers(1, 20),
    seconds=st.floats(0, 2),
    cap=st.floats(0, 4),
    tolerance=st.none() | st.floats(0.001, 1),
)
def test_a_warm_up_keeps_its_rule_and_every_sample_in_order(
    first: list[int], calls: int, seconds: float, cap: float, tolerance: float | None
) -> None:
    engine = Engine(*first)
    rule: dict[str, Any] = {
        "warmup_calls": calls, "warmup_s": seconds, "warmup_cap_s": cap,
        "steady_tolerance": tolerance,
    }  # fmt: skip
    warm = engine.warm_up(**rule)
    spent = sum(warm.samples_ns)
    assert warm.samples_ns == engine.calls
    assert spent >= cap * NS_PER_S or (len(engine.calls) >= calls and spent >= seconds * NS_PER_S)
    before_the_last = sum(engine.calls[: len(engine.calls) - engine.asked[-1]])
    assert len(engine.asked) == 1 or before_the_last < cap * NS_PER_S
    if warm.steady:
        assert tolerance is not None
        assert is_steady(warm.samples_ns[-RULE.steady_window :], tolerance)


@pytest.mark.parametrize(
    ("window", "steady"),
    [
        ([100, 100, 105, 105], True), ([100, 100, 106, 106], False), ([100, 100, 95, 95], True),
        ([100, 100, 94, 94], False), ([100, 100, 900, 100, 100, 100], True), ([0, 0, 0, 0], True),
        ([0, 0, 1, 1], False), ([100, 100, 106, 100, 100], True),
    ],
)  # fmt: skip
def test_a_window_is_steady_when_its_halves_medians_agree(window: list[int], steady: bool) -> None:
    assert is_steady([Nanoseconds(sample) for sample in window], 0.05) is steady


@pytest.mark.parametrize("samples", [1, 9, 10, 30, 31])
def test_within_the_budget_exactly_the_samples_are_taken(samples: int) -> None:
    engine = Engine(then_ms=1)
    assert engine.take(samples=samples, min_samples=1) == engine.calls
    assert len(engine.calls) == samples


def test_past_the_budget_sampling_ends_with_what_it_has() -> None:
    engine = Engine(then_ms=100)
    assert len(engine.take(samples=100, min_samples=5, budget_s=1.5)) == 20
    assert len(engine.calls) == 20


def test_past_the_budget_the_least_number_of_samples_is_still_taken() -> None:
    assert len(Engine(then_ms=900).take(samples=100, min_samples=13, budget_s=1.5)) == 13
    assert len(Engine(then_ms=900).take(samples=13, min_samples=13, budget_s=0.0)) == 13


@given(
    durations=st.lists(st.integers(1, 400), max_size=60),
    samples=st.integers(1, 60),
    spare=st.integers(0, 59),
    budget=st.floats(0, 3),
)
def test_sampling_keeps_every_sample_between_the_least_and_the_most(
    durations: list[int], samples: int, spare: int, budget: float
) -> None:
    engine = Engine(*durations)
    least = max(samples - spare, 1)
    taken = engine.take(samples=samples, min_samples=least, budget_s=budget)
    assert taken == engine.calls
    assert least <= len(taken) <= samples
    assert len(taken) == samples or sum(taken) >= budget * NS_PER_S


def test_the_clock_starts_with_the_sampling_and_not_before() -> None:
    engine = Engine(then_ms=100)
    engine.warm_up(warmup_calls=30, warmup_s=0.0)
    assert len(engine.take(samples=20, min_samples=1, budget_s=1.5)) == 20
