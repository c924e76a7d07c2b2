"""A session whose engine works in another process: whose threads and usage are read."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.core.protocol import SessionRequest
from bench.runners.base import NO_CAPABILITIES, Capability, Usage
from bench.worker import commands
from bench.worker import session as worker
from bench.worker.commands import bind
from bench.worker.process import process_of, spent
from bench.worker.session import State, sample_session
from bench.worker.threads import TASKS, Thread
from tests.fakes.arms import NS, ArmSession
from tests.fakes.values import CELL, SAMPLING, cell

MonkeyPatch = pytest.MonkeyPatch
ELSEWHERE = Path("/proc/4321/task")
REMOTE: frozenset[Capability] = frozenset({"remote"})


class Elsewhere(ArmSession):
    """Works in process 4321, which uses 2 s and is pushed off its core 3 times between readings."""

    pid = 4321

    def __init__(self) -> None:
        super().__init__(NS)
        self.readings = 0

    def usage(self) -> Usage:
        self.readings += 1
        return Usage(
            involuntary_switches=3 * self.readings,
            cpu_s=2.0 * self.readings,
            peak_rss_mib=100.0 + self.readings,
        )


@pytest.fixture
def read(monkeypatch: MonkeyPatch) -> list[Path]:
    """The task folders that were read; in each, two threads work by turns with one that doesn't."""
    folders: list[Path] = []

    def threads(tasks: Path = TASKS) -> Mapping[str, Thread]:
        folders.append(tasks)
        return {"1": Thread(1000 * len(folders), 0), "2": Thread(900 * len(folders), 1)}

    monkeypatch.setattr(worker, "read_threads", threads)
    monkeypatch.setattr(commands, "read_threads", threads)
    return folders


def request() -> SessionRequest:
    return SessionRequest(
        runner="m:C", cell=CELL, sampling=SAMPLING, artifact=Path("/a"), reference=Path("/r"),
        tolerance=1e-4,
    )  # fmt: skip


def state(asked: SessionRequest) -> State:
    opened = State(ExitStack())
    opened.hold(Elsewhere(), asked, REMOTE)
    return opened


def test_the_process_that_works_is_the_sessions_where_it_names_one() -> None:
    there = process_of(Elsewhere(), REMOTE)
    here = process_of(ArmSession(NS), NO_CAPABILITIES)
    assert (there.tasks, here.tasks) == (ELSEWHERE, TASKS)
    assert there.usage().cpu_s == 2
    own = here.usage()
    assert own.cpu_s > 0
    assert own.peak_rss_mib > 1


def test_what_was_used_is_the_difference_of_two_readings() -> None:
    before = Usage(involuntary_switches=5, cpu_s=1.25, peak_rss_mib=80.0)
    after = Usage(involuntary_switches=7, cpu_s=1.5000001, peak_rss_mib=90.0)
    assert spent(before, after) == {"involuntary_switches": 2, "cpu_s": 0.25}


def test_a_measured_session_has_the_facts_of_the_process_that_works(read: list[Path]) -> None:
    told = sample_session(state(request()).current)
    assert set(read) == {ELSEWHERE}
    assert told["facts"] == {"threads_worked": "2", "cores_worked": "0,1"}
    told["covariates"].pop("package_energy_j", None)  # where this machine may read it
    assert told["covariates"] == {"involuntary_switches": 3, "cpu_s": 2.0, "peak_rss_mib": 102.0}


def test_an_arm_tells_at_the_end_what_the_process_that_works_has_used(read: list[Path]) -> None:
    opened = state(request())
    commands.warm(opened, {})
    commands.sample(opened, {"count": 3})
    assert commands.finish(opened, {}) == {
        "facts": {"threads_worked": "2", "cores_worked": "0,1"},
        "covariates": {"involuntary_switches": 3, "cpu_s": 2.0, "peak_rss_mib": 102.0},
    }
    gc.enable()
    assert set(read) == {ELSEWHERE}


def test_an_arm_binds_itself_and_the_process_that_works(monkeypatch: MonkeyPatch) -> None:
    bound: list[Any] = []
    monkeypatch.setattr(commands, "pin", lambda cores, tasks: bound.append((cores, tasks)))
    bind(process_of(ArmSession(NS), NO_CAPABILITIES), [1])
    assert bound == [([1], TASKS)]
    bound.clear()
    bind(process_of(Elsewhere(), REMOTE), [0])
    assert sorted(bound) == [([0], ELSEWHERE), ([0], TASKS)]


def test_an_arm_of_two_threads_rests_until_those_of_that_process_do(
    read: list[Path], monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    commands.rest(state(replace(request(), cell=cell(threads=2))), {"paused": True})
    assert set(read) == {ELSEWHERE}
