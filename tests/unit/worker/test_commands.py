"""An arm's own side, without a process: its commands, its quiet, its request."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.core.arm_protocol import PROTOCOL, ArmRequest
from bench.core.errors import BenchError, Unavailable
from bench.worker.commands import obey, rest_of
from bench.worker.threads import Thread, pin, wait_until_quiet
from tests.fakes.arms import NS, ArmSession
from tests.fakes.values import CELL, SAMPLING, cell

REQUEST = ArmRequest(
    runner="m:C", cell=CELL, sampling=SAMPLING, artifact=Path("/a"), reference=Path("/r"),
    tolerance=1e-4, cores=[0], replies_fd=9,
)  # fmt: skip


def answers(*commands: Mapping[str, object]) -> list[Mapping[str, Any]]:
    sent: list[Mapping[str, Any]] = []
    lines = [json.dumps(it) for it in commands]
    obey(ArmSession(NS), REQUEST, lines, sent.append, lambda: sent.append({"rested": True}))
    return sent


def test_each_command_has_one_answer_and_quit_is_the_last() -> None:
    told = answers({"warm": True}, {"sample": 3}, {"quit": True}, {"sample": 5})
    warm, burst, bye = (it for it in told if "rested" not in it)
    assert len(warm["warm"]["ns"]) >= SAMPLING.warmup_calls
    assert burst == {"ns": [NS] * 3}
    assert set(bye["bye"]) == {"facts", "covariates"}


def test_an_arm_leaves_when_its_commands_end() -> None:
    assert answers({"sample": 1})[-1] == {"ns": [NS]}


def test_an_arm_has_come_to_rest_before_it_answers() -> None:
    told = answers({"warm": True}, {"sample": 3})
    assert [next(iter(it)) for it in told] == ["rested", "warm", "rested", "ns"]


def test_only_more_than_one_thread_takes_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr("time.sleep", naps.append)
    rest_of(REQUEST)()
    assert naps == []
    rest_of(replace(REQUEST, cell=cell(threads=2)))()
    assert naps != []


def test_an_unknown_command_is_an_error() -> None:
    with pytest.raises(BenchError, match="no command"):
        answers({"dance": 1})


def test_a_request_survives_its_way_through_json() -> None:
    assert ArmRequest.from_json(json.loads(json.dumps(REQUEST.to_json()))) == REQUEST


@pytest.mark.parametrize("form", [PROTOCOL + 1, None])
def test_a_request_of_another_form_is_refused_with_both_forms(form: int | None) -> None:
    with pytest.raises(Unavailable, match=f"speaks form {PROTOCOL} and was asked in form {form}"):
        ArmRequest.from_json({**REQUEST.to_json(), "protocol": form})


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
