"""The grade is the worst that any rule allows: a fault in each lowers it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bench.analysis import grade as grading
from bench.analysis.grade import findings
from bench.analysis.grade_rules import RULES
from bench.storage.schema.latency import Record
from tests.fakes.records import contended, failed, record

CLEAN_FACTS = {
    "engine": "paddle 3.2.0", "threads_worked": "1", "precision": "fp32", "onednn": "on",
}  # fmt: skip
CLEAN: dict[str, Any] = {
    "governor": "performance", "steal_ms": 100, "throttle_count": 7, "cgroup_throttled": 0,
}  # fmt: skip
STEADY = (2.00, 2.01, 1.99, 2.00, 2.01)


def made(
    medians: Sequence[float] = STEADY,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    facts: dict[str, str] | None = None,
    threads: int = 1,
    samples: Sequence[Sequence[float]] | None = None,
    **fields: Any,
) -> Record:
    """Return a record that every rule grants an A, changed by what is given."""
    plain = record(samples_ms=samples or [[m] * 9 for m in medians], threads=threads, **fields)
    changes = {
        "before": CLEAN | (before or {}),
        "after": CLEAN | (after or {}),
        "facts": CLEAN_FACTS | (facts or {}),
    }
    sessions = [session.model_copy(update=changes) for session in plain.sessions]
    return plain.model_copy(update={"sessions": sessions})


def grade(one: Record) -> str | None:
    return grading.grade(findings(one))


def explain(one: Record) -> list[str]:
    return grading.explain(findings(one))


def warnings(one: Record) -> list[str]:
    return grading.warnings(findings(one))


def letter(rule: str, one: Record) -> str:
    (found,) = [finding for finding in findings(one) if finding.rule == rule]
    return found.grade


def test_a_clean_record_is_an_a_by_every_rule() -> None:
    assert {finding.grade for finding in findings(made())} == {"A"}
    assert {finding.rule for finding in findings(made())} == set(RULES)
    assert grade(made()) == "A"
    assert explain(made()) == []


@pytest.mark.parametrize(("count", "expected"), [(5, "A"), (4, "B"), (3, "B"), (2, "C"), (1, "D")])
def test_too_few_sessions_lower_it(count: int, expected: str) -> None:
    assert letter("sessions", made([2.0] * count)) == expected


@pytest.mark.parametrize(
    ("spread", "expected"), [(0.01, "A"), (0.03, "B"), (0.07, "C"), (0.15, "D")]
)
def test_a_wide_interval_lowers_it(spread: float, expected: str) -> None:
    # Medians 1 - s, 1, 1 + s: the half-width is t(2) s / sqrt(3) = 2.48 s.
    s = spread / 2.4841
    assert letter("interval", made([2 * (1 - s), 2.0, 2 * (1 + s)])) == expected


@pytest.mark.parametrize(
    ("moved", "expected"), [(1.04, "A"), (1.08, "B"), (1.15, "C"), (1.30, "D"), (0.80, "C")]
)
def test_drift_between_rounds_lowers_it(moved: float, expected: str) -> None:
    assert letter("drift", made([2.0, 2.0, 2.0, 2 * moved, 2 * moved])) == expected


def moving(*changes: float) -> list[list[float]]:
    """Return a session for each share by which its last third differs from its first."""
    return [[2.0] * 3 + [2 + change] * 3 + [2 * (1 + change)] * 3 for change in changes]


@pytest.mark.parametrize(
    ("change", "expected"),
    [(0.01, "A"), (0.04, "B"), (-0.04, "B"), (0.09, "C"), (-0.09, "C"), (0.3, "D"), (-0.3, "D")],
)
def test_a_trend_within_the_sessions_lowers_it_though_all_of_them_are_alike(
    change: float, expected: str
) -> None:
    trending = made(samples=moving(*[change] * 5))
    assert letter("interval", trending) == "A", "the sessions agree with each other"
    assert letter("trend", trending) == expected
    assert grade(trending) == expected


def test_a_trend_below_b_is_a_remark_at_the_figure() -> None:
    assert warnings(made(samples=moving(*[-0.09] * 5))) == [
        "a session's last third is 9.0% faster than its first (2% for A, 5% for B, 10% for C)"
    ]


def test_one_session_that_moved_is_no_trend_of_the_cell() -> None:
    assert letter("trend", made(samples=moving(0.3, 0, 0, 0, 0))) == "A"


def test_sessions_of_few_samples_show_no_trend_which_is_a_b() -> None:
    few = made(samples=[[2.0] * 8] * 5)
    assert letter("trend", few) == "B"
    assert letter("trend", made(samples=[[2.0] * 8] * 4 + [[2.0] * 9])) == "A"


@pytest.mark.parametrize(
    ("unsettled", "expected"), [(0, "A"), (1, "A"), (2, "B"), (3, "C"), (5, "C")]
)
def test_warm_ups_that_had_not_settled_lower_it(unsettled: int, expected: str) -> None:
    plain = made()
    sessions = [
        session.model_copy(update={"steady": order >= unsettled})
        for order, session in enumerate(plain.sessions)
    ]
    one = plain.model_copy(update={"sessions": sessions})
    assert letter("settled", one) == expected
    assert grade(one) == expected
    said = f"the warm-up had not settled in {unsettled} of 5 sessions"
    assert (said in " ".join(explain(one))) == (expected != "A")


def test_a_warm_up_that_is_not_checked_is_a_b() -> None:
    unchecked = made(sampling={"steady_tolerance": None})
    assert letter("settled", unchecked) == "B"
    assert "doesn't check" in " ".join(explain(unchecked))


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
    assert "cpupower" not in " ".join(explain(unread(made(), "governor")))


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


def test_the_grade_is_the_worst_of_the_rules_not_their_mean() -> None:
    assert grade(made([2.0], before={"governor": "powersave"})) == "D"


def test_a_cell_without_a_figure_has_no_grade() -> None:
    none = record(outcome=failed())
    assert grade(none) is None
    assert findings(none) == []
    assert warnings(none) == []


def test_the_explanation_names_what_lowers_the_grade_and_the_remedy_worst_first() -> None:
    reasons = explain(made([2.0, 2.0], before={"governor": "powersave"}))
    assert [reason.split(":")[0] for reason in reasons] == ["C sessions", "B clocks"]
    assert "--preset standard" in reasons[0]
    assert "cpupower frequency-set" in reasons[1]
    assert "interval" not in " ".join(reasons)


def test_a_tools_own_averages_are_a_c_at_most_and_say_why() -> None:
    plain = made()
    reported = {"reported_ns": {"avg": 2_000_000}}
    told: dict[str, Any] = {"samples_ns": [], "relative_l2": None, **reported}
    sessions = [session.model_copy(update=told) for session in plain.sessions]
    one = plain.model_copy(update={"sessions": sessions})
    assert letter("interval", one) == "C"
    assert letter("parity", one) == "C"
    assert grade(one) == "C"
    assert "no interval" in " ".join(explain(one))


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
