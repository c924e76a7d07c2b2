"""A family's order: what trips the rules on size, and what must not."""

from __future__ import annotations

import pytest

from tests.fakes.audit_tables import (
    BATCHES,
    found,
    odd_sizes,
    row,
    single,
)


def test_a_larger_net_that_is_faster_is_named() -> None:
    assert odd_sizes(single("small", "0.92", 18), single("large", "0.89", 42)) == ["large"]
    assert odd_sizes(single("small", "0.92", 18), single("large", "0.92", 42)) == []


def test_a_net_with_more_flops_and_fewer_parameters_is_not_the_larger() -> None:
    assert odd_sizes(single("a", "0.92", 18, params=3), single("b", "0.89", 42, params=2)) == []


def test_nets_of_two_families_and_nets_of_unknown_cost_are_not_compared() -> None:
    small = row("small", {"b1": "0.92"}, flops=18, family="another")
    unknown = row("unknown", {"b1": "0.10"})
    assert odd_sizes(small, single("large", "0.89", 42), unknown) == []


def test_what_two_measurements_of_one_net_part_by_is_no_inversion() -> None:
    rows = single("small", "1.00", 18), single("large", "0.96", 42)
    assert odd_sizes(*rows, allowed=1.05) == []
    assert odd_sizes(*rows, allowed=1.03) == ["large"]


def test_nets_of_equal_cost_bound_each_other() -> None:
    plain, swish = single("plain", "1.05", 148), single("swish", "1.43", 148)
    assert odd_sizes(plain, swish, single("larger", "1.20", 301)) == []
    assert odd_sizes(plain, swish, single("larger", "0.93", 301)) == ["larger"]


def test_a_slow_net_that_several_larger_ones_contradict_is_named_in_their_place() -> None:
    figures = ["1.0", "9.0", "3.0", "4.0", "5.0"]
    rows = [single(f"net {n}", text, 10 * (n + 1)) for n, text in enumerate(figures)]
    assert odd_sizes(*rows) == ["net 1"]


def test_figures_that_halve_as_nets_grow_are_taken_for_frames_a_second() -> None:
    rates = [single(f"net {n}", text, 10 * n) for n, text in enumerate(["90", "60", "50", "45"], 1)]
    assert ("falls-with-size", "F", ("b1",)) in found(BATCHES[:1], *rates)


@pytest.mark.parametrize(
    "texts", [["90", "60", "45"], ["90", "60", "50", "46"], ["9", "6", "7", "4"]]
)
def test_fewer_nets_or_a_smaller_or_broken_fall_may_be_times(texts: list[str]) -> None:
    rows = [single(f"net {n}", text, 10 * n) for n, text in enumerate(texts, 1)]
    assert "falls-with-size" not in {rule for rule, _, _ in found(BATCHES[:1], *rows)}
