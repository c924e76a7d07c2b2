"""The device program's lines: a whole session is read, anything else is refused by name."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.core.errors import Unavailable
from bench.runners.paddle_lite.agent_events import AgentFailed, GarbledAgent, effective
from bench.runners.paddle_lite.agent_sessions import MARK, AgentLines, AgentRun, parse

START = {"event": "start", "agent": "3", "library": "v2.12", "abi": "arm64-v8a", "pid": 4711}
OUTPUT = {"event": "output", "shape": [1, 3], "data": [0.5, -2, 1e-08]}
LOADED = {"event": "loaded", "load_ns": 90_000, "threads": 2, "power_mode": "high"}
FIRST = {"event": "first", "first_inference_ns": 8_000}
WARM = {"event": "sample", "phase": "warmup", "ns": 7_000, "run_ns": 6_900}
STEADY = {"event": "steady", "steady": True}
TIMED = {"event": "sample", "phase": "timed", "ns": 5_000, "run_ns": 4_800}
END = {"event": "end", "warmup": 2, "timed": 3, "peak_rss_kib": 70_000}


def task(tid: int, on_cpu_ns: int, *, core: int = 7, allowed: str = "4-7") -> dict[str, Any]:
    return {
        "tid": tid, "name": "bench_agent", "allowed": allowed, "core": core, "on_cpu_ns": on_cpu_ns,
    }  # fmt: skip


def tasks(when: str, *threads: dict[str, Any], khz: dict[int, int] | None = None) -> dict[str, Any]:
    cores = [{"core": core, "khz": clock} for core, clock in (khz or {}).items()]
    return {"event": "tasks", "when": when, "cores": cores, "tasks": list(threads)}


BEFORE = tasks("before", task(1, 1_000), khz={0: 576_000, 7: 2_841_600})
AFTER = tasks("after", task(1, 9_000), khz={0: 300_000, 7: 2_419_200})
SESSION: list[dict[str, Any]] = [
    START, LOADED, FIRST, OUTPUT, WARM, WARM, STEADY, BEFORE, TIMED, TIMED, TIMED, AFTER, END,
]  # fmt: skip


def lines(events: list[dict[str, Any]]) -> list[str]:
    return [f"{MARK}{json.dumps(event)}\n" for event in events]


def session(**changed: Any) -> list[dict[str, Any]]:
    """The session with members of the event of that name changed: output={"shape": [3]}."""
    return [event | changed.get(str(event["event"]), {}) for event in SESSION]


def refused(events: list[dict[str, Any]]) -> str:
    with pytest.raises(GarbledAgent) as caught:
        parse(lines(events))
    return caught.value.problem


def run_between(before: dict[str, Any], after: dict[str, Any]) -> AgentRun:
    swapped = {"before": before, "after": after}
    return parse(lines([swapped.get(str(event.get("when")), event) for event in SESSION]))


def test_a_whole_session_is_read() -> None:
    run = parse(lines(SESSION))
    assert (run.version, run.library, run.abi, run.pid) == ("3", "v2.12", "arm64-v8a", 4711)
    assert (run.load_ns, run.first_inference_ns) == (90_000, 8_000)
    assert (run.threads, run.power_mode) == (2, "high")
    assert (run.warmup_ns, run.steady, run.samples_ns) == ([7_000] * 2, True, [5_000] * 3)
    assert run.run_ns == [4_800] * 3
    assert run.peak_rss_kib == 70_000
    assert run.tasks_before.khz == {0: 576_000, 7: 2_841_600}
    assert [(one.tid, one.allowed, one.on_cpu_ns) for one in run.tasks_after.tasks] == [
        (1, "4-7", 9_000)
    ]


def test_the_output_comes_as_float32_in_its_shape() -> None:
    output = parse(lines(SESSION)).output
    assert output.dtype == np.float32
    assert output.tolist() == np.array([[0.5, -2, 1e-8]], dtype=np.float32).tolist()


def test_what_was_not_finite_on_the_device_is_nan_here() -> None:
    events = session(output={"data": [1.5, None, 1e300]})
    assert np.isfinite(parse(lines(events)).output).tolist() == [[True, False, False]]


def test_every_float32_survives_nine_digits() -> None:
    values = np.array([0.1, 1 / 3, 16_777_217, 1.17549435e-38, 3.4028235e38], dtype=np.float32)
    data = [float(f"{value:.9g}") for value in values]
    events = session(output={"shape": [5], "data": data})
    assert parse(lines(events)).output.tolist() == values.tolist()


def test_a_session_without_a_warm_up_is_one() -> None:
    events = [event for event in session(end={"warmup": 0}) if event is not WARM and event != WARM]
    assert parse(lines(events)).warmup_ns == []


def test_the_programs_own_error_ends_the_reading_with_its_reason() -> None:
    error = {"event": "error", "reason": "model 'm.nb' can't be read"}
    for before in ([], SESSION[:6]):
        with pytest.raises(AgentFailed, match=r"model 'm\.nb' can't be read") as caught:
            parse(lines([*before, error]))
        assert caught.value.kind == "agent"
        assert caught.value.hint


def test_no_line_at_all_is_no_session() -> None:
    assert refused([]) == "the device program ended and had said nothing last"


@pytest.mark.parametrize("kept", range(1, len(SESSION)))
def test_a_session_that_was_cut_is_none(kept: int) -> None:
    assert "ended and had said" in refused(SESSION[:kept])


@pytest.mark.parametrize("index", range(len(SESSION)))
def test_no_event_may_be_missing_or_come_twice(index: int) -> None:
    lost = SESSION[:index] + SESSION[index + 1 :]
    twice = SESSION[: index + 1] + SESSION[index:]
    for events in (lost, twice):
        assert refused(events)


def test_an_event_out_of_its_order_is_refused_with_what_came_before() -> None:
    assert "comes after loaded" in refused([START, LOADED, OUTPUT])
    assert "comes after end" in refused([*SESSION, STEADY])


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"start": {"pid": -1}}, "no whole number 'pid'"),
        ({"start": {"agent": None}}, "no text 'agent'"),
        ({"loaded": {"load_ns": 1.5}}, "no whole number 'load_ns'"),
        ({"loaded": {"load_ns": "9"}}, "no whole number 'load_ns'"),
        ({"loaded": {"threads": "2"}}, "no whole number 'threads'"),
        ({"loaded": {"power_mode": "HIGH"}}, "no power mode"),
        ({"first": {"first_inference_ns": True}}, "no whole number 'first_inference_ns'"),
        ({"sample": {"ns": -5}}, "no whole number 'ns'"),
        ({"sample": {"ns": 1 << 63}}, "no whole number 'ns'"),
        ({"sample": {"run_ns": None}}, "no whole number 'run_ns'"),
        ({"sample": {"phase": "cold"}}, "of no known kind"),
        ({"steady": {"steady": 1}}, "no truth 'steady'"),
        ({"output": {"shape": [1, 2]}}, r"3 values for the shape [1, 2]"),
        ({"output": {"shape": [1, -3]}}, "no proper list 'shape'"),
        ({"output": {"shape": [0], "data": []}}, "0 values"),
        ({"output": {"data": [1, 2, "3"]}}, "no proper list 'data'"),
        ({"output": {"data": [1, 2, 10**400]}}, "no proper list 'data'"),
        ({"output": {"data": {"0": 1}}}, "no proper list 'data'"),
        ({"tasks": {"when": "during"}}, "of no known kind"),
        ({"tasks": {"tasks": [7]}}, "no proper list 'tasks'"),
        ({"tasks": {"tasks": [task(1, -1)]}}, "no whole number 'on_cpu_ns'"),
        ({"tasks": {"tasks": [task(1, 1, allowed="0-99999999")]}}, "no list of cores"),
        ({"tasks": {"cores": [{"core": 1}]}}, "no whole number 'khz'"),
        ({"end": {"timed": 4}}, "counts 4 timed samples, 3 came"),
        ({"end": {"warmup": 1}}, "counts 1 warmup samples, 2 came"),
        ({"end": {"peak_rss_kib": -1}}, "no whole number 'peak_rss_kib'"),
        ({"end": {"event": "goodbye"}}, "of no known kind"),
        ({"end": {"event": 3}}, "no text 'event'"),
    ],
)
def test_a_value_that_cannot_be_is_refused(changed: dict[str, Any], problem: str) -> None:
    assert problem in refused(session(**changed))


@pytest.mark.parametrize(
    ("garbage", "problem"),
    [
        ("Segmentation fault", "isn't JSON"), ("", "isn't JSON"), ("[]", "isn't an object"),
        ("null", "isn't an object"), ('{"event": "start"', "isn't JSON"),
        ("[" * 10**5, "isn't JSON"), ("7" * 5_000, "isn't"), ("{}", "no text 'event'"),
    ],
)  # fmt: skip
def test_garbage_is_refused_with_the_line_shortened(garbage: str, problem: str) -> None:
    with pytest.raises(GarbledAgent) as caught:
        parse([*lines(SESSION[:5]), f"{MARK}{garbage}\n"])
    assert problem in caught.value.problem
    assert repr(garbage[:80]) in caught.value.problem
    assert len(caught.value.problem) < 160
    assert caught.value.kind == "garbage-reply"


@given(st.lists(st.text(max_size=40), max_size=6), st.integers(0, len(SESSION)))
def test_whatever_comes_is_a_session_or_one_of_two_errors(noise: list[str], at: int) -> None:
    whole = lines(SESSION)
    try:
        run = parse([*whole[:at], *(MARK + text for text in noise), *whole[at:]])
    except (AgentFailed, GarbledAgent):
        assert noise
    else:
        assert run.samples_ns == [5_000] * 3
        assert not noise


def test_lines_are_read_as_they_come_and_the_process_is_known_early() -> None:
    reader = AgentLines()
    known = [reader.pid]
    reader.feed(*lines([START]))
    assert [*known, reader.pid] == [None, 4711]
    with pytest.raises(GarbledAgent):
        reader.feed(f"{MARK}garbage")


INFO = "[I  1/ 2  3: 4: 5.678 .../lite/core/device_info.cc:1190 Setup] L2 Cache size is: \n"
FOREIGN = [
    INFO, "WARNING: linker: bench_agent: unused DT entry\n", "\n", "{}\n", "\x1b[0m\r\n",
    json.dumps(END) + "\n", "@bench_agent",
]  # fmt: skip


@pytest.mark.parametrize("at", range(len(SESSION) + 1))
def test_lines_of_others_are_logged_and_no_part_of_the_session(
    at: int, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = lines(SESSION)
    assert parse([*whole[:at], *FOREIGN, *whole[at:]]).samples_ns == [5_000] * 3
    assert capsys.readouterr().err.splitlines()[:2] == [line.rstrip() for line in FOREIGN[:2]]


def test_what_another_began_a_line_with_is_logged_and_the_line_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = lines(SESSION)
    assert parse([f"no line end{whole[0]}", *whole[1:]]).pid == 4711
    assert capsys.readouterr().err == "no line end\n"


def test_a_program_of_another_version_is_refused_with_what_builds_this_one() -> None:
    with pytest.raises(Unavailable, match="version 2, this harness takes 3") as caught:
        parse(lines(session(start={"agent": "2"})))
    assert "make agent" in caught.value.hint


def test_what_was_in_force_is_told_of_the_threads_that_shared_the_work() -> None:
    before = tasks("before", task(1, 1_000), task(2, 0), task(3, 500))
    after = tasks(
        "after", task(1, 9_000, core=4), task(2, 8_000, core=5),
        task(3, 700, core=0, allowed="0-3"),
        khz={0: 576_000, 4: 1_785_600, 5: 2_419_200},
    )  # fmt: skip
    assert effective(
        run_between(before, after), asked_threads=2, big_cores=frozenset({4, 5, 6, 7})
    ) == {
        "threads_worked": "2", "cores_worked": "4,5", "allowed": "4-7", "khz": "1785600,2419200",
        "cores_kind": "big",
    }  # fmt: skip


def test_a_thread_made_while_sampling_counts_with_all_of_its_time() -> None:
    run = run_between(
        tasks("before", task(1, 1_000)), tasks("after", task(1, 3_000), task(2, 1_000))
    )
    assert effective(run, asked_threads=2, big_cores=frozenset())["threads_worked"] == "2"


def test_a_thread_that_did_less_than_half_of_the_busiest_ones_work_only_helped() -> None:
    run = run_between(tasks("before", task(1, 1_000)), tasks("after", task(1, 3_000), task(2, 999)))
    assert effective(run, asked_threads=2, big_cores=frozenset())["threads_worked"] == "1"


@pytest.mark.parametrize(
    ("cores", "kind"), [((6, 7), "big"), ((0, 3), "little"), ((3, 4), "big+little")]
)
def test_the_kind_of_the_cores_that_worked_is_named(cores: tuple[int, int], kind: str) -> None:
    after = tasks("after", *(task(core, 9_000, core=core) for core in cores))
    run = run_between(tasks("before"), after)
    assert effective(run, asked_threads=2, big_cores=frozenset({4, 5, 6, 7}))["cores_kind"] == kind


@pytest.mark.parametrize(
    ("allowed", "asked", "crowded"),
    [
        ("7", 2, "2 threads for 1 cores"), ("0,2,4-5", 5, "5 threads for 4 cores"),
        ("6-7", 2, None), ("", 4, None),
    ],
)  # fmt: skip
def test_more_threads_than_cores_that_they_may_use_is_told(
    allowed: str, asked: int, crowded: str | None
) -> None:
    run = run_between(tasks("before"), tasks("after", task(1, 9_000, allowed=allowed)))
    assert effective(run, asked_threads=asked, big_cores=frozenset()).get("crowded") == crowded


def test_nothing_is_said_where_the_device_told_of_no_work() -> None:
    for after in (tasks("after"), tasks("after", task(1, 1_000))):
        run = run_between(tasks("before", task(1, 1_000)), after)
        assert effective(run, asked_threads=1, big_cores=frozenset({7})) == {}
