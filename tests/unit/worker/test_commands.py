"""The operations of a session that stays open, without a process; an engine's quiet."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.core.errors import BenchError, Unavailable
from bench.core.protocol import PROTOCOL, SessionRequest, request_for
from bench.worker import commands
from bench.worker.__main__ import OPERATIONS, answer, work
from bench.worker.session import State
from bench.worker.threads import Thread, pin, wait_until_quiet
from tests.fakes.arms import NS, ArmSession
from tests.fakes.values import CELL, SAMPLING, cell

REQUEST = SessionRequest(
    runner="m:C", cell=CELL, sampling=SAMPLING, artifact=Path("/a"), reference=Path("/r"),
    tolerance=1e-4, cores=[0],
)  # fmt: skip


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    yield
    gc.enable()


def state(request: SessionRequest = REQUEST) -> State:
    opened = State(ExitStack())
    opened.hold(ArmSession(NS), request)
    opened.read_usage()
    return opened


def answers(*calls: Mapping[str, object]) -> list[Mapping[str, Any]]:
    sent: list[Mapping[str, Any]] = []
    answer(calls, state(), sent.append)
    return sent


def call(operation: str, **arguments: object) -> Mapping[str, object]:
    return {"operation": operation, **arguments}


def test_each_operation_has_one_answer_and_finish_is_the_last() -> None:
    warm, burst, last = answers(
        call("warm_up"), call("sample", count=3), call("finish"), call("sample", count=5)
    )
    assert len(warm["warmup_ns"]) >= SAMPLING.warmup_calls
    assert isinstance(warm["steady"], bool)
    assert burst["samples_ns"] == [NS] * 3
    assert set(last) == {"facts", "covariates"}


def test_the_answers_end_when_the_calls_do() -> None:
    assert [it["samples_ns"] for it in answers(call("sample", count=1))] == [[NS]]


def test_the_collector_is_off_from_the_warm_up_on() -> None:
    answers(call("warm_up"))
    assert not gc.isenabled()


def test_an_engine_has_come_to_rest_before_its_worker_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[str] = []
    monkeypatch.setattr(commands, "rest", lambda *_: order.append("rested"))
    calls = (call("warm_up"), call("sample", count=3))
    answer(calls, state(), lambda it: order.append(next(iter(it))))
    assert order == ["rested", "warmup_ns", "rested", "samples_ns"]


def test_only_more_than_one_thread_takes_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr("time.sleep", naps.append)
    commands.rest(state(), {})
    assert naps == []
    commands.rest(state(replace(REQUEST, cell=cell(threads=2))), {"paused": True})
    assert naps == []
    commands.rest(state(replace(REQUEST, cell=cell(threads=2))), {})
    assert naps != []


@pytest.mark.parametrize("operation", ["dance", None])
def test_an_unknown_operation_is_an_error(operation: str | None) -> None:
    with pytest.raises(BenchError, match=f"no operation '{operation}'"):
        answers({"operation": operation})


@pytest.mark.parametrize("operation", ["warm_up", "sample", "infer", "finish"])
def test_an_operation_on_no_session_is_an_error(operation: str) -> None:
    with pytest.raises(BenchError, match="no session is open"):
        OPERATIONS[operation](State(ExitStack()), {})


def test_a_session_without_a_sampling_is_not_warmed_up() -> None:
    with pytest.raises(BenchError, match="no sampling"):
        commands.warm(state(replace(REQUEST, sampling=None)), {})


@pytest.mark.parametrize("version", [PROTOCOL + 1, None])
def test_a_request_of_another_version_is_refused_with_both(version: int | None) -> None:
    request = {**request_for("measure"), "protocol": version}
    with pytest.raises(Unavailable, match=f"protocol {PROTOCOL}, and the request is in {version}"):
        work(request, lambda _: None)


def spinning(looks: int, ns_a_look: int = 12_000_000) -> Any:
    """Threads of which one works on for some looks."""
    taken = 0

    def read() -> dict[str, Thread]:
        nonlocal taken
        taken += 1
        return {"1": Thread(5, 0), "2": Thread(min(taken, looks) * ns_a_look, 0)}

    return read


@pytest.mark.parametrize(("looks", "slept"), [(1, 1), (20, 20), (10_000, 34)])
def test_an_arm_answers_once_its_threads_have_come_to_rest_or_at_the_cap(
    looks: int, slept: int
) -> None:
    naps: list[float] = []
    seconds = wait_until_quiet(spinning(looks), naps.append)
    assert seconds == pytest.approx(sum(naps))
    assert len(naps) == pytest.approx(slept, abs=1)


def test_where_threads_can_not_be_read_the_wait_is_one_look() -> None:
    naps: list[float] = []
    wait_until_quiet(dict, naps.append)
    assert len(naps) == 1


def test_every_thread_is_bound_and_one_that_has_ended_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("11", "12", "13", "self"):
        (tmp_path / name).mkdir()
    bound = {}

    def bind(tid: int, cores: list[int]) -> None:
        if tid == 12:
            raise ProcessLookupError
        bound[tid] = cores

    monkeypatch.setattr(os, "sched_setaffinity", bind, raising=False)
    pin([1], tmp_path)
    assert bound == {11: [1], 13: [1]}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a thread waited")
def test_a_burst_tells_what_its_threads_had_of_the_cpu_and_what_they_waited() -> None:
    [burst] = answers(call("sample", count=3))
    assert 0 < burst["cpu_ns"] <= burst["wall_ns"] + 1_000_000
    assert burst["wait_ns"] >= 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what happened to a thread")
def test_bursts_tell_when_they_began_how_fast_the_machine_was_and_what_happened() -> None:
    began = time.perf_counter_ns()
    first, second = answers(call("sample", count=3), call("sample", count=3))
    assert began < first["started_ns"] < second["started_ns"] < time.perf_counter_ns()
    assert 1000 < first["canary_ns"] < 1_000_000_000
    assert {"minor_faults", "major_faults", "collections", "steal_ms"} <= set(first)
