"""The device program, emulated, with the stand-in for Paddle Lite: its lines and its rules.

What runs is the AArch64 program that a device gets. Its times are an emulator's and mean nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.cell import Sampling
from bench.core.units import NS_PER_S, Nanoseconds
from bench.runners.paddle_lite.agent_events import POWER_MODES, cores_of, effective
from bench.runners.paddle_lite.agent_sessions import AgentRun, parse
from bench.worker.sampling import take_samples, warm_up
from tests.device.agent_bench import INPUT, Bench, agent_bench

CORES = os.sysconf("SC_NPROCESSORS_CONF")
RULE = Sampling(
    preset="standard", sessions=1, samples=100, min_samples=1, budget_s=60.0, warmup_calls=10,
    warmup_s=0.0, warmup_cap_s=60.0, steady_tolerance=None,
)  # fmt: skip


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Bench:
    return agent_bench(tmp_path_factory, tmp_path)


def test_a_session_is_whole_and_says_what_ran(bench: Bench) -> None:
    run = bench.run()
    assert (run.version, run.library, run.abi) == ("3", "stand-in", "arm64-v8a")
    assert min(run.load_ns, run.first_inference_ns, *run.samples_ns, run.pid) > 0
    assert len(run.run_ns) == len(run.samples_ns)
    assert all(0 < run_ns <= ns for run_ns, ns in zip(run.run_ns, run.samples_ns, strict=True))
    assert run.peak_rss_kib > 1_000


def test_the_output_is_the_librarys_to_the_last_bit(bench: Bench) -> None:
    logits = np.random.default_rng(7).normal(size=1000).astype("<f4")
    logits.tofile(bench.folder / "m.nb.logits")
    output = bench.run().output
    assert output.shape == (1, 1000)
    assert output.tobytes() == logits.tobytes()


def test_the_input_reaches_the_library(bench: Bench) -> None:
    expected = INPUT.sum() / np.arange(1, 1001, dtype=np.float32)
    assert bench.run().output[0].tolist() == expected.astype(np.float32).tolist()


def test_a_batch_keeps_its_place_in_the_shape(bench: Bench) -> None:
    np.zeros(2 * 48, dtype="<f4").tofile(bench.folder / "input.bin")
    assert bench.run(shape="2,3,4,4").output.shape == (2, 500)


def test_what_is_not_finite_is_printed_as_null(bench: Bench) -> None:
    bench.model("NAN")
    done = bench.end()
    assert bench.events(done)[3]["data"] == [None, None, None, 1]
    assert np.isnan(parse(done.stdout.splitlines()).output).tolist() == [[True, True, True, False]]


def by_our_own_rule(run: AgentRun, *, spent: Callable[[], int], **rule: Any) -> dict[str, object]:
    """What bench/worker/sampling.py makes of the same durations, by the case's clock."""
    given = Sampling(**{**RULE.to_json(), **rule})
    warm = warm_up(serve(run.warmup_ns), given, spent)
    timed = take_samples(serve(run.samples_ns), given, spent)
    return {"warmup": len(warm.samples_ns), "steady": warm.steady, "timed": len(timed)}


def serve(durations: list[Nanoseconds]) -> Callable[[int], list[Nanoseconds]]:
    """The durations in their order; where more are asked for than there are, the last is 1 ns."""
    left: Iterator[Nanoseconds] = iter(durations)
    return lambda count: [next(left, Nanoseconds(1)) for _ in range(count)]


def stopped() -> int:
    return 0


def hurried() -> Callable[[], int]:
    """A clock on which every time is over at its first look."""
    seconds = iter(range(10**9))
    return lambda: next(seconds) * 1000 * NS_PER_S


