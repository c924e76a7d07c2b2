"""Warm-up, sampling and the check of the output, on a clock that only the engine moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain, islice, repeat
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.cell import Sampling
from bench.core.units import NS_PER_S, Nanoseconds
from bench.worker.sampling import (
    WarmUp,
    WrongOutput,
    check_output,
    is_steady,
    take_samples,
    warm_up,
)

MS = 1_000_000
RULE = Sampling(
    preset="standard", sessions=3, samples=30, min_samples=10, budget_s=1.5, warmup_calls=4,
    warmup_s=0.5, warmup_cap_s=2.0, steady_window=4,
)  # fmt: skip
LOGITS = np.array([[3.0, 0.0, 4.0]])
OFF = np.array([[0.0, 0.5, 0.0]])  # a tenth of the logits' length


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


def test_the_same_output_is_at_no_distance() -> None:
    assert check_output(LOGITS.astype(np.float32), LOGITS, 0.0) == 0.0


def test_the_distance_is_relative_to_the_reference() -> None:
    assert check_output(1000 * LOGITS * 1.01, 1000 * LOGITS, 0.02) == pytest.approx(0.01)
    assert check_output(LOGITS + OFF, LOGITS, 1.0) == pytest.approx(0.1)


def test_a_distance_of_exactly_the_tolerance_is_allowed() -> None:
    output = LOGITS + 1.25 * OFF
    assert check_output(output, LOGITS, 0.125) == 0.125
    with pytest.raises(WrongOutput, match=r"0\.125 away .* 0\.124 is allowed"):
        check_output(output, LOGITS, 0.124)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_output_that_is_not_finite_is_wrong_whatever_the_tolerance(value: float) -> None:
    with pytest.raises(WrongOutput, match="away from the reference") as caught:
        check_output([[3.0, value, 4.0]], LOGITS, 1e300)
    assert caught.value.kind == "wrong-output"


@pytest.mark.parametrize(
    "reshape",
    [
        lambda x: np.tile(x, 2),
        lambda x: x[None].repeat(2, 0),
        lambda x: x[:, :2],
        lambda x: np.vstack([x, x]),
        lambda _: 3.0,
    ],
)
def test_an_output_of_another_shape_is_wrong_though_it_would_broadcast(
    reshape: Callable[[Any], Any],
) -> None:
    with pytest.raises(WrongOutput, match=r"shape is \(.*\), the reference's \(1, 3\)"):
        check_output(reshape(LOGITS), LOGITS, 1e300)


@pytest.mark.parametrize(
    "reshape", [lambda x: x[0], lambda x: x.T, lambda x: x[..., None, None], lambda x: x[:, None]]
)
def test_an_output_that_differs_from_the_reference_by_axes_of_one_is_compared_without_them(
    reshape: Callable[[Any], Any],
) -> None:
    assert check_output(reshape(LOGITS), LOGITS, 0.0) == 0.0
    with pytest.raises(WrongOutput, match="away from the reference"):
        check_output(reshape(-LOGITS), LOGITS, 1.0)


def test_axes_of_one_are_no_leave_to_transpose() -> None:
    logits = np.arange(6.0).reshape(2, 3)
    with pytest.raises(WrongOutput, match="shape"):
        check_output(logits.T[None], logits, 1e300)


def test_a_reference_of_zeros_is_no_reference() -> None:
    zeros = np.zeros((1, 3))
    with pytest.raises(WrongOutput):
        check_output(zeros, zeros, 1.0)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3),
    st.floats(1e-6, 1e-2),
)
def test_an_output_passes_exactly_when_its_distance_is_within_the_tolerance(
    off: list[float], tolerance: float
) -> None:
    output = LOGITS + 1e-5 * np.array([off])
    distance = float(np.linalg.norm(output - LOGITS)) / 5.0
    if distance <= tolerance:
        assert check_output(output, LOGITS, tolerance) == pytest.approx(distance)
    else:
        with pytest.raises(WrongOutput):
            check_output(output, LOGITS, tolerance)
