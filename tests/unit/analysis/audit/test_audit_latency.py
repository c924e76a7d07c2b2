"""Digits, threads, batches and the hardware's rate: what trips each rule, and what must not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.analysis.audit import Column, Row
from tests.fakes.audit_tables import (
    BATCHES,
    THREADS,
    batches,
    found,
    row,
    threads,
)


def test_a_figure_of_four_digits_that_another_net_has_too_is_named_once_at_the_later_row() -> None:
    rows = [
        threads("big", "31.21", "19.98", flops=571),
        threads("small", "31.21", "19.06", flops=148),
    ]
    assert found(THREADS, *rows) == [("repeated-figure", "small", ("t1",))]


@pytest.mark.parametrize(
    "other",
    [
        threads("other", "31.2", "18.98", flops=571),
        threads("other", "31.22", "18.98", flops=571),
        threads("other", "31.21", "18.98", flops=148),
        threads("other", "31.21", "18.98"),
        threads("other", "19.99", "31.21", flops=571),
    ],
    ids=["fewer digits", "another digit", "the same cost", "no known cost", "another column"],
)
def test_other_coincidences_of_one_figure_are_not_named(other: Row) -> None:
    repeated = found(THREADS, other, threads("small", "31.21", "19.06", flops=148))
    assert "repeated-figure" not in {rule for rule, _, _ in repeated}


def test_three_digits_repeated_are_a_coincidence_unless_a_whole_row_of_three_is() -> None:
    first = batches("first", "1.01", "1.44", "1.92", flops=40)
    whole = batches("whole", "1.01", "1.44", "1.92", flops=50)
    partly = batches("partly", "1.01", "1.44", "1.93", flops=50)
    coarse = batches("coarse", "1.0", "1.4", "1.9", flops=60)
    coarser = batches("coarser", "1.0", "1.4", "1.9", flops=70)
    assert found(BATCHES, first, partly) == []
    assert found(BATCHES, coarse, coarser) == []
    assert found(BATCHES, first, whole) == [("repeated-figure", "whole", ("b1", "b4", "b8"))]


def test_a_row_that_lacks_a_column_repeats_no_whole_row() -> None:
    first = batches("first", "1.01", "1.44", "1.92", flops=40)
    shorter = batches("shorter", "1.01", "1.44", flops=50)
    assert found(BATCHES, first, shorter) == []


def test_fewer_than_three_columns_or_three_of_four_are_no_whole_row() -> None:
    first = batches("first", "1.01", "1.44", "1.92", flops=40)
    second = batches("second", "1.01", "1.44", "1.92", flops=50)
    assert found(BATCHES[:2], first, second) == []
    fourth = Column(name="t1", kind="latency", unit="ms")
    longer = [
        row(one.name, {**one.texts, "t1": text}, flops=flops)
        for one, text, flops in ((first, "2.50", 40), (second, "2.60", 50))
    ]
    assert found([*BATCHES, fourth], *longer) == []


def test_a_figure_that_three_nets_have_is_named_once_for_each_later_net() -> None:
    rows = [threads(f"net {n}", "31.21", flops=100 + n) for n in range(3)]
    named = [("repeated-figure", f"net {n}", ("t1",)) for n in (1, 2)]
    assert found(THREADS, *rows) == named


# more-threads-slower, speedup-above-threads


def test_more_threads_that_take_longer_are_named_against_the_fastest_of_fewer() -> None:
    named = found(THREADS, threads("x0_33", "2.23", "1.70", "1.79"))
    assert named == [("more-threads-slower", "x0_33", ("t4", "t2"))]


def test_equal_times_of_more_threads_are_not_odd() -> None:
    assert found(THREADS, threads("a", "2.0", "2.0", "2.0")) == []


def test_more_threads_than_cores_may_take_longer() -> None:
    slower = threads("a", "2.0", "1.2", "1.5")
    assert found(THREADS, slower, cores=2) == []
    assert found(THREADS, slower, cores=4) == [("more-threads-slower", "a", ("t4", "t2"))]


def test_threads_are_compared_at_one_batch_only() -> None:
    columns = [
        Column(name=f"b{batch}t{threads}", kind="latency", unit="ms", threads=threads, batch=batch)
        for batch, threads in ((1, 1), (4, 2))
    ]
    assert found(columns, row("a", {"b1t1": "2.0", "b4t2": "5.0"})) == []


def test_a_speedup_above_the_number_of_threads_is_named_once_a_row() -> None:
    named = found(THREADS, threads("swish", "31.21", "9.06", "5.74"))
    assert named == [("speedup-above-threads", "swish", ("t1", "t2"))]


def test_a_speedup_that_rounding_may_have_made_is_not_odd() -> None:
    assert found(THREADS, threads("a", "2.01", "1.00")) == []
    assert found(THREADS, threads("a", "2.00", "0.999")) == []
    assert found(THREADS, threads("a", "2.02", "1.00")) != []


# larger-batch-faster


def test_a_larger_batch_in_less_time_is_named_against_the_slowest_of_smaller() -> None:
    assert found(BATCHES, batches("a", "0.88", "1.41", "1.37")) == [
        ("larger-batch-faster", "a", ("b8", "b4"))
    ]
    assert found(BATCHES, batches("a", "1.47", "1.47", "1.47")) == []


def test_more_operations_a_second_than_the_hardware_has_are_named() -> None:
    column = Column(name="b8", kind="latency", unit="ms", batch=8, peak=1e12)
    fast, slow = row("fast", {"b8": "0.7"}, flops=100), row("slow", {"b8": "0.9"}, flops=100)
    assert found([column], slow, fast) == [("above-peak-rate", "fast", ("b8",))]


def measured(*rows: Row, columns: Sequence[Column] = THREADS) -> list[str]:
    return [rule for rule, _, _ in found(columns, *rows, source="measured")]


@pytest.mark.parametrize(
    ("half", "odd"), [(0.04, True), (0.06, False), (None, False)], ids=["apart", "overlap", "none"]
)
def test_measured_figures_contradict_only_where_their_intervals_are_apart(
    half: float | None, odd: bool
) -> None:
    def spread(name: str, first: str, second: str, flops: float, keys: str) -> Row:
        texts = {f"{keys}1": first, f"{keys}{'2' if keys == 't' else '4'}": second}
        intervals = {} if half is None else dict.fromkeys(texts, half)
        return row(name, texts, flops=flops, intervals=intervals)

    assert measured(spread("a", "1.0", "1.1", 10, "t")) == ["more-threads-slower"] * odd
    assert measured(spread("a", "2.16", "1.0", 10, "t")) == ["speedup-above-threads"] * odd
    assert measured(spread("a", "1.1", "1.0", 10, "b"), columns=BATCHES) == (
        ["larger-batch-faster"] * odd
    )
    sizes = spread("a", "1.1", "2.1", 10, "b"), spread("b", "1.0", "2.0", 20, "b")
    assert measured(*sizes, columns=BATCHES) == ["larger-net-faster"] * 2 * odd
