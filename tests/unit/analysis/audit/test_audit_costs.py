"""Costs, accuracies and impossible figures: what trips each rule, and what must not."""

from __future__ import annotations

import pytest

from bench.analysis.audit import Column
from tests.fakes.audit_tables import (
    LIST,
    PAGE,
    THREADS,
    found,
    row,
    threads,
)

MIN_AVG_MAX = [
    Column(name=name, kind="latency", unit="ms", statistic=name) for name in ("min", "avg", "max")
]


@pytest.mark.parametrize(
    ("texts", "odd"),
    [
        (("1.0", "1.1", "1.2"), []),
        (("1.0", "1.0", "1.0"), []),
        (("1.2", "1.1", "1.3"), [("min", "avg")]),
        (("1.0", "1.4", "1.3"), [("avg", "max")]),
        (("3.0", "2.0", "1.0"), [("min", "avg"), ("avg", "max")]),
    ],
)
def test_a_minimum_over_the_mean_or_a_mean_over_the_maximum_is_named(
    texts: tuple[str, ...], odd: list[tuple[str, ...]]
) -> None:
    one = row("a", dict(zip(("min", "avg", "max"), texts, strict=True)))
    named = found(MIN_AVG_MAX, one, ascending=[("min", "avg", "max")])
    assert named == [("out-of-order", "a", columns) for columns in odd]


def test_a_minimum_is_compared_with_the_maximum_where_there_is_no_mean() -> None:
    named = found(
        MIN_AVG_MAX, row("a", {"min": "2", "max": "1"}), ascending=[("min", "avg", "max")]
    )
    assert named == [("out-of-order", "a", ("min", "max"))]


@pytest.mark.parametrize("text", ["0", "-1.5", "nan", "inf"])
def test_a_figure_that_is_no_positive_number_is_named_and_no_other_rule_trips_over_it(
    text: str,
) -> None:
    rows = [threads("a", text, "2.0", "1.5", flops=10), threads("b", "5.0", text, "2.0", flops=20)]
    assert found(THREADS, *rows) == [
        ("impossible-value", "a", ("t1",)),
        ("impossible-value", "b", ("t2",)),
    ]


def test_an_accuracy_above_one_is_named_and_one_is_not() -> None:
    column = Column(name="top1", kind="accuracy")
    rows = [row("percent", {"top1": "71.6"}), row("perfect", {"top1": "1"})]
    assert found([column], *rows) == [("impossible-value", "percent", ("top1",))]


# Costs


def test_two_conventions_of_flops_are_one_finding_for_the_table() -> None:
    rows = [row(f"net {n}", {"page": f"{0.2 * n:.3f}", "list": f"{100 * n}"}) for n in range(1, 9)]
    assert found([PAGE, LIST], *rows) == [("flops-conventions", "", ("page", "list"))]


def test_flops_that_agree_within_a_quarter_follow_one_convention() -> None:
    rows = [row(f"net {n}", {"page": f"{0.12 * n:.3f}", "list": f"{100 * n}"}) for n in range(1, 9)]
    assert found([PAGE, LIST], *rows) == []


def test_a_row_off_the_tables_own_factor_is_named_unless_rounding_may_have_done_it() -> None:
    rows = [
        row(f"net {n}", {"page": f"{0.211 * n:.3f}", "list": f"{100 * n}.5"}) for n in range(1, 6)
    ]
    doubled = row("doubled", {"page": "0.422", "list": "422.5"})
    rounded = row("rounded", {"page": "0.050", "list": "32.00"})
    named = found([PAGE, LIST], *rows, doubled, rounded)
    assert [one for one in named if one[0] != "flops-conventions"] == [
        ("flops-off-the-factor", "doubled", ("page", "list"))
    ]


def test_nets_of_one_cost_with_two_figures_in_another_column_are_named_at_the_later_row() -> None:
    plain = row("plain", {"page": "0.280"}, flops=148)
    swish = row("swish", {"page": "0.290"}, flops=148)
    again = row("again", {"page": "0.280"}, flops=148)
    larger = row("larger", {"page": "0.580"}, flops=301)
    named = found([PAGE], plain, swish, again, larger)
    assert named == [("one-cost-two-figures", "swish", ("page",))]


@pytest.mark.parametrize(
    ("mib", "params", "odd"),
    [("9", 2.29, False), ("2.7", 0.61, False), ("0.4", 0.001, False), ("4", 2.29, True),
     ("2.3", 2.29, True), ("19", 2.29, True)],
)  # fmt: skip
def test_storage_far_from_four_bytes_a_parameter_is_named(
    mib: str, params: float, odd: bool
) -> None:
    column = Column(name="mib", kind="storage", unit="MiB")
    named = found([column], row("a", {"mib": mib}, flops=1, params=params))
    assert named == ([("storage-off-parameters", "a", ("mib",))] if odd else [])
