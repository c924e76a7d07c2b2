"""profile() in this process, on a fake session that writes down what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.protocol import SessionRequest
from bench.core.units import Nanoseconds
from bench.runners.base import Capability
from bench.runners.profiling import OperatorTime, Profile
from bench.worker.profile import profile
from bench.worker.session import State
from tests.fakes import converter
from tests.fakes.diary import Diary, DiaryRunner, diary
from tests.fakes.values import CELL, SAMPLING

TOOK = [(30, 9), (10, 7), (500, 8), (40, 900), (20, 6)]


class Profiling(Diary):
    """Each round has its own times; `renames`: one of them another graph too."""

    renames = False

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._rounds = 0

    def profile(self, count: int) -> Profile:
        self.note(f"profile {count}")
        names = "c" if self.renames and self._rounds == 4 else "a", "b"
        operators = [
            OperatorTime(name=name, type="Conv", ns=float(ns))
            for name, ns in zip(names, TOOK[self._rounds], strict=True)
        ]
        self._rounds += 1
        return Profile(samples_ns=[Nanoseconds(900)] * count, operators=operators)


class Renaming(Profiling):
    renames = True


class ProfilingRunner(DiaryRunner):
    capabilities: frozenset[Capability] = frozenset({"profiled"})

    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[Profiling]:
        yield self.session(artifact)

    def session(self, artifact: Path) -> Profiling:
        return Profiling(artifact)


class RenamingRunner(ProfilingRunner):
    def session(self, artifact: Path) -> Profiling:
        return Renaming(artifact)


def profiled(runner: type, folder: Path) -> dict[str, Any]:
    converter.export({"input": [3, 8, 8]}, {"batches": [1], "input_seed": 0}, folder)
    request = SessionRequest(
        runner=f"{runner.__module__}:{runner.__name__}",
        cell=CELL,
        sampling=replace(
            SAMPLING,
            samples=20,
            min_samples=10,
            warmup_calls=2,
            warmup_s=0.0,
            steady_tolerance=None,
        ),
        artifact=folder / "diary",
        reference=folder / "b1" / "reference.npz",
        tolerance=1e-4,
    )
    with ExitStack() as stack:
        return profile(State(stack), request.to_json())


def test_plain_and_profiled_inferences_alternate_after_a_check_and_a_warm_up(
    tmp_path: Path,
) -> None:
    answer = profiled(ProfilingRunner, tmp_path)
    words = [line.partition(",")[0] for line in diary(tmp_path)]
    assert words == ["infer", "sample 1", *["sample 4", "profile 4"] * 5]
    assert len(answer["plain_ns"]) == len(answer["profiled_ns"]) == 20
    assert answer["relative_l2"] == 0


def test_an_operator_takes_the_median_of_the_rounds(tmp_path: Path) -> None:
    first, second = profiled(ProfilingRunner, tmp_path)["operators"]
    assert first == {"name": "a", "type": "Conv", "ns": 30.0, "calls": 1.0, "kernel": ""}
    assert (second["name"], second["ns"]) == ("b", 8.0)


def test_of_rounds_with_other_graphs_the_one_in_the_middle_counts(tmp_path: Path) -> None:
    operators = profiled(RenamingRunner, tmp_path)["operators"]
    assert [(it["name"], it["ns"]) for it in operators] == [("a", 30.0), ("b", 9.0)]


def test_a_runner_that_declares_no_profile_is_refused_before_it_opens(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no profile by operator"):
        profiled(DiaryRunner, tmp_path)
    assert not (tmp_path / "diary").exists()
