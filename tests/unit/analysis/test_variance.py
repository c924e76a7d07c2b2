"""Iteration, session and round, told apart on data made with known components."""

from __future__ import annotations

import math
import random

import pytest

from bench.analysis.variance import Components, components


def made(
    iteration: float, session: float, round_: float, *, cells: int = 20, rounds: int = 30
) -> dict[str, dict[int, list[int]]]:
    """Return samples (ns) whose logarithms have these standard deviations."""
    draw = random.Random(1)  # noqa: S311
    drift = [draw.gauss(0, round_) for _ in range(rounds)]
    table: dict[str, dict[int, list[int]]] = {}
    for cell in range(cells):
        base = math.log(2e6 * (cell + 1))
        table[str(cell)] = {}
        for number in range(rounds):
            level = base + drift[number] + draw.gauss(0, session)
            samples = [round(math.exp(level + draw.gauss(0, iteration))) for _ in range(41)]
            table[str(cell)][number] = samples
    return table


@pytest.mark.parametrize(
    ("iteration", "session", "round_"), [(0.02, 0.06, 0.03), (0.05, 0.02, 0.10), (0.01, 0.03, 0.0)]
)
def test_the_components_are_found_again(iteration: float, session: float, round_: float) -> None:
    found = components(made(iteration, session, round_))
    assert found is not None
    assert found.iteration == pytest.approx(iteration, rel=0.05)
    assert found.session == pytest.approx(session, rel=0.15)
    assert found.round == pytest.approx(round_, rel=0.4, abs=0.006)
    assert (found.cells, found.rounds, found.samples) == (20, 30, 41)


def test_only_rounds_that_every_cell_has_count() -> None:
    table = made(0.02, 0.02, 0.02, cells=3, rounds=6)
    del table["1"][5]
    found = components(table)
    assert found is not None
    assert found.rounds == 5


@pytest.mark.parametrize(
    "table", [{}, {"a": {0: [1, 2], 1: [1, 2]}}, {"a": {0: [1]}, "b": {0: [1]}}]
)
def test_too_little_to_tell_gives_nothing(table: dict[str, dict[int, list[int]]]) -> None:
    assert components(table) is None


def component(iteration: float, session: float, round_: float, samples: int = 25) -> Components:
    return Components(
        iteration=iteration, session=session, round=round_, cells=2, rounds=5, samples=samples
    )


@pytest.mark.parametrize(
    ("found", "advice"),
    [
        (component(0.02, 0.05, 0.01), "sessions_differ"),
        (component(0.02, 0.01, 0.08), "drifts"),
        (component(0.50, 0.01, 0.01), "samples_differ"),
    ],
)
def test_the_advice_follows_from_the_largest_share_of_a_figures_variance(
    found: Components, advice: str
) -> None:
    assert found.advice == advice
