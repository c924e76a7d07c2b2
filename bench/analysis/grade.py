"""How far a cell's figure can be trusted, A to D: the worst of the rules in one table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.grade_rules import REMARKS, RULES
from bench.storage.schema.latency import Measured, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule allows: a grade, the reason, and the remedy ('' for an A)."""

    rule: str
    grade: str
    reason: str
    remedy: str = ""


def grade(found: Sequence[Finding]) -> str | None:
    """Return the worst grade of what `findings` found, None where that is nothing."""
    return max((finding.grade for finding in found), default=None)


def findings(record: Record) -> list[Finding]:
    """Return what each rule says of a measured record, none of any other."""
    if not isinstance(record.outcome, Measured):
        return []
    said = ((name, *rule(record)) for name, rule in RULES.items())
    return [
        Finding(rule=name, grade=letter, reason=reason, remedy="" if letter == "A" else remedy)
        for name, letter, reason, remedy in said
    ]


def explain(found: Sequence[Finding]) -> list[str]:
    """Return what keeps a figure below A, each with what would raise it, worst first."""
    below = sorted(
        (finding for finding in found if finding.grade != "A"),
        key=lambda finding: finding.grade,
        reverse=True,
    )
    return [f"{it.grade} {it.rule}: {it.reason}: {it.remedy}" for it in below]


def warnings(found: Sequence[Finding]) -> list[str]:
    """Return what a reader of the figure has to know, each in one clause."""
    return [f.reason for f in found if f.rule in REMARKS and f.grade > "B"]
