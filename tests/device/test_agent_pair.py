"""The device program, emulated, with two models by turns: its lines, its rules, what it refuses."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from bench.experiments.ab.interleave import Rule
from bench.runners.paddle_lite.agent_events import AgentFailed, GarbledAgent, cores_of, effective
from bench.runners.paddle_lite.agent_pairs import AgentPair, parse_pair
from tests.device.agent_bench import INPUT, Bench, agent_bench

ORDER = "abbaba"
CORES = os.sysconf("SC_NPROCESSORS_CONF")


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Bench:
    made = agent_bench(tmp_path_factory, tmp_path)
    (tmp_path / "other.nb").write_text("another model")
    return made


def pair(bench: Bench, *, order: str = ORDER, **flags: object) -> AgentPair:
    done = bench.end(**both(bench, order=order, **flags))
    assert done.returncode == 0, done.stdout
    return parse_pair(done.stdout.splitlines(), order)


def both(bench: Bench, **flags: object) -> dict[str, object]:
    return {"against": bench.folder / "other.nb", "order": ORDER, "burst_seconds": 0.01, **flags}


def test_both_models_are_open_in_one_process_and_take_turns_in_the_order_given(
    bench: Bench,
) -> None:
    np.array([1, 2, 3], dtype="<f4").tofile(bench.folder / "other.nb.logits")
    run = pair(bench)
    assert (run.version, run.library, run.abi) == ("3", "stand-in", "arm64-v8a")
    assert "".join(arm for arm, _ in run.bursts) == ORDER
    expected = INPUT.sum() / np.arange(1, 1001, dtype=np.float32)
    assert run.arms["a"].output[0].tolist() == expected.astype(np.float32).tolist()
    assert run.arms["b"].output.tolist() == [[1.0, 2.0, 3.0]]
    assert all(len(arm.warmup_ns) == 2 and arm.load_ns > 0 for arm in run.arms.values())


@pytest.mark.parametrize("burst_s", [0.001, 0.01, 0.05])
def test_a_burst_has_as_many_inferences_as_our_own_rule_gives_it(
    bench: Bench, burst_s: float
) -> None:
    (bench.folder / "m.nb.ms").write_text("2 2 2")
    (bench.folder / "other.nb.ms").write_text("6 6 6")
    rule = Rule(burst_s=burst_s, least_calls=2, most_calls=9)
    run = pair(bench, burst_seconds=burst_s, least_calls=2, most_calls=9)
    wanted = {name: rule.calls(arm.warmup_ns) for name, arm in run.arms.items()}
    assert [len(ns) for _, ns in run.bursts] == [wanted[arm] for arm, _ in run.bursts]


def test_the_slower_model_is_the_slower_arm(bench: Bench) -> None:
    (bench.folder / "other.nb.ms").write_text(" ".join(["12"] * 300))
    run = pair(bench)
    slow = [np.median(ns[1:]) for arm, ns in run.bursts if arm == "b"]
    fast = [np.median(ns[1:]) for arm, ns in run.bursts if arm == "a"]
    assert np.median(slow) > 2 * np.median(fast)


def test_each_arms_threads_are_seen_in_its_warm_up(bench: Bench) -> None:
    run = pair(bench, warmup=10, threads=1, against_threads=2)
    worked = {
        name: effective(arm, asked_threads=2, big_cores=frozenset())["threads_worked"]
        for name, arm in run.arms.items()
    }
    assert worked == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ({"order": None}, "--order is missing"),
        ({"against": None}, "--against is missing"),
        ({"order": "aab"}, "--order is 'aab', not pairs of a and b"),
        ({"order": "aabb"}, "--order is 'aabb', not pairs of a and b"),
        ({"order": ""}, "--order is '', not pairs of a and b"),
        ({"order": "ab" * 10_001}, "not pairs of a and b, 10000 at most"),
        ({"against_threads": 0}, "--against-threads is '0'"),
        ({"against_power_mode": "fast"}, "--against-power-mode is 'fast'"),
        ({"burst_seconds": -1}, "--burst-seconds is '-1'"),
        ({"least_calls": 0}, "--least-calls is '0'"),
        ({"least_calls": 3, "most_calls": 2}, "--least-calls is more than --most-calls"),
        ({"warmup": 0}, "--warmup is '0', not 1 or more"),
    ],
)
def test_flags_of_two_models_are_refused_by_name(
    bench: Bench, flags: dict[str, object], reason: str
) -> None:
    done = bench.end(**both(bench, **flags))
    assert done.returncode == 2, done
    with pytest.raises(AgentFailed) as caught:
        parse_pair(done.stdout.splitlines(), ORDER)
    assert reason in caught.value.problem
    assert caught.value.arm is None


@pytest.mark.parametrize("arm", ["a", "b"])
def test_a_model_that_fails_is_told_by_its_arm(bench: Bench, arm: str) -> None:
    (bench.folder / {"a": "m.nb", "b": "other.nb"}[arm]).write_text("EMPTY")
    done = bench.end(**both(bench))
    assert (done.returncode, bench.events(done)[-1]["arm"]) == (3, arm)
    with pytest.raises(AgentFailed, match="the output is empty") as caught:
        parse_pair(done.stdout.splitlines(), ORDER)
    assert caught.value.arm == arm


@pytest.mark.parametrize(
    ("a", "b", "allowed"),
    [
        ("high", "no_bind", ({CORES - 1}, set(range(CORES)))),
        ("no_bind", "high", (set(range(CORES)), {CORES - 1})),
        ("low", "no_bind", ({0}, set(range(CORES)))),
        ("high", "low", ({CORES - 1}, {0})),
    ],
)
def test_an_arm_has_its_own_cores_whatever_the_other_arm_bound(
    bench: Bench, a: str, b: str, allowed: tuple[set[int], set[int]]
) -> None:
    """The library binds at each run and never undoes it.

    A device program that doesn't undo it either fails the first of these: b's threads, which
    weren't to be bound, have a's cores.
    """
    usable = os.sched_getaffinity(0)
    run = pair(bench, power_mode=a, against_power_mode=b, warmup=10)
    facts = [effective(arm, asked_threads=1, big_cores=frozenset()) for arm in run.arms.values()]
    assert [arm.power_mode for arm in run.arms.values()] == [a, b]
    wanted = [cores & usable or usable for cores in allowed]
    assert [cores_of(told["allowed"]) for told in facts] == wanted


def test_a_model_that_is_not_there_is_told_by_its_arm(bench: Bench) -> None:
    done = bench.end(**both(bench, against="/no/such/model"))
    assert bench.events(done)[-1] == {
        "event": "error", "reason": "model '/no/such/model' can't be read", "arm": "b",
    }  # fmt: skip


def test_an_abort_leaves_a_session_without_its_end(bench: Bench) -> None:
    (bench.folder / "other.nb").write_text("RUNABORT")
    done = bench.end(**both(bench))
    assert done.returncode == -signal.SIGABRT
    with pytest.raises(GarbledAgent, match="had said sample warmup b last"):
        parse_pair(done.stdout.splitlines(), ORDER)
