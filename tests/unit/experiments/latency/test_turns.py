"""Cells that take turns, with real processes of fake runners forked from real workers."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bench.artifacts.builder import Artifact
from bench.environments.interpreters import Environments
from bench.experiments.latency.schedule import Step
from bench.experiments.latency.session import SessionLauncher
from bench.experiments.latency.turns import TurnLauncher
from bench.launcher.process import run_child
from bench.runners import RunnerEntry
from bench.storage.schema.latency import JournalEntry
from tests.fakes import converter
from tests.fakes.arms import NS, as_long_as_claimed
from tests.fakes.targets import FakeTarget
from tests.fakes.values import SAMPLING, cell
from tests.unit.launcher.test_process import is_running

LAPS = 4
RULE = replace(SAMPLING, laps=LAPS, warmup_calls=5, warmup_s=0.02, warmup_cap_s=5.0, timeout_s=60.0)
Measure = Callable[..., list[JournalEntry]]


def steps_of(*runners: str) -> list[Step]:
    cells = [cell(variant=f"net{index}", runner=name) for index, name in enumerate(runners)]
    return [Step(order=10 + i, round=1, cell=one, turn=10) for i, one in enumerate(cells)]


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    converter.export({"input": [3, 8, 8]}, {"batches": [1], "input_seed": 0}, tmp_path)
    made = tmp_path / "b1"

    def call(
        steps: Sequence[Step],
        *,
        has_room: Callable[[], bool] = lambda: True,
        remakes: Mapping[str, Callable[[], bool]] | None = None,
    ) -> list[JournalEntry]:
        artifact = Artifact(
            folder=made, main=made / "model.json", reference=made / "reference.npz", files={},
            facts={},
        )  # fmt: skip
        launcher = SessionLauncher(
            runners={
                step.cell.runner: RunnerEntry(
                    path=f"tests.fakes.{step.cell.runner.replace('-', ':')}", title="",
                    env="harness", artifact="fake", settings={},
                )
                for step in steps
            },
            environments=Environments(tmp_path),
            artifacts={
                step.cell: replace(artifact, remake=(remakes or {})[step.cell.runner])
                if step.cell.runner in (remakes or {})
                else artifact
                for step in steps
            },
            sampling=RULE, launch=run_child, target=FakeTarget(lambda: {"load_1m": 0.5}),
            scrub=str,
        )  # fmt: skip
        chance = random.Random(0)  # noqa: S311 - an order, not a secret
        turns = TurnLauncher(
            sessions=launcher, chance=chance, has_room=has_room, clock=as_long_as_claimed
        )
        return list(turns(steps))

    return call


def test_each_arm_has_a_fresh_process_and_one_burst_a_lap(measure: Measure) -> None:
    steps = steps_of("arms-Works", "arms-Works", "arms-WorksAndWaits")
    entries = measure(steps)
    assert [entry.cell_id for entry in entries] == [step.cell.id for step in steps]
    sessions = [entry.session for entry in entries if entry.session is not None]
    assert len({session.pid for session in sessions}) == 3
    assert {session.turn for session in sessions} == {10}
    assert len({session.started for session in sessions}) == 1
    assert [session.order for session in sessions] == [10, 11, 12]
    for session in sessions:
        assert session.bursts is not None
        assert len(session.bursts.samples) == LAPS
        assert set(session.bursts.samples) == {2}  # two at least: 25 ms of 20 ms each, or of more
        assert session.covariates["peak_rss_mib"]
    begins = sorted(
        (start, index)
        for index, session in enumerate(sessions)
        if session.bursts is not None
        for start in session.bursts.started_ns or ()
    )
    laps = [{index for _, index in begins[at : at + 3]} for at in range(0, 3 * LAPS, 3)]
    assert laps == [{0, 1, 2}] * LAPS
    assert not any(map(is_running, (session.pid for session in sessions)))


@pytest.mark.parametrize(
    ("runner", "failure"),
    [
        ("runner-Crash", "crash"),
        ("runner-Abort", "abort"),
        ("runner-Killed", "killed"),
        ("runner-SilentExit", "no-reply"),
        ("runner-ExitSeven", "no-reply"),
        ("runner-Raises", "error"),
        ("runner-WrongOutput", "wrong-output"),
        ("runner-NegativeSamples", "garbage-reply"),
        ("arms-CrashesInABurst", "crash"),
        ("arms-RaisesInABurst", "error"),
    ],
)
def test_what_becomes_of_one_arm_is_its_own(runner: str, failure: str, measure: Measure) -> None:
    one, bad, other = measure(steps_of("arms-Steady", runner, "arms-Steady"))
    assert one.session is not None
    assert other.session is not None
    assert one.session.samples_ns == [NS] * 3 * LAPS  # 25 ms of 10 ms each
    assert bad.failed is not None
    assert bad.failed.failure == failure


def test_an_arm_that_cannot_be_here_is_skipped(measure: Measure) -> None:
    one, absent = measure(steps_of("arms-Steady", "runner-NotHere"))
    assert one.session is not None
    assert absent.skipped is not None
    assert absent.skipped.reason == "this chip has no such unit"


def test_the_log_of_an_arm_is_its_own(measure: Measure) -> None:
    crashed, raised = measure(steps_of("runner-Crash", "runner-Raises"))
    assert crashed.failed is not None
    assert raised.failed is not None
    assert "the engine said this before it fell" in crashed.failed.log_tail
    assert "RuntimeError: the engine's own words" in raised.failed.log_tail
    assert "RuntimeError" not in crashed.failed.log_tail


def test_without_memory_for_all_the_rest_takes_turns_afterwards(measure: Measure) -> None:
    rooms = iter([True, False, True, True])
    entries = measure(steps_of(*["arms-Steady"] * 4), has_room=lambda: next(rooms))
    sessions = [entry.session for entry in entries if entry.session is not None]
    assert [session.turn for session in sessions] == [10, 10, 12, 12]
    assert len({(session.turn, session.started) for session in sessions}) == 2


@pytest.mark.parametrize(
    ("nets", "rooms", "turns"),
    [
        ("aabb", [True, True, False, True], [10, 10, 12, 12]),
        ("aaabb", [True, True, True, True], [10] * 5),
        ("aaa", [True, False], [10, 10, 12]),
        ("aab", [True, False], [10, 10, 12]),
    ],
)
def test_a_net_of_which_not_all_engines_fit_waits_whole_unless_it_is_alone(
    nets: str, rooms: list[bool], turns: list[int], measure: Measure
) -> None:
    left = iter(rooms)
    steps = [
        replace(step, cell=replace(step.cell, variant=net, threads=1 + step.order))
        for step, net in zip(steps_of(*["arms-Steady"] * len(nets)), nets, strict=True)
    ]
    entries = measure(steps, has_room=lambda: next(left))
    sessions = [entry.session for entry in entries if entry.session is not None]
    assert [session.turn for session in sessions] == turns
    assert [entry.cell_id for entry in entries] == [step.cell.id for step in steps]
    assert not any(map(is_running, (session.pid for session in sessions)))


def test_an_artifact_that_may_not_load_is_made_anew_once(measure: Measure) -> None:
    remade: list[str] = []

    def remake() -> bool:
        remade.append("made")
        return len(remade) == 1

    one, bad = measure(steps_of("arms-Steady", "runner-Raises"), remakes={"runner-Raises": remake})
    assert one.session is not None
    assert bad.failed is not None
    assert remade == ["made"]


def test_no_pipe_is_left_open(measure: Measure) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    measure(steps_of("arms-Steady", "runner-Crash", "arms-Steady"))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
