"""What a session's place has to say: to repeat it, and what its child's environment is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.environments.interpreters import Environments
from bench.launcher.process import ChildFailed, ChildResult
from bench.storage.schema.latency import JournalEntry
from bench.targets.base import Readings
from tests.fakes.sessions import STEP, Launch, launcher, replied
from tests.fakes.targets import FakeTarget

GONE = ChildFailed(kind="device-lost", message="it went away", hint="plug it in")


class Launches(Launch):
    """Answers with each of `results` in turn."""

    def __init__(self, *results: ChildResult) -> None:
        super().__init__(results[0])
        self.results = iter(results)

    def __call__(self, request: Mapping[str, Any], **options: Any) -> ChildResult:
        self.result = next(self.results)
        return super().__call__(request, **options)


def launched(target: FakeTarget, *results: ChildResult, environments: Environments) -> JournalEntry:
    return launcher(Launches(*results), environments, target=target)(STEP)


def test_a_session_whose_place_came_back_is_repeated(environments: Environments) -> None:
    target = FakeTarget(returns=[True, True])
    entry = launched(target, GONE, GONE, replied(), environments=environments)
    assert entry.session is not None
    assert target.failures == [GONE, GONE]


def test_a_session_whose_place_stays_away_has_failed_of_that(environments: Environments) -> None:
    entry = launched(FakeTarget(returns=[False]), GONE, replied(), environments=environments)
    assert entry.failed is not None
    assert entry.failed.failure == "device-lost"


def test_a_place_that_goes_away_every_time_is_not_tried_for_ever(
    environments: Environments,
) -> None:
    target = FakeTarget(returns=[True] * 9)
    entry = launched(target, *[GONE] * 3, environments=environments)
    assert entry.failed is not None
    assert len(target.failures) == 3


class HeldBack(FakeTarget):
    """A GPU's place: the first `times` sessions were held back."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def child_env(self, python: Path) -> Mapping[str, str]:
        assert python.is_absolute()
        return {"CUDA_VISIBLE_DEVICES": "GPU-1", "ENGINE_FLAG": "the place's"}

    def needs_retry(self, session: Readings) -> bool:
        assert session.covariates
        self.left -= 1
        return self.left >= 0


def test_a_session_that_was_held_back_is_repeated_and_the_next_one_stands(
    environments: Environments,
) -> None:
    results = [dataclasses.replace(replied(), pid=number) for number in (1, 2, 3)]
    entry = launched(HeldBack(1), *results, environments=environments)
    assert entry.session is not None
    assert entry.session.pid == 2


def test_of_sessions_that_are_held_back_every_time_the_last_one_stands(
    environments: Environments,
) -> None:
    results = [dataclasses.replace(replied(), pid=number) for number in (1, 2, 3, 4)]
    entry = launched(HeldBack(9), *results, environments=environments)
    assert entry.session is not None
    assert entry.session.pid == 3


def test_a_failed_session_is_none_that_was_held_back(environments: Environments) -> None:
    crash = ChildFailed(kind="crash", message="it fell", hint="look up")
    entry = launched(HeldBack(9), crash, replied(), environments=environments)
    assert entry.failed is not None
    assert entry.failed.failure == "crash"


def test_a_place_adds_to_its_childrens_environment(environments: Environments) -> None:
    launch = Launch(replied())
    launcher(launch, environments, target=HeldBack(0))(STEP)
    assert launch.options["env"] == {
        "OMP_NUM_THREADS": "3", "ENGINE_FLAG": "the place's", "CUDA_VISIBLE_DEVICES": "GPU-1",
    }  # fmt: skip
