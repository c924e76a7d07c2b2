"""What runs in which order: sessions of all cells interleaved in rounds. Pure and seeded."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.core.cell import Cell, Sampling
from bench.core.digest import canonical_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One session: the `order`-th of the run, in round `round` (both from 0)."""

    order: int
    round: int
    cell: Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps of a run; the same cells, sampling and seed give the same plan."""

    seed: int
    sampling: Sampling
    steps: tuple[Step, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The plan's cells in the order in which they are first measured."""
        return tuple(dict.fromkeys(step.cell for step in self.steps))

    def cell_hash(self, cell: Cell) -> str:
        """Return what a stored record of `cell` must bear to count as done under this plan."""
        return canonical_digest([cell.id, self.sampling.to_json()])


def make_plan(cells: Sequence[Cell], sampling: Sampling, *, seed: int) -> Plan:
    """Return every cell once a round, each round in a random order of its own.

    There are as many rounds as a cell may get sessions; which of the later ones are run is
    `bench.analysis.stopping`'s to say.

    Drift of the machine then spreads over all cells alike instead of over the last ones.
    """
    shuffler = random.Random(seed)  # noqa: S311 - an order, not a secret
    steps: list[Step] = []
    for number in range(sampling.most_sessions):
        order = sorted(cells, key=lambda cell: cell.id)  # a resumed run has them in another order
        shuffler.shuffle(order)
        steps += [
            Step(order=len(steps) + index, round=number, cell=cell)
            for index, cell in enumerate(order)
        ]
    return Plan(seed=seed, sampling=sampling, steps=tuple(steps))
