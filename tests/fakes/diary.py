"""A session that writes down what is asked of it, and measure() on it in this process."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.core.cell import Cell, TargetSpec
from bench.core.protocol import SessionRequest
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds
from bench.worker.session import State, measure
from tests.fakes import converter
from tests.fakes.net import answers
from tests.fakes.values import CELL, SAMPLING

Call = Callable[..., list[Any]]


class Diary:
    """Runs the fake net; each call is a line of the artifact's file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.facts: Mapping[str, str] = {"engine": "diary", "python": "the engine's own"}

    def note(self, what: str) -> None:
        with self._path.open("a") as file:
            file.write(what + "\n")

    def infer(self, feeds: Tensors) -> Tensors:
        self.note("infer")
        return answers(feeds)

    def sample(self, count: int) -> list[Nanoseconds]:
        self.note(f"sample {count}, collector {'on' if gc.isenabled() else 'off'}")
        return [Nanoseconds(100 + n) for n in range(count)]


class DiaryRunner:
    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[Diary]:
        session = self.session(artifact)
        session.note(f"open batch {cell.batch}")
        yield session
        session.note("close")

    def session(self, artifact: Path) -> Diary:
        return Diary(artifact)


def measuring(folder: Path) -> Call:
    """Return what measures with a runner and gives the replies; the diary is kept in `folder`."""
    converter.export({"input": [3, 8, 8]}, {"batches": [1], "input_seed": 0}, folder)

    def measured(runner: type, **sampling: Any) -> list[Any]:
        request = SessionRequest(
            runner=f"{runner.__module__}:{runner.__name__}",
            target=TargetSpec(kind="cpu"),
            cell=CELL,
            sampling=type(SAMPLING)(**{**SAMPLING.to_json(), **sampling}),
            artifact=folder / "diary",
            reference=folder / "b1" / "reference.npz",
            tolerance=1e-4,
        )
        with ExitStack() as stack:
            answer = measure(State(stack), request.to_json())
            Diary(folder / "diary").note("reply")
        return [answer]

    return measured


def diary(folder: Path) -> list[str]:
    return (folder / "diary").read_text().splitlines()
