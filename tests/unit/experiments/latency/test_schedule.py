"""The order of sessions: complete, interleaved, seeded."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bench.core.cell import Cell
from bench.experiments.latency.schedule import MOST_ARMS, Plan, make_plan
from tests.fakes.values import CELL, SAMPLING

CELLS = [replace(CELL, batch=batch) for batch in range(1, 13)]
SIZES, ROUNDS, SEEDS = st.integers(1, 12), st.integers(1, 6), st.integers(0, 99)


def planned(size: int = 12, rounds: int = 3, seed: int = 0) -> Plan:
    return make_plan(CELLS[:size], replace(SAMPLING, sessions=rounds), seed=seed)


def rounds_of(plan: Plan) -> list[list[int]]:
    """Return the batch of each step, which names its cell here, round by round."""
    rounds: list[list[int]] = [[] for _ in range(plan.sampling.sessions)]
    for step in plan.steps:
        rounds[step.round].append(step.cell.batch)
    return rounds


@given(size=SIZES, rounds=ROUNDS, seed=SEEDS)
def test_each_round_holds_every_cell_once(size: int, rounds: int, seed: int) -> None:
    for batches in rounds_of(planned(size, rounds, seed)):
        assert Counter(batches) == Counter(range(1, size + 1))


@given(size=SIZES, rounds=ROUNDS, seed=SEEDS)
def test_steps_are_numbered_from_zero_and_a_round_ends_before_the_next(
    size: int, rounds: int, seed: int
) -> None:
    steps = planned(size, rounds, seed).steps
    assert [step.order for step in steps] == list(range(size * rounds))
    assert [step.round for step in steps] == sorted(step.round for step in steps)


@given(size=SIZES, rounds=ROUNDS, seed=SEEDS)
def test_the_same_seed_gives_the_same_plan(size: int, rounds: int, seed: int) -> None:
    assert planned(size, rounds, seed) == planned(size, rounds, seed)


@given(cells=st.permutations(CELLS), seed=SEEDS)
def test_a_resumed_run_has_its_cells_in_another_order_and_the_same_plan(
    cells: list[Cell], seed: int
) -> None:
    assert make_plan(cells, SAMPLING, seed=seed) == make_plan(CELLS, SAMPLING, seed=seed)


def test_other_seeds_give_other_orders() -> None:
    orders = {tuple(map(tuple, rounds_of(planned(seed=seed)))) for seed in range(20)}
    assert len(orders) == 20


def test_each_round_has_an_order_of_its_own() -> None:
    orders = {tuple(batches) for batches in rounds_of(planned(rounds=20))}
    assert len(orders) == 20


def test_every_cell_comes_first_in_some_round() -> None:
    firsts = {batches[0] for batches in rounds_of(planned(size=4, rounds=60))}
    assert firsts == {1, 2, 3, 4}


def test_a_plans_cells_are_listed_once_in_the_order_of_their_first_session() -> None:
    plan = planned()
    assert [cell.batch for cell in plan.cells] == rounds_of(plan)[0]


def test_the_cells_that_were_given_are_left_in_their_order() -> None:
    given_cells = list(CELLS)
    make_plan(given_cells, SAMPLING, seed=1)
    assert given_cells == CELLS


def test_no_cells_make_an_empty_plan() -> None:
    assert make_plan([], SAMPLING, seed=0).steps == ()


def test_a_done_cell_counts_under_another_seed_but_not_under_another_sampling() -> None:
    plan = planned()
    assert plan.cell_hash(CELL) == planned(seed=1).cell_hash(CELL)
    assert plan.cell_hash(CELL) != planned(rounds=4).cell_hash(CELL)
    assert plan.cell_hash(CELL) != plan.cell_hash(replace(CELL, batch=2))


def by_turns(cells: list[Cell], rounds: int = 3) -> Plan:
    return make_plan(cells, replace(SAMPLING, sessions=rounds, laps=4), seed=1)


NETS = [
    replace(CELL, variant=net, model_hash=net, runner=runner, batch=batch)
    for net in ("a", "b", "c")
    for runner in ("fast", "slow")
    for batch in (1, 4)
]


def test_cells_that_are_measured_alone_have_no_turn() -> None:
    assert all(len(steps) == 1 and steps[0].turn is None for steps in planned().together)


def test_the_cells_of_a_table_are_together_once_a_round() -> None:
    together = list(by_turns(NETS).together)
    assert [len(steps) for steps in together] == [6] * 6
    for steps in together:
        assert len({(step.cell.batch, step.round) for step in steps}) == 1
        assert {step.turn for step in steps} == {steps[0].order}
    assert {frozenset(step.cell.batch for step in steps) for steps in together} == {
        frozenset({1}), frozenset({4}),
    }  # fmt: skip


def test_the_cells_of_a_net_follow_each_other_within_a_turn() -> None:
    for steps in by_turns(NETS).together:
        nets = [step.cell.variant for step in steps]
        assert nets == [net for net in dict.fromkeys(nets) for _ in range(2)]


def test_a_table_of_more_cells_than_can_be_open_is_parted_between_nets() -> None:
    many = [
        replace(CELL, variant=f"{net:03}", model_hash=f"{net}", runner=runner)
        for net in range(50)
        for runner in ("r", "s", "t")
    ]
    together = list(by_turns(many, rounds=1).together)
    assert [len(steps) for steps in together if len(steps) > MOST_ARMS] == []
    assert sum(map(len, together)) == 150
    for steps in together:
        assert set(Counter(step.cell.variant for step in steps).values()) == {3}


def test_a_cell_takes_turns_with_those_of_its_table() -> None:
    plan = by_turns(NETS)
    for one in NETS:
        alike = {other.id for other in NETS if other.batch == one.batch}
        assert set(plan.groups[one.id]) == alike
