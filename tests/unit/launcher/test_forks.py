"""Arms that are forked from a worker which has imported their engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL

import pytest

from bench.core.protocol import SessionRequest, request_for
from bench.launcher.client import Worker, WorkerFailed
from bench.launcher.forks import Forker, open_forker
from tests.fakes import converter
from tests.fakes.orphans import eventually
from tests.fakes.values import CELL, SAMPLING
from tests.unit.launcher.test_process import is_running

RUNNER = "tests.fakes.arms:Steady"


@pytest.fixture
def forker() -> Iterator[Forker]:
    with open_forker(RUNNER, python=Path(sys.executable), env={}, most=2) as opened:
        yield opened


@pytest.fixture
def arm(forker: Forker, tmp_path: Path) -> Worker:
    converter.export({"input": [3, 8, 8]}, {"batches": [1], "input_seed": 0}, tmp_path)
    request = SessionRequest(
        runner=RUNNER,
        cell=CELL,
        sampling=replace(SAMPLING, warmup_calls=2, warmup_s=0.0, warmup_cap_s=5.0),
        artifact=tmp_path / "b1" / "model.json",
        reference=tmp_path / "b1" / "reference.npz",
        tolerance=1e-4,
    )
    return forker.fork(request_for("open", **request.to_json()))


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_an_arm_is_stopped_whenever_it_has_nothing_to_do(arm: Worker) -> None:
    arm.first(timeout_s=60.0)
    assert eventually(lambda: state_of(arm.pid) == "T")
    for operation, more in (("warm_up", {}), ("sample", {"count": 2})):
        assert arm.call(operation, timeout_s=60.0, **more)
        assert eventually(lambda: state_of(arm.pid) == "T")


def test_an_arm_that_was_killed_is_a_value_with_its_signal(arm: Worker) -> None:
    arm.first(timeout_s=60.0)
    arm.process.kill()
    with pytest.raises(WorkerFailed) as failed:
        arm.call("warm_up", timeout_s=60.0)
    assert failed.value.failure.kind == "killed"


def test_an_arm_leaves_with_its_forker(forker: Forker, arm: Worker) -> None:
    arm.first(timeout_s=60.0)
    assert forker.left == 1
    assert is_running(arm.pid)
    forker.worker.process.kill()  # its guard: what it started goes with it
    assert eventually(lambda: not is_running(arm.pid))


def call_on(arm: Worker) -> None:
    """Call an arm that was killed: it may answer until the signal has reached it."""
    for _ in range(10_000):
        arm.call("warm_up", timeout_s=60.0)


@pytest.mark.parametrize("which", ["worker", "guard"])
def test_an_arm_whose_forker_was_killed_says_that_that_one_ended(
    which: str, forker: Forker, arm: Worker
) -> None:
    arm.first(timeout_s=60.0)
    os.kill({"worker": forker.worker.pid, "guard": forker.worker.process.pid}[which], SIGKILL)
    with pytest.raises(WorkerFailed) as failed:
        call_on(arm)
    failure = failed.value.failure
    assert failure.kind == "killed"
    assert failure.message == (
        "the process that had imported the engine ended, and this one with it: the child died of "
        "SIGKILL"
    )
    assert "--resume latest" in failure.hint
    assert "smaller batch" not in failure.hint


def test_each_arm_prints_into_a_log_of_its_own(forker: Forker) -> None:
    arms = [forker.fork(request_for("nothing of the kind")) for _ in range(2)]
    for one in arms:
        with pytest.raises(WorkerFailed) as failed:
            one.first(timeout_s=60.0)
        assert "a worker has no operation 'nothing of the kind'" in str(failed.value)
    assert len({one.folder for one in arms}) == 2
