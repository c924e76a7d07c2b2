"""What holds for every table."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.audit import RULES, Column, Cost, Row
from bench.analysis.audit.table import Kind
from tests.fakes.audit_tables import (
    THREADS,
    found,
    odd_sizes,
    row,
    single,
    threads,
)

SIZES = st.lists(st.integers(1, 2000), min_size=1, max_size=8, unique=True).map(sorted)
GRID = [
    Column(name=f"{batch}/{threads}", kind="latency", unit="ms", threads=threads, batch=batch)
    for batch in (1, 4, 8)
    for threads in (1, 2, 4)
]


def consistent(sizes: Sequence[int], efficiency: float, overhead: float) -> list[Row]:
    """Return rows whose time grows with size and batch, and falls by less than threads grow."""

    def time_ms(size: int, column: Column) -> float:
        speedup = float((column.threads or 1) ** efficiency)
        return overhead + 0.05 * size * (column.batch or 1) / speedup

    return [
        row(
            f"net {size}",
            {column.name: f"{time_ms(size, column):.9f}" for column in GRID},
            flops=size,
            params=size / 100,
        )
        for size in sizes
    ]


@given(sizes=SIZES, efficiency=st.floats(0.05, 0.95), overhead=st.floats(0.01, 10))
def test_a_table_that_is_consistent_has_no_finding(
    sizes: list[int], efficiency: float, overhead: float
) -> None:
    rows = consistent(sizes, efficiency, overhead)
    distinct = len({text for one in rows for text in one.texts.values()}) == 9 * len(rows)
    named = [one for one in found(GRID, *rows) if distinct or one[0] != "repeated-figure"]
    assert named == []


FIGURES = st.lists(st.tuples(*[st.integers(100, 999)] * 9), min_size=1, max_size=6)


@given(figures=FIGURES, scale=st.sampled_from([0.5, 2.0, 1024.0]))
def test_another_unit_of_time_changes_no_finding_but_those_on_digits_and_rates(
    figures: list[tuple[int, ...]], scale: float
) -> None:
    def rows(factor: float) -> list[Row]:
        return [
            Row(
                name=f"net {n}", family="F", cost=Cost(10.0 * n + 1, 10.0 * n + 1),
                figures={c.name: factor * value for c, value in zip(GRID, one, strict=True)},
                texts={c.name: f"{value}.0000000" for c, value in zip(GRID, one, strict=True)},
            )
            for n, one in enumerate(figures)
        ]  # fmt: skip

    def unscaled(factor: float) -> list[tuple[str, str, tuple[str, ...]]]:
        digits = "repeated-figure"
        return [one for one in found(GRID, *rows(factor)) if one[0] != digits]

    assert unscaled(scale) == unscaled(1.0)


@given(figures=FIGURES)
def test_what_is_left_when_named_rows_are_taken_out_of_a_column_is_in_order(
    figures: list[tuple[int, ...]],
) -> None:
    rows = [single(f"net {n}", str(one[0]), n + 1) for n, one in enumerate(figures)]
    named = odd_sizes(*rows)
    kept = [one.figures["b1"] for one in rows if one.name not in named]
    assert kept == sorted(kept)


@given(figures=FIGURES)
def test_the_audit_says_the_same_again(figures: list[tuple[int, ...]]) -> None:
    rows = [threads(f"net {n}", *map(str, one[:3]), flops=n + 1) for n, one in enumerate(figures)]
    assert found(THREADS, *rows) == found(THREADS, *rows)


def test_every_rule_has_a_sentence() -> None:
    assert all(
        rule.sentence.endswith(".") and rule.sentence[0].isupper() for rule in RULES.values()
    )


def test_no_rule_finds_anything_in_an_empty_table() -> None:
    kinds: tuple[Kind, ...] = ("latency", "flops", "params", "storage", "accuracy")
    assert found([Column(name=kind, kind=kind) for kind in kinds]) == []