@pytest.mark.parametrize(
    ("flags", "rule"),
    [
        ({"warmup": 0, "repeats": 1}, {"warmup_calls": 0, "samples": 1}),
        ({"warmup": 7, "repeats": 31}, {"warmup_calls": 7, "samples": 31}),
        (
            {"warmup": 3, "steady_tolerance": 1e9, "steady_window": 5},
            {"warmup_calls": 3, "steady_tolerance": 1e9, "steady_window": 5, "samples": 3},
        ),
        *(
            (
                {"warmup": 0, "steady_tolerance": share, "steady_window": window},
                {
                    "warmup_calls": 0, "steady_tolerance": share, "steady_window": window,
                    "samples": 3,
                },
            )
            for window in (2, 5, 8)
            for share in (0.05, 0.2)
        ),
    ],
)  # fmt: skip
def test_calls_and_windows_end_the_warm_up_where_our_own_rule_does(
    bench: Bench, flags: dict[str, object], rule: dict[str, Any]
) -> None:
    run = bench.run(**flags)
    assert by_our_own_rule(run, spent=stopped, **rule) == {
        "warmup": len(run.warmup_ns), "steady": run.steady, "timed": len(run.samples_ns),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("durations_ms", "window"),
    [("9 2 2 30 2 30 2", 6), ("9 2 6 4 4", 4), ("9 2 30 2 9 9 9 2 2 4 5", 5)],
)
def test_a_window_is_judged_by_its_halves_medians_as_our_own_rule_does(
    bench: Bench, durations_ms: str, window: int
) -> None:
    (bench.folder / "m.nb.ms").write_text(durations_ms)
    run = bench.run(warmup=0, steady_window=window, steady_tolerance=0.3)
    rule = {"warmup_calls": 0, "steady_window": window, "steady_tolerance": 0.3, "samples": 3}
    assert by_our_own_rule(run, spent=stopped, **rule) == {
        "warmup": len(run.warmup_ns), "steady": run.steady, "timed": len(run.samples_ns),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "rule"),
    [
        ({"warmup": 5}, {"warmup_calls": 5, "samples": 3}),
        ({"warmup": 0, "steady_tolerance": 1e9}, {"warmup_calls": 0, "steady_tolerance": 1e9}),
        ({"warmup": 1, "steady_tolerance": 1e9}, {"warmup_calls": 1, "steady_tolerance": 1e9}),
        ({"repeats": 30, "min_repeats": 13}, {"samples": 30, "min_samples": 13}),
        ({"repeats": 13, "min_repeats": 13}, {"samples": 13, "min_samples": 13}),
        ({"repeats": 30}, {"samples": 30}),
    ],
)
def test_where_no_time_is_left_it_ends_where_our_own_rule_does(
    bench: Bench, flags: dict[str, object], rule: dict[str, Any]
) -> None:
    run = bench.run(**{"warmup_cap_seconds": 0, "seconds": 0, **flags})
    ours = by_our_own_rule(
        run, spent=hurried(), **{"warmup_cap_s": 0.0, "budget_s": 0.0, "warmup_calls": 2, **rule}
    )
    assert ours == {
        "warmup": len(run.warmup_ns), "steady": run.steady, "timed": len(run.samples_ns),
    }  # fmt: skip


def test_a_warm_up_lasts_its_seconds(bench: Bench) -> None:
    started = time.monotonic()
    run = bench.run(warmup=1, warmup_seconds=1)
    assert time.monotonic() - started >= 1
    assert len(run.warmup_ns) > 1


def test_a_warm_up_that_would_go_on_ends_at_its_cap(bench: Bench) -> None:
    run = bench.run(warmup_seconds=3_600, warmup_cap_seconds=0.2, steady_tolerance=1e9)
    assert run.warmup_ns
    assert not run.steady


def test_a_spent_budget_ends_the_sampling_at_a_full_ten(bench: Bench) -> None:
    count = len(bench.run(repeats=1_000_000, seconds=0.1).samples_ns)
    assert 10 <= count < 1_000_000
    assert count % 10 == 0


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_threads_that_shared_the_work_are_seen(bench: Bench, threads: int) -> None:
    run = bench.run(threads=threads, repeats=20)
    facts = effective(run, asked_threads=threads, big_cores=frozenset())
    assert facts["threads_worked"] == str(min(threads, CORES))


@pytest.mark.parametrize("mode", POWER_MODES)
def test_a_power_mode_shows_in_the_cores_that_are_allowed(bench: Bench, mode: str) -> None:
    wanted = {
        "high": {CORES - 1}, "rand_high": {CORES // 2}, "low": {0}, "rand_low": {0},
        "full": {CORES // 2}, "no_bind": set(range(CORES)),
    }[mode]  # fmt: skip
    usable = os.sched_getaffinity(0)
    run = bench.run(power_mode=mode)
    facts = effective(run, asked_threads=1, big_cores=frozenset())
    assert cores_of(facts["allowed"]) == (wanted & usable or usable)
    assert (run.threads, run.power_mode) == (1, mode)


@pytest.mark.parametrize(
    ("mode", "big", "threads", "effective_mode", "effective_threads"),
    [
        ("high", 1, 2, "high", 1),  # fewer big cores than threads
        ("low", CORES, 1, "high", 1),  # no little core
        ("no_bind", 1, CORES + 3, "no_bind", CORES),
        ("full", 1, CORES, "full", CORES),
    ],
)
def test_threads_and_power_mode_are_told_as_the_library_clamps_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, mode: str, big: int, threads: int,
    effective_mode: str, effective_threads: int,
) -> None:  # fmt: skip
    monkeypatch.setenv("STANDIN_BIG", str(big))
    run = bench.run(power_mode=mode, threads=threads)
    assert (run.power_mode, run.threads) == (effective_mode, effective_threads)


def test_a_session_is_read_where_the_librarys_log_is_mixed_into_it(bench: Bench) -> None:
    said = bench.mixed(power_mode="high", threads=CORES)
    assert sum(line.startswith("[I ") for line in said) > CORES
    assert any(line.startswith("[W ") for line in said)
    assert len(parse(said).samples_ns) == 3


def test_without_a_binding_the_one_from_outside_holds(bench: Bench) -> None:
    usable = os.sched_getaffinity(0)
    one = min(usable)
    os.sched_setaffinity(0, {one})
    try:
        run = bench.run(threads=2)
    finally:
        os.sched_setaffinity(0, usable)
    facts = effective(run, asked_threads=2, big_cores=frozenset({one}))
    assert (facts["allowed"], facts["cores_worked"]) == (str(one), str(one))
    assert (facts["crowded"], facts["cores_kind"]) == ("2 threads for 1 cores", "big")
