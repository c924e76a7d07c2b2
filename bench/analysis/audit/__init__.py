"""Consistency rules over published and measured tables: figures that can't all be right. Pure.

`audit(published_tables(...) + measured_tables(...))` returns what the rules find. A new rule is one
function over a table and one entry of RULES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.audit import costs, latency, sizes, twins
from bench.analysis.audit.claims import contradiction
from bench.analysis.audit.table import Column, Cost, Oddity, Row, Source, Table
from bench.analysis.audit.tables import measured_tables, published_tables
from bench.config.published import Published
from bench.storage.schema.latency import Costs

__all__ = [
    "RULES",
    "Column",
    "Cost",
    "Finding",
    "Row",
    "Rule",
    "Table",
    "audit",
    "audit_claims",
    "measured_tables",
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
    "twins-part": Rule(
        "A distilled copy has its net's costs, and latencies that part no more than by chance.",
        twins.twins_part,
    ),
    "storage-off-parameters": Rule(
        "A file of FP32 weights has about 4 bytes a parameter.", costs.storage_off_parameters
    ),
}


COPIED = "copied-column"
"""Two tables of other hardware or precision don't have the same figures to the digit."""

CLAIM = "another-nets-row"
"""The row of published.csv that a model claims is there, and of its own costs."""


def audit(tables: Sequence[Table]) -> list[Finding]:
    """Return every finding: in the order of the tables, then of RULES, then of the rule itself;
    what is odd between two tables follows at the later one's end.
    """
    copied = list(twins.copied_columns(tables))
    findings: list[Finding] = []
    for table in tables:
        odd = [(name, odd) for name, rule in RULES.items() for odd in rule.find(table)]
        odd += [(COPIED, oddity) for where, oddity in copied if where is table]
        findings += [
            Finding(
                rule=name,
                source=table.source,
                table=table.title,
                row=oddity.row,
                columns=oddity.columns,
                values=oddity.values,
                reason=oddity.reason,
            )
            for name, oddity in odd
        ]
    return findings


def audit_claims(
    claims: Mapping[str, tuple[str | None, Costs | None]], published: Mapping[str, Published]
) -> list[Finding]:
    """Return a finding for each net whose row of published.csv can't be its own.

    `claims` has, by the net's title, the row's name and the counted costs, None without any.
    """
    return [
        Finding(
            rule=CLAIM,
            source="measured",
            table="measured: the published row of each model",
            row=title,
            columns=("published",),
            values=(str(claimed),),
            reason=reason,
        )
        for title, (claimed, costs) in claims.items()
        if (reason := contradiction(claimed, costs, published)) is not None
    ]
