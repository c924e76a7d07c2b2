"""An arm without figures ends its session, by its name and the kind of fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import pytest

from bench.launcher.client import Worker, open_worker
from bench.storage.schema.ab import AbSession, ArmName
from tests.fakes.ab_sessions import Measure, failed, skipped
from tests.fakes.arms import NS
from tests.fakes.records import costs
from tests.unit.launcher.test_process import is_running

SAID = "the engine said this before it fell"


def test_an_arm_faster_than_any_core_fails_and_the_other_is_not_blamed(measure: Measure) -> None:
    least_9_6_ms = costs(macs=3_000_000_000)
    found = measure("Steady", "Faster", net=least_9_6_ms)
    failing, why = failed(found)
    assert (failing, why.failure) == ("head", "impossible")
    assert "no inference takes less than 9.62 ms" in why.message
    assert isinstance(measure("Steady", "Slower", net=least_9_6_ms), AbSession)


@pytest.mark.parametrize(
    ("arm", "runner", "kind", "message"),
    [
        ("base", "CrashesWhileOpening", "abort", "the child died of SIGABRT"),
        ("base", "CrashesInABurst", "crash", "the child died of SIGSEGV"),
        ("head", "CrashesInABurst", "crash", "the child died of SIGSEGV"),
        ("head", "RaisesInABurst", "error", "RuntimeError: the ENGINE's own words"),
        ("base", "LeavesInABurst", "no-reply", "the child ended with status 0 and left no reply"),
        ("head", "ForgetsASample", "garbage-reply", "4 durations for a burst of 5 inferences"),
        ("base", "NegativeInABurst", "garbage-reply", "the arm's durations aren't whole numbers"),
        ("head", "GarblesItsPipe", "garbage-reply", "the worker's answer isn't one"),
        ("base", "WrongOutput", "wrong-output", "the output is 0.01 away"),
        ("head", "NoSuchRunner", "error", "AttributeError"),
    ],
)
def test_an_arm_that_gives_no_figures_ends_the_session_by_its_name_and_kind(
    arm: ArmName, runner: str, kind: str, message: str, measure: Measure
) -> None:
    found = measure(**{arm: runner})
    failing, why = failed(found)
    assert (failing, why.failure) == (arm, kind)
    assert message in why.message
    assert why.hint


class _Meddled:
    """A worker with other `answers` by operation."""

    def __init__(self, worker: Worker, answers: Mapping[str, dict[str, Any]]) -> None:
        self.pid, self.garbage, self.worker, self.answers = (
            worker.pid,
            worker.garbage,
            worker,
            answers,
        )

    def first(self, **how: Any) -> dict[str, Any]:
        return {**self.worker.first(**how), **self.answers.get("open", {})}

    def call(self, operation: str, **how: Any) -> dict[str, Any]:
        return {**self.worker.call(operation, **how), **self.answers.get(operation, {})}


@contextmanager
def meddled(
    request: dict[str, Any], *, answers: Mapping[str, dict[str, Any]], **how: Any
) -> Iterator[Any]:
    """Open a worker whose answers are changed."""
    with open_worker(request, **how) as worker:
        yield _Meddled(worker, answers)


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("open", {"facts": ["engine"]}), ("open", {"load_ns": "long"}),
        ("warm_up", {"warmup_ns": 5}), ("sample", {"samples_ns": {"1": 5}}),
        ("sample", {"samples_ns": [True] * 5}), ("sample", {"cpu_ns": "much"}),
        ("finish", {"facts": 7}),
    ],
)  # fmt: skip
def test_an_arm_s_answer_of_another_form_is_garbage(
    operation: str, answer: dict[str, Any], measure: Measure
) -> None:
    found = measure(opening=partial(meddled, answers={operation: answer}))
    _, why = failed(found)
    assert why.failure == "garbage-reply"


def test_a_crash_keeps_the_engine_s_last_words_scrubbed(measure: Measure) -> None:
    found = measure("CrashesInABurst")
    _, why = failed(found)
    assert SAID.replace("engine", "ENGINE") in why.log_tail


def test_an_arm_that_hangs_in_a_burst_ends_at_its_time_out(measure: Measure) -> None:
    found = measure(head="HangsInABurst", timeout_s=3.0)
    failing, why = failed(found)
    assert (failing, why.failure) == ("head", "timeout")
    assert "3 s" in why.message


def test_a_runner_whose_sessions_run_on_a_device_is_refused_in_a_sentence(
    measure: Measure,
) -> None:
    found = measure("OnADevice")
    assert "on a device" in skipped(found).reason


def test_an_arm_of_another_protocol_is_refused_in_a_sentence(measure: Measure) -> None:
    def in_protocol_99(request: dict[str, Any], **how: Any) -> AbstractContextManager[Worker]:
        return open_worker({**request, "protocol": 99}, **how)

    found = measure(opening=in_protocol_99)
    assert "the request is in 99" in skipped(found).reason


@pytest.mark.parametrize("head", ["Steady", "CrashesInABurst", "HangsInABurst"])
def test_no_process_is_left_behind(head: str, measure: Measure) -> None:
    pids: list[int] = []

    def noting(request: dict[str, Any], **how: Any) -> AbstractContextManager[Worker]:
        return _Noting(open_worker(request, **how), pids)

    measure(head=head, timeout_s=3.0, opening=noting)
    assert len(pids) == 2
    assert not any(is_running(pid) for pid in pids)


class _Noting(AbstractContextManager[Worker]):
    """An arm whose process id is noted."""

    def __init__(self, arm: AbstractContextManager[Worker], pids: list[int]) -> None:
        self._arm = arm
        self._pids = pids

    def __enter__(self) -> Worker:
        live = self._arm.__enter__()
        self._pids.append(live.pid)
        return live

    def __exit__(self, *why: Any) -> bool | None:
        return self._arm.__exit__(*why)


@pytest.mark.parametrize(
    ("operation", "claims"),
    [
        ("open", {"load_ns": 1 << 50}), ("open", {"first_inference_ns": 1 << 62}),
        ("warm_up", {"warmup_ns": [NS] * 100_000}), ("sample", {"samples_ns": [10**12] * 5}),
    ],
)  # fmt: skip
def test_arms_that_claim_more_time_than_passed_are_garbage(
    operation: str, claims: dict[str, Any], measure: Measure
) -> None:
    found = measure(opening=partial(meddled, answers={operation: claims}))
    _, why = failed(found)
    assert why.failure == "garbage-reply"
    assert "s that passed" in why.message or "first_inference_ns" in why.message
