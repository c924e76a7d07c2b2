"""A session of two arms, with real processes of fake runners."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.core.cell import TargetSpec
from bench.core.protocol import SessionRequest
from bench.experiments.ab.alternators import TwoProcesses
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.session import SessionRunner
from bench.experiments.session import Start
from bench.launcher.client import Worker, open_worker
from bench.storage.schema.ab import AbSession, ArmFailed, ArmName, Cause
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import Costs
from bench.targets.base import Readings, Target
from tests.fakes import converter
from tests.fakes.arms import NS, as_long_as_claimed
from tests.fakes.records import costs
from tests.fakes.targets import FakeTarget
from tests.fakes.values import CELL, SAMPLING
from tests.unit.launcher.test_process import is_running

PYTHON = Path(sys.executable)
RULE = Rule(pairs=4, burst_s=0.05)
SAID = "the engine said this before it fell"

Measure = Callable[..., AbSession | ArmFailed]


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Run one session of two fake runners."""
    converter.export({"input": [3, 8, 8]}, {"batches": [1], "input_seed": 0}, tmp_path)
    made = tmp_path / "b1"

    def start(runner: str, cores: list[int] | None) -> Start:
        request = SessionRequest(
            runner=f"tests.fakes.arms:{runner}",
            cell=CELL,
            sampling=replace(SAMPLING, warmup_calls=5, warmup_s=0.02, warmup_cap_s=5.0),
            artifact=made / "model.json",
            reference=made / "reference.npz",
            tolerance=1e-4,
            cores=cores,
        )
        return Start(request=request, python=PYTHON, env={})

    def call(
        base: str = "Steady",
        head: str = "Steady",
        *,
        cores: list[int] | None = None,
        timeout_s: float = 60.0,
        seed: int = 0,
        opening: Callable[..., AbstractContextManager[Worker]] = open_worker,
        target: Target | None = None,
        net: Costs | None = None,
    ) -> AbSession | ArmFailed:
        runner = SessionRunner(
            rule=RULE,
            target=target or FakeTarget(lambda: {"load_1m": 0.5}),
            alternate=TwoProcesses(open_worker=opening, timeout_s=timeout_s),
            scrub=lambda text: text.replace("engine", "ENGINE"),
            clock=as_long_as_claimed,
        )
        starts: dict[ArmName, Start] = {
            "base": replace(start(base, cores), costs=net),
            "head": replace(start(head, cores), costs=net),
        }
        chance = random.Random(seed)  # noqa: S311 - an order, not a secret
        return runner(starts, order=3, round_=1, chance=chance)

    return call


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


def test_an_arm_faster_than_any_core_fails_and_the_other_is_not_blamed(measure: Measure) -> None:
    least_9_6_ms = costs(macs=3_000_000_000)
    found = measure("Steady", "Faster", net=least_9_6_ms)
    assert isinstance(found, ArmFailed)
    assert isinstance(found.why, Failed)
    assert (found.arm, found.why.failure) == ("head", "impossible")
    assert "no inference takes less than 9.62 ms" in found.why.message
    assert isinstance(measure("Steady", "Slower", net=least_9_6_ms), AbSession)


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
    assert isinstance(found, ArmFailed)
    assert found.arm == arm
    assert isinstance(found.why, Failed)
    assert found.why.failure == kind
    assert message in found.why.message
    assert found.why.hint


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
    @contextmanager
    def meddled(request: dict[str, Any], **how: Any) -> Iterator[Any]:
        with open_worker(request, **how) as worker:
            yield _Meddled(worker, {operation: answer})

    found = measure(opening=meddled)
    assert isinstance(found, ArmFailed)
    assert isinstance(found.why, Failed)
    assert found.why.failure == "garbage-reply"


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


def test_a_crash_keeps_the_engine_s_last_words_scrubbed(measure: Measure) -> None:
    found = measure("CrashesInABurst")
    assert isinstance(found, ArmFailed)
    assert isinstance(found.why, Failed)
    assert SAID.replace("engine", "ENGINE") in found.why.log_tail


def test_an_arm_that_hangs_in_a_burst_ends_at_its_time_out(measure: Measure) -> None:
    found = measure(head="HangsInABurst", timeout_s=3.0)
    assert isinstance(found, ArmFailed)
    assert isinstance(found.why, Failed)
    assert (found.arm, found.why.failure) == ("head", "timeout")
    assert "3 s" in found.why.message


def test_a_runner_whose_sessions_run_on_a_device_is_refused_in_a_sentence(
    measure: Measure,
) -> None:
    found = measure("OnADevice")
    assert isinstance(found, ArmFailed)
    assert isinstance(found.why, Skipped)
    assert "on a device" in found.why.reason


def test_an_arm_of_another_protocol_is_refused_in_a_sentence(measure: Measure) -> None:
    def in_protocol_99(request: dict[str, Any], **how: Any) -> AbstractContextManager[Worker]:
        return open_worker({**request, "protocol": 99}, **how)

    found = measure(opening=in_protocol_99)
    assert isinstance(found, ArmFailed)
    assert isinstance(found.why, Skipped)
    assert "the request is in 99" in found.why.reason


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
    @contextmanager
    def meddled(request: dict[str, Any], **how: Any) -> Iterator[Any]:
        with open_worker(request, **how) as worker:
            yield _Meddled(worker, {operation: claims})

    found = measure(opening=meddled)
    assert isinstance(found, ArmFailed)
    assert isinstance(found.why, Failed)
    assert found.why.failure == "garbage-reply"
    assert "s that passed" in found.why.message or "first_inference_ns" in found.why.message
