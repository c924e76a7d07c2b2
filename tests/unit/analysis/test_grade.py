"""The grade is the worst that any rule allows: each fault of the samples lowers it."""

from __future__ import annotations

from typing import Any

import pytest

from bench.analysis.grade import findings
from bench.analysis.grade_rules import RULES
from tests.fakes.grades import explain, grade, letter, made, warnings
from tests.fakes.records import failed, record


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
    ("runner", "precision", "distance", "expected"),
    [
        ("onnxruntime", "fp32", 9e-5, "A"), ("onnxruntime", "fp32", 8e-4, "B"),
        ("onnxruntime", "fp32", 0.97, "D"), ("openvino", "bf16", 2e-2, "A"),
        ("one that is gone", "fp32", 0.97, "A"),
    ],
)  # fmt: skip
def test_an_output_beyond_the_engines_own_tolerance_lowers_it_whatever_was_allowed(
    runner: str, precision: str, distance: float, expected: str
) -> None:
    plain = made()
    cell = plain.cell.model_copy(update={"runner": runner, "precision": precision})
    far = {"relative_l2": distance}
    sessions = [
        plain.sessions[0].model_copy(update=far), *plain.sessions[1:]
    ]  # fmt: skip
    one = plain.model_copy(update={"cell": cell, "sessions": sessions})
    assert letter("tolerance", one) == expected
    remarks = [it for it in warnings(one) if it.startswith("the output is 0.97 away from")]
    assert len(remarks) == (expected == "D")
