"""A session of two models on a device, with real worker processes of fake runners."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.core.cell import TargetSpec
from bench.core.errors import DeviceNotFound
from bench.experiments.ab.alternators import DeviceProgram
from bench.experiments.session import Start
from bench.launcher.process import Replied, run_child
from bench.storage.schema.ab import AbSession, ArmFailed
from bench.storage.schema.common import Scalar
from tests.fakes import converter
from tests.fakes.ab_sessions import Measure, arm_start, failed, run_session, skipped
from tests.fakes.pairs import NS
from tests.fakes.targets import FakeTarget
from tests.fakes.values import CELL

PHONE = TargetSpec(kind="android", device="R58M", agent="/agent")


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Run one session of base with one thread and head with two."""
    for net, seed in (("net", 0), ("other", 1)):
        (tmp_path / net).mkdir()
        converter.export({"input": [3, 8, 8]}, {"batches": [1], "input_seed": seed}, tmp_path / net)

    def start(runner: str, threads: int, net: str = "net") -> Start:
        cell = replace(CELL, threads=threads)
        return arm_start(f"pairs:{runner}", tmp_path / net / "b1", cell=cell)

    def call(
        runner: str = "Alternating",
        *,
        seed: int = 0,
        returns: Iterable[bool] = (),
        read: Callable[[], dict[str, Scalar]] = lambda: {"battery_c": 30.0},
        timeout_s: float = 60.0,
        head: str = "net",
        launch: Callable[..., Any] = run_child,
    ) -> AbSession | ArmFailed:
        return run_session(
            start(runner, 1),
            start(runner, 2, head),
            target=FakeTarget(read, spec=PHONE, returns=returns),
            alternate=DeviceProgram(launch=launch, timeout_s=timeout_s),
            scrub=lambda text: text.replace("R58M", "PHONE"),
            seed=seed,
        )

    return call


def test_a_session_holds_both_arms_and_the_bursts_in_the_order_that_was_drawn(
    measure: Measure,
) -> None:
    found = measure()
    assert isinstance(found, AbSession)
    assert {(it.arm, tuple(it.ns)) for it in found.bursts} == {
        ("base", (NS + 1, NS)), ("head", (NS * 11 // 10 + 1, NS * 11 // 10)),
    }  # fmt: skip
    assert (found.order, found.round, found.cores) == (3, 1, [])
    assert found.before == found.after == {"battery_c": 30.0}
    base, head = found.nets["base"], found.nets["head"]
    assert base.pid == head.pid
    assert (base.facts["threads"], head.facts["threads"]) == ("1", "2")
    assert (base.facts["ran_at"], base.load_ns, head.load_ns) == ("android", 3 * NS, 33 * NS // 10)
    assert base.covariates == head.covariates == {"device_s": pytest.approx(0.4)}
    assert max(base.relative_l2, head.relative_l2) <= 1e-4


def test_which_arm_opens_and_which_burst_comes_first_is_drawn_from_the_seed(
    measure: Measure,
) -> None:
    sessions = [measure(seed=seed) for seed in (0, 0, 1, 2, 3)]
    drawn = [
        (it.opened, [burst.arm for burst in it.bursts])
        for it in sessions
        if isinstance(it, AbSession)
    ]
    assert drawn[0] == drawn[1]
    assert {opened[0] for opened, _ in drawn} == {"base", "head"}
    assert len({tuple(arms) for _, arms in drawn}) == 4


@pytest.mark.parametrize(
    ("runner", "arm", "kind", "said"),
    [
        ("WrongForTwoThreads", "head", "wrong-output", "relative L2"),
        ("CantLoadTwoThreads", "head", "error", "the model can't be loaded"),
        ("Lost", "both", "device-lost", "PHONE"),
        ("Crashes", "both", "crash", "SIGSEGV"),
        ("Unpaired", "both", "garbage-reply", "aren't a session"),
    ],
)
def test_what_goes_wrong_is_told_of_the_arm_that_is_the_cause(
    measure: Measure, runner: str, arm: str, kind: str, said: str
) -> None:
    found = measure(runner)
    failing, why = failed(found)
    assert (failing, why.failure) == (arm, kind)
    assert said in why.message
    assert "R58M" not in found.model_dump_json()


def test_a_program_that_hangs_is_ended(measure: Measure) -> None:
    found = measure("Hangs", timeout_s=2.0)
    failing, why = failed(found)
    assert (failing, why.failure) == ("both", "timeout")


def test_a_runner_of_one_model_is_no_arm(measure: Measure) -> None:
    found = measure("OneModel")
    assert "one model at a time" in skipped(found).reason


def test_nets_that_were_exported_with_different_inputs_are_refused(measure: Measure) -> None:
    found = measure(head="other")
    _, why = failed(found)
    assert "different inputs" in why.message


def test_a_session_whose_device_came_back_is_repeated(measure: Measure) -> None:
    tries = 0

    def first_is_lost(request: dict[str, Any], **how: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            lost = {"runner": "tests.fakes.pairs:Lost"}
            arms = {name: arm | lost for name, arm in request["arms"].items()}
            request = {**request, "arms": arms}
        return run_child(request, **how)

    assert isinstance(measure(launch=first_is_lost, returns=[True]), AbSession)
    assert tries == 2


def test_one_that_is_lost_each_time_is_given_up_after_a_few(measure: Measure) -> None:
    tries = 0

    def counted(*arguments: Any, **how: Any) -> Any:
        nonlocal tries
        tries += 1
        return run_child(*arguments, **how)

    assert isinstance(measure("Lost", launch=counted, returns=[True] * 9), ArmFailed)
    assert tries == 3


def test_a_device_that_stays_away_is_no_end_of_the_cell(measure: Measure) -> None:
    reads = 0

    def gone_after_the_first() -> dict[str, Scalar]:
        nonlocal reads
        reads += 1
        if reads > 1:
            raise DeviceNotFound("R58M", hint="plug it in")
        return {}

    with pytest.raises(DeviceNotFound):
        measure("Lost", read=gone_after_the_first)


@pytest.mark.parametrize(
    "reply",
    [
        {}, {"arms": [], "bursts": []}, {"arms": {"base": 1}}, {"failed": 1}, {"failed": {}},
        {"failed": {"arm": "third", "kind": "error", "message": "m", "hint": "h"}},
        {"failed": {"arm": "base", "kind": "error", "message": "m", "more": "h"}},
    ],
)  # fmt: skip
def test_an_answer_of_another_form_is_no_session(measure: Measure, reply: dict[str, Any]) -> None:
    def answer(*_: Any, **__: Any) -> Replied:
        return Replied(value=reply, pid=1, wall_ns=1)

    found = measure(launch=answer)
    _, why = failed(found)
    assert why.failure == "garbage-reply"
