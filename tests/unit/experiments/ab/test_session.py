"""A session of two arms, with real processes of fake runners."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from bench.core.cell import TargetSpec
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.session import SessionRunner
from bench.launcher.client import Worker, open_worker
from bench.storage.schema.ab import AbSession, ArmFailed, Cause
from bench.storage.schema.common import Failed
from bench.targets.base import Readings
from tests.fakes.ab_sessions import PYTHON, Measure
from tests.fakes.arms import NS, as_long_as_claimed
from tests.fakes.targets import FakeTarget


@pytest.mark.parametrize("dropped", [0, 1])
def test_a_burst_needs_a_sample_beside_those_that_are_dropped(dropped: int) -> None:
    """One sample is a burst where nothing is dropped, as of commands; else it has no figure."""
    arms = {name: {"kind": "command", "pid": 1, "warmup_ns": []} for name in ("base", "head")}
    bursts = [{"arm": "head", "ns": [1]}, {"arm": "base", "ns": [1]}]

    class OneEach:
        cause: Cause = "both"

        def __call__(self, *_: Any, **__: Any) -> Mapping[str, Any]:
            return {"arms": arms, "bursts": bursts}

    runner = SessionRunner(
        rule=Rule(pairs=1, least_calls=dropped + 1, dropped=dropped),
        target=FakeTarget(dict),
        alternate=OneEach(),
        scrub=str,
        clock=as_long_as_claimed,
    )
    found = runner({}, order=0, round_=0, chance=random.Random(0))  # noqa: S311 - no secret
    assert isinstance(found, ArmFailed) == bool(dropped)
    if isinstance(found, ArmFailed):
        assert isinstance(found.why, Failed)
        assert (found.arm, found.why.failure) == ("head", "garbage-reply")
        assert "no sample beside those that are dropped" in found.why.message


def test_a_session_holds_both_arms_and_every_burst_in_order(measure: Measure) -> None:
    found = measure("Steady", "Slower")
    assert isinstance(found, AbSession)
    assert [len(it.ns) for it in found.bursts] == [5] * 8
    assert {(it.arm, ns) for it in found.bursts for ns in it.ns} == {
        ("base", NS),
        ("head", NS * 11 // 10),
    }
    assert (found.order, found.round, found.cores) == (3, 1, [])
    assert found.before == found.after == {"load_1m": 0.5}
    pids = {arm.pid for arm in found.arms.values()}
    assert len(pids | {os.getpid()}) == 3
    for arm in found.nets.values():
        assert arm.facts["engine"] == "fake 1.0"
        assert arm.relative_l2 < 1e-6
        assert arm.steady
        assert len(arm.warmup_ns) >= 5
        assert {"cpu_s", "involuntary_switches", "peak_rss_mib"} == set(arm.covariates)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a thread waited")
def test_a_burst_is_kept_with_what_its_threads_had_of_the_cpu_and_waited(measure: Measure) -> None:
    found = measure("Works", "Works")
    assert isinstance(found, AbSession)
    for burst in found.bursts:
        assert burst.wait_ns is not None
        assert burst.wall_ns is not None
        assert burst.cpu_ns is not None
        assert 0.9 * 20_000_000 * len(burst.ns) < burst.cpu_ns <= burst.wall_ns + 1_000_000
        assert burst.canary_ns is not None
        assert burst.minor_faults is not None
    starts = [burst.started_ns or 0 for burst in found.bursts]
    assert starts == sorted(starts), "one clock for both processes"
    assert len(set(starts)) == len(starts) > 1


class Equipped(FakeTarget):
    """A place whose children need something, as a GPU's do."""

    def child_env(self, python: Path) -> Mapping[str, str]:
        return {"OF_THE_PLACE": python.name}

    def __init__(self, held_back: int = 0, **how: Any) -> None:
        super().__init__(**how)
        self.left = held_back

    def needs_retry(self, session: Readings) -> bool:
        assert "cpu_s" in session.covariates
        self.left -= 1
        return self.left >= 0


@pytest.mark.parametrize(("held_back", "sessions"), [(0, 1), (1, 2), (9, 3)])
def test_a_session_that_was_held_back_is_repeated_a_few_times_at_most(
    held_back: int, sessions: int, measure: Measure
) -> None:
    opened: list[str] = []

    def noting(request: dict[str, Any], **how: Any) -> AbstractContextManager[Worker]:
        opened.append(request["runner"])
        return open_worker(request, **how)

    found = measure(opening=noting, target=Equipped(held_back))
    assert isinstance(found, AbSession)
    assert len(opened) == 2 * sessions


def test_a_session_whose_place_came_back_is_repeated(measure: Measure) -> None:
    target = FakeTarget(returns=[True] * 9)
    assert isinstance(measure("LeavesInABurst", target=target), ArmFailed)
    assert [it.kind for it in target.failures] == ["no-reply"] * 3


def test_an_arm_is_told_where_it_runs_and_gets_what_the_place_gives_its_children(
    measure: Measure,
) -> None:
    target = Equipped(spec=TargetSpec(kind="nvidia-gpu", device="GPU-1"))
    found = measure("Targeted", "Targeted", target=target)
    assert isinstance(found, AbSession)
    for arm in found.arms.values():
        assert (arm.facts["at"], arm.facts["of_the_place"]) == ("nvidia-gpu", PYTHON.name)


def test_which_arm_is_started_first_is_chance(measure: Measure) -> None:
    firsts = set()
    for seed in (0, 1):
        found = measure(seed=seed)
        assert isinstance(found, AbSession)
        firsts.add(found.opened[0])
    assert firsts == {"base", "head"}


def test_both_arms_are_bound_to_the_same_core(measure: Measure) -> None:
    core = max(os.sched_getaffinity(0))
    found = measure(cores=[core])
    assert isinstance(found, AbSession)
    assert found.cores == [core]
    assert {arm.facts["affinity"] for arm in found.arms.values()} == {str(core)}


def test_what_an_engine_prints_garbles_nothing(measure: Measure) -> None:
    found = measure("Talks", "Talks")
    assert isinstance(found, AbSession)
    assert {ns for it in found.bursts for ns in it.ns} == {NS}


def test_an_arm_that_falls_while_tearing_down_has_done_its_work(measure: Measure) -> None:
    assert isinstance(measure("FallsOnTheWayDown"), AbSession)
