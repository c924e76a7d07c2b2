"""What a session read of its machine lowers the grade, from throttling to CPU contention."""

from __future__ import annotations

from typing import Any

import pytest

from bench.storage.schema.latency import Record
from tests.fakes.grades import explain, grade, letter, made, warnings
from tests.fakes.records import contended


@pytest.mark.parametrize(
    ("counter", "what", "remedy"),
    [
        ("throttle_count", "heat", "cool down"),
        ("cgroup_throttled", "the CPU quota of its cgroup", "raise the quota"),
    ],
)
def test_throttling_lowers_it_and_its_remedy_fits_what_throttled(
    counter: str, what: str, remedy: str
) -> None:
    hit = made(before={counter: 7}, after={counter: 8})
    assert letter("throttling", hit) == "C"
    assert grade(hit) == "C"
    assert warnings(hit) == [f"throttled by {what} in 5 of 5 sessions"]
    [reason] = explain(hit)
    assert remedy in reason
    assert ("cool" in reason) == (what == "heat")


def unread(one: Record, name: str, *, session: int | None = None) -> Record:
    """Return the record with that reading and fact left out of every session or the given one."""

    def without(values: dict[str, Any], order: int) -> dict[str, Any]:
        here = session in (None, order)
        return {key: value for key, value in values.items() if not here or key != name}

    sessions = [
        it.model_copy(
            update={
                part: without(getattr(it, part), order) for part in ("before", "after", "facts")
            }
        )
        for order, it in enumerate(one.sessions)
    ]
    return one.model_copy(update={"sessions": sessions})


@pytest.mark.parametrize("session", [None, 3])
@pytest.mark.parametrize(
    ("name", "rule", "reason"),
    [
        ("throttle_count", "throttling", "whether heat held it back could not be read"),
        ("cgroup_throttled", "throttling", "whether the CPU quota of its cgroup held it back"),
        ("steal_ms", "steal", "the time that the host took could not be read"),
        ("threads_worked", "threads", "which threads worked could not be read"),
        ("precision", "settings", "the effective precision could not be read"),
        ("onednn", "settings", "the effective onednn could not be read"),
    ],
)
def test_what_could_not_be_read_allows_b_at_most_and_is_named_with_what_would_read_it(
    name: str, rule: str, reason: str, session: int | None
) -> None:
    one = unread(made(), name, session=session)
    assert (letter(rule, one), grade(one)) == ("B", "B")
    [said] = explain(one)
    assert said.startswith(f"B {rule}: {reason}")
    assert "measure" in said
    assert warnings(one) == []


def test_a_governor_that_is_not_known_gets_no_command_that_needs_one() -> None:
    one = unread(made(), "governor")
    [reason] = explain(one)
    assert reason.startswith("B clocks: ")
    assert "cpupower" not in reason


@pytest.mark.parametrize(("stolen_ms", "expected"), [(30, "A"), (90, "B"), (250, "C"), (500, "D")])
def test_stolen_time_lowers_it(stolen_ms: int, expected: str) -> None:
    # The sessions of the sample last 2 s.
    assert letter("steal", made(after={"steal_ms": 100 + stolen_ms})) == expected


def test_lost_affinity_lowers_it_and_is_a_warning() -> None:
    lost = made(threads=2, facts={"threads_worked": "1"})
    assert letter("threads", lost) == "C"
    assert warnings(lost) == ["threads that worked: 1, asked for: 2"]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"precision": "fp16"}, "precision fp16 was in force where fp32 was asked for"),
        ({"onednn": "off"}, "onednn off was in force where on was asked for"),
    ],
)
def test_another_precision_or_setting_than_was_asked_for_is_a_d_and_a_warning(
    facts: dict[str, str], reason: str
) -> None:
    other = made(facts=facts)
    assert letter("settings", other) == "D"
    assert warnings(other) == [reason]


@pytest.mark.parametrize("governor", ["powersave", "unknown"])
def test_clocks_that_are_not_locked_lower_it(governor: str) -> None:
    loose = made(before={"governor": governor})
    assert letter("clocks", loose) == "B"
    assert grade(loose) == "B"


@pytest.mark.parametrize(
    ("facts", "allowed"),
    [
        ({}, "A"),
        ({"subnormal_weights": "0", "subnormal_activations": "0", "subnormals": "kept"}, "A"),
        ({"subnormal_weights": "12", "subnormals": "flushed"}, "A"),
        ({"subnormal_weights": "12", "subnormals": "kept"}, "C"),
        ({"subnormal_weights": "0", "subnormal_activations": "7"}, "C"),
    ],
)
def test_subnormal_numbers_that_are_not_seen_to_be_flushed_allow_c(
    facts: dict[str, str], allowed: str
) -> None:
    assert letter("subnormals", made(facts=facts)) == allowed


def test_a_figure_with_subnormal_numbers_says_how_many() -> None:
    one = made(facts={"subnormal_weights": "12", "subnormal_activations": "7"})
    told = "12 weights and 7 activations are subnormal, and not seen to be flushed to zero"
    assert warnings(one) == [told]


# Of the record at hand each session had 0.24 of the CPU, in every burst.
BUSY = (0.76, 0.76, 0.76)


def test_sessions_that_others_took_the_cpu_of_have_grade_d_and_say_contended() -> None:
    one = contended(made(), *BUSY)
    assert grade(one) == "D"
    said = "contended in 5 of 5 sessions: as little as 24% of the CPU was left to them"
    assert warnings(one) == [said]
    assert any(line.startswith(f"D contention: {said}: ") for line in explain(one))


def test_what_others_took_is_mended_before_the_warm_up() -> None:
    moving = [[2.0] * 3 + [2.1] * 3 + [2.4] * 3] * 5
    (calm,) = [line for line in explain(made(samples=moving)) if " trend: " in line]
    assert calm.endswith("raise warmup_s and warmup_cap_s of the preset in the suite's file")
    said = explain(contended(made(samples=moving), *BUSY))
    (busy,) = [line for line in said if " trend: " in line]
    assert busy.endswith(": repeat with --wait-quiet, or end what else runs")


def test_one_contended_session_is_enough() -> None:
    calm, busy = contended(made(), 0, 0, 0), contended(made(), *BUSY)
    mixed = calm.model_copy(update={"sessions": [*calm.sessions[:4], busy.sessions[4]]})
    assert letter("contention", mixed) == "D"


def test_sessions_that_were_disturbed_for_a_while_keep_their_grade_by_what_others_took() -> None:
    assert letter("contention", contended(made(), 0.2, 0, 0)) == "A"
    much = contended(made(), 0.6, 0, 0)
    assert letter("contention", much) == "C"
    assert "80% of the CPU" in warnings(much)[0]


def test_a_record_that_does_not_know_what_others_took_stays_as_it_is() -> None:
    assert letter("contention", made()) == "A"
    assert grade(made()) == grade(contended(made(), 0, 0, 0)) == "A"
