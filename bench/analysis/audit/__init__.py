"""Consistency rules over published and measured tables: figures that can't all be right. Pure.

`audit(published_tables(...) + measured_tables(...))` returns what the rules find. A new rule is one
function over a table and one entry of RULES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bench.analysis.audit import costs, latency, sizes
from bench.analysis.audit.table import Column, Cost, Oddity, Row, Source, Table
from bench.analysis.audit.tables import measured_tables, published_tables

__all__ = [
    "RULES", "Column", "Cost", "Finding", "Row", "Rule", "Table", "audit", "measured_tables",
    "published_tables",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """What is odd, in one sentence, and the function that finds it."""

    sentence: str
    find: Callable[[Table], Iterable[Oddity]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An oddity with its rule and table; `row` is empty where it is about the whole table."""

    rule: str
    source: Source
    table: str
    row: str
    columns: tuple[str, ...]
    values: tuple[str, ...]
    reason: str


RULES: Mapping[str, Rule] = {
    "impossible-value": Rule(
        "A figure is above 0 and finite, an accuracy at most 1.", costs.impossible_value
    ),
    "out-of-order": Rule(
        "A minimum isn't above the mean, a mean above the maximum, top-1 above top-5.",
        costs.out_of_order,
    ),
    "repeated-figure": Rule(
        "Nets of different cost don't share a latency to four digits, or a whole row to three.",
        latency.repeated_figure,
    ),
    "more-threads-slower": Rule(
        "Up to the number of cores, more threads don't take longer.", latency.more_threads_slower
    ),
    "speedup-above-threads": Rule(
        "Threads don't gain more than their number.", latency.speedup_above_threads
    ),
    "larger-net-faster": Rule(
        "A larger net of a family isn't faster than a smaller one.", sizes.larger_net_faster
    ),
    "larger-batch-faster": Rule(
        "A larger batch doesn't take less time in all.", latency.larger_batch_faster
    ),
    "falls-with-size": Rule(
        "Latencies of a family don't fall steadily as its nets grow.", sizes.falls_with_size
    ),
    "above-peak-rate": Rule(
        "No net runs faster than the hardware can calculate.", latency.above_peak_rate
    ),
    "flops-conventions": Rule(
        "Columns of FLOPs in one table count the same operations.", costs.flops_conventions
    ),
    "flops-off-the-factor": Rule(
        "Where two columns of FLOPs part, they part alike in every row.",
        costs.flops_off_the_factor,
    ),
    "one-cost-two-figures": Rule(
        "Nets of equal FLOPs and parameters have equal FLOPs in another column too.",
        costs.one_cost_two_figures,
    ),
    "storage-off-parameters": Rule(
        "A file of FP32 weights has about 4 bytes a parameter.", costs.storage_off_parameters
    ),
}


def audit(tables: Iterable[Table]) -> list[Finding]:
    """Return every finding: in the order of the tables, then of RULES, then of the rule itself."""
    return [
        Finding(
            rule=name,
            source=table.source,
            table=table.title,
            row=odd.row,
            columns=odd.columns,
            values=odd.values,
            reason=odd.reason,
        )
        for table in tables
        for name, rule in RULES.items()
        for odd in rule.find(table)
    ]
