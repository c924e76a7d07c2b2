"""How long a plan should take: what was measured before, else a guess that moves the right way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.cell import Sampling
from bench.experiments.latency.forecast import Expected, expect, guess_s
from bench.experiments.latency.schedule import make_plan
from tests.fakes.values import CELL

SAMPLING = Sampling(
    preset="standard", sessions=3, samples=30, min_samples=10, budget_s=1.5, warmup_calls=10,
    warmup_s=0.5, warmup_cap_s=2.0,
)  # fmt: skip
ONE, OTHER = CELL, replace(CELL, variant="x2_0", batch=8)
PLAN = make_plan([ONE, OTHER], SAMPLING, seed=0)
MACS = st.floats(1e6, 1e12)


def test_earlier_sessions_tell_how_long_a_plan_takes() -> None:
    earlier = {ONE.id: 2.0, OTHER.id: 5.0, "another cell": 99.0}
    assert expect(PLAN, earlier, {}) == Expected(
        seconds=3 * (2.0 + 5.0), most_seconds=3 * (2.0 + 5.0), known=2, each={ONE: 2.0, OTHER: 5.0}
    )


def test_a_cell_that_was_never_measured_is_guessed_from_its_nets_macs() -> None:
    expected = expect(PLAN, {ONE.id: 2.0}, {OTHER.variant: 6e8, ONE.variant: 1e15})
    assert expected.seconds == pytest.approx(3 * (2.0 + guess_s(OTHER, SAMPLING, 6e8)))
    assert (expected.known, len(expected.each)) == (1, 2)


def test_a_net_without_macs_is_guessed_all_the_same() -> None:
    expected = expect(PLAN, {}, {})
    assert expected.known == 0
    assert expected.seconds >= 6 * SAMPLING.warmup_s


def test_an_empty_plan_takes_no_time() -> None:
    assert expect(make_plan([], SAMPLING, seed=0), {}, {}) == Expected(0, 0, 0, {})


@given(macs=MACS, times=st.floats(1, 10))
def test_a_costlier_net_is_never_guessed_faster_and_a_greater_batch_is_guessed_slower(
    macs: float, times: float
) -> None:
    guess = guess_s(ONE, SAMPLING, macs)
    assert guess <= guess_s(ONE, SAMPLING, times * macs)
    assert guess < guess_s(replace(ONE, batch=8), SAMPLING, macs)


@given(macs=st.floats(1e10, 1e11))
def test_past_its_budget_a_session_is_guessed_to_take_no_more_samples(macs: float) -> None:
    more = replace(SAMPLING, samples=10_000)
    assert guess_s(ONE, more, macs) == guess_s(ONE, replace(more, samples=20_000), macs)
    assert guess_s(ONE, replace(more, budget_s=9.0), 1e8) > guess_s(ONE, more, 1e8)


def test_the_least_number_of_samples_is_guessed_though_the_budget_is_spent() -> None:
    few, many = (replace(SAMPLING, min_samples=count) for count in (10, 30))
    assert guess_s(ONE, many, 1e12) > guess_s(ONE, few, 1e12)


@pytest.mark.parametrize(("grow_for_s", "most"), [(0.0, 21.0), (25.0, 25.0), (1000.0, 35.0)])
def test_a_plan_that_may_grow_takes_up_to_its_time_or_all_its_sessions(
    grow_for_s: float, most: float
) -> None:
    rule = replace(SAMPLING, sessions=3, max_sessions=5, half_width=0.02, grow_for_s=grow_for_s)
    plan = make_plan([ONE, OTHER], rule, seed=0)
    expected = expect(plan, {ONE.id: 2.0, OTHER.id: 5.0}, {})
    assert (expected.seconds, expected.most_seconds) == (21.0, most)
