"""What runs in which order: sessions of all cells interleaved in rounds. Pure and seeded."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TypeVar

from bench.core.cell import Cell, Sampling
from bench.core.digest import canonical_digest

Item = TypeVar("Item")

MOST_ARMS = 64
"""Cells that are open at once at most: each takes a process and four file descriptors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One session: the `order`-th of the run, in round `round` (both from 0).

    Steps of the same `turn` are to be alive together, None: it is alone.
    """

    order: int
    round: int
    cell: Cell
    turn: int | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The steps of a run; the same cells, sampling and seed give the same plan."""

    seed: int
    sampling: Sampling
    steps: tuple[Step, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The plan's cells in the order in which they are first measured."""
        return tuple(dict.fromkeys(step.cell for step in self.steps))

    @property
    def together(self) -> Iterator[tuple[Step, ...]]:
        """The steps in order, those of a turn together."""
        for _, steps in groupby(self.steps, _alone_or_together):
            yield tuple(steps)

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the cells that a cell takes turns with, itself included, by its id."""
        first = [steps for steps in self.together if steps[0].round == 0]
        ids = [tuple(step.cell.id for step in steps) for steps in first]
        return {cell_id: group for group in ids for cell_id in group}

    def cell_hash(self, cell: Cell) -> str:
        """Return what a stored record of `cell` must bear to count as done under this plan."""
        return canonical_digest([cell.id, self.sampling.to_json()])


def _alone_or_together(step: Step) -> int:
    return -1 - step.order if step.turn is None else step.turn


def make_plan(cells: Sequence[Cell], sampling: Sampling, *, seed: int) -> Plan:
    """Return every cell once a round, each round in a random order of its own.

    There are as many rounds as a cell may get sessions; which of the later ones are run is
    `bench.analysis.stopping`'s to say. Where cells take turns, those of a table do: they agree in
    batch, threads, precision and input. The cells of a net then follow each other, so that a
    machine with too little memory for all of a table has all engines of a net open at once.

    Drift of the machine then spreads over all cells alike instead of over the last ones.
    """
    shuffler = random.Random(seed)  # noqa: S311 - an order, not a secret
    steps: list[Step] = []
    tables = _tables(sorted(cells, key=lambda cell: cell.id), sampling)
    for number in range(sampling.most_sessions):
        order = list(tables)
        shuffler.shuffle(order)
        for table in order:
            turn = None if sampling.laps is None else len(steps)
            for cell in net_by_net(table, _net, shuffler):
                steps.append(Step(order=len(steps), round=number, cell=cell, turn=turn))
    return Plan(seed=seed, sampling=sampling, steps=tuple(steps))


def _tables(cells: Sequence[Cell], sampling: Sampling) -> list[list[Cell]]:
    """Return the cells that are open at once; one each where they don't take turns."""
    if sampling.laps is None:
        return [[cell] for cell in cells]
    tables: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        work = (cell.batch, cell.threads, cell.precision, cell.input)
        tables.setdefault(work, []).append(cell)
    return [
        part for table in tables.values() for part in _within(sorted(table, key=_net), MOST_ARMS)
    ]


def _within(table: list[Cell], most: int) -> Iterator[list[Cell]]:
    """Yield a table's cells in parts of `most` at most, a net's together where they fit."""
    part: list[Cell] = []
    for _, group in groupby(table, _net):
        cells = list(group)
        if len(part) + len(cells) > most and part:
            yield part
            part = []
        part += cells
    yield from (part[at : at + most] for at in range(0, len(part), most))


def _net(cell: Cell) -> tuple[str, str]:
    return cell.variant, cell.model_hash


def net_by_net(
    items: Iterable[Item], net_of: Callable[[Item], object], chance: random.Random
) -> list[Item]:
    """Return `items` net by net, the nets and the items of each in random order."""
    nets: dict[object, list[Item]] = {}
    for item in items:
        nets.setdefault(net_of(item), []).append(item)
    order = list(nets.values())
    chance.shuffle(order)
    for group in order:
        chance.shuffle(group)
    return [item for group in order for item in group]
