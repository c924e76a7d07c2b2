"""The device program's lines of two models by turns: a whole session is read, others refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.runners.paddle_lite.agent_events import AgentFailed, GarbledAgent
from bench.runners.paddle_lite.agent_pairs import AgentPair, PairLines, parse_pair
from bench.runners.paddle_lite.agent_sessions import MARK

Event = dict[str, Any]

ORDER = "baab"
START = {"event": "start", "agent": "3", "library": "v2.12", "abi": "arm64-v8a", "pid": 4711}
END = {"event": "end", "warmup": 3, "bursts": 4, "peak_rss_kib": 70_000}


def of(arm: str, **event: Any) -> Event:
    return {**event, "arm": arm}


def loaded(arm: str, ns: int) -> Event:
    return of(arm, event="loaded", load_ns=ns, threads=1, power_mode="high")


def first(arm: str, ns: int) -> list[Event]:
    return [
        of(arm, event="first", first_inference_ns=ns),
        of(arm, event="output", shape=[1, 2], data=[ns, -1.5]),
    ]


def tasks(arm: str, when: str, tid: int = 1) -> Event:
    one = {"tid": tid, "name": "bench_agent", "allowed": "0", "core": 0, "on_cpu_ns": 5}
    return of(arm, event="tasks", when=when, cores=[], tasks=[one])


def warmed(arm: str, *durations: int, steady: bool, tid: int) -> list[Event]:
    samples = [of(arm, event="sample", phase="warmup", ns=ns) for ns in durations]
    ended = of(arm, event="steady", steady=steady)
    return [tasks(arm, "before"), *samples, ended, tasks(arm, "after", tid)]


def burst(arm: str, *durations: int) -> Event:
    return of(arm, event="burst", ns=list(durations))


BURSTS = [burst("b", 21, 20), burst("a", 11, 10, 10), burst("a", 11, 10, 10), burst("b", 21, 20)]
OPENED = [START, loaded("a", 100), loaded("b", 200), *first("a", 12), *first("b", 24)]
WARM = [*warmed("a", 11, 10, steady=True, tid=7), *warmed("b", 22, steady=False, tid=8)]
SESSION = [*OPENED, *WARM, *BURSTS, END]


def read(events: list[Event], order: str = ORDER) -> AgentPair:
    return parse_pair([f"{MARK}{json.dumps(event)}" for event in events], order)


def refused(events: list[Event], order: str = ORDER) -> str:
    with pytest.raises(GarbledAgent) as caught:
        read(events, order)
    return caught.value.problem


def test_a_session_is_read_with_both_arms_and_the_bursts_in_their_order() -> None:
    run = read(SESSION)
    assert (run.version, run.library, run.abi, run.pid) == ("3", "v2.12", "arm64-v8a", 4711)
    assert run.peak_rss_kib == 70_000
    a, b = run.arms["a"], run.arms["b"]
    assert (a.load_ns, a.first_inference_ns, a.warmup_ns, a.steady) == (100, 12, [11, 10], True)
    assert (b.load_ns, b.first_inference_ns, b.warmup_ns, b.steady) == (200, 24, [22], False)
    assert (a.output.tolist(), b.output.tolist()) == ([[12.0, -1.5]], [[24.0, -1.5]])
    assert [one.tid for arm in (a, b) for one in arm.tasks_after.tasks] == [7, 8]
    assert run.bursts == [
        ("b", [21, 20]),
        ("a", [11, 10, 10]),
        ("a", [11, 10, 10]),
        ("b", [21, 20]),
    ]


def test_the_process_is_known_as_soon_as_it_has_said_so() -> None:
    reading = PairLines(ORDER)
    assert reading.pid is None
    reading.feed(f"{MARK}{json.dumps(START)}")
    assert reading.pid == 4711


@pytest.mark.parametrize("missing", range(len(SESSION)))
def test_a_session_that_lacks_a_line_is_none(missing: int) -> None:
    assert refused(SESSION[:missing] + SESSION[missing + 1 :])


@pytest.mark.parametrize("place", range(len(SESSION) - 1))
def test_a_session_with_two_lines_exchanged_is_none_unless_they_are_equal(place: int) -> None:
    events = list(SESSION)
    events[place], events[place + 1] = events[place + 1], events[place]
    same_kind = events[place]["event"] == events[place + 1]["event"] == "sample"
    if events[place] == events[place + 1] or same_kind:
        assert len(read(events).bursts) == len(ORDER)
    else:
        assert refused(events)


@pytest.mark.parametrize(
    ("events", "order", "problem"),
    [
        (SESSION, "baba", "is burst 3, which isn't a's"),
        (SESSION, "baabab", "ends after 4 of 6 bursts"),
        (SESSION, "ba", "is burst 3, which isn't a's"),
        ([*SESSION[:-1], END | {"bursts": 5}], ORDER, "counts 5 bursts, 4 came"),
        ([*SESSION[:-1], END | {"warmup": 2}], ORDER, "counts 2 warmup, 3 came"),
        ([START, of("c", event="loaded", load_ns=1)], ORDER, "is of no known kind"),
        ([START, {"event": "loaded", "load_ns": 1}], ORDER, "is of no known kind"),
        ([*OPENED, *WARM, burst("b")], ORDER, "is a burst of nothing"),
        ([*OPENED, *WARM, burst("b", -1)], ORDER, "has no proper list 'ns'"),
        ([*OPENED, *WARM, tasks("a", "before")], ORDER, "comes after tasks after b"),
        (SESSION[:-1], ORDER, "had said burst b last"),
    ],
)
def test_what_is_not_the_session_that_was_asked_for_is_refused_by_name(
    events: list[Event], order: str, problem: str
) -> None:
    assert problem in refused(events, order)


@pytest.mark.parametrize(("told", "arm"), [({"arm": "b"}, "b"), ({}, None)])
def test_the_programs_own_error_tells_the_arm_where_one_was_at_work(
    told: Event, arm: str | None
) -> None:
    with pytest.raises(AgentFailed, match="no such model") as caught:
        read([START, {"event": "error", "reason": "no such model", **told}])
    assert caught.value.arm == arm
