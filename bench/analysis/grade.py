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


def grade(results: Sequence[Finding]) -> str | None:
    """Return the worst grade in `results`, None where there is none."""
    return max((finding.grade for finding in results), default=None)


def findings(record: Record) -> list[Finding]:
    """Return each rule's finding of a measured record, none of any other."""
    if not isinstance(record.outcome, Measured):
        return []
    verdicts = ((name, *rule(record)) for name, rule in RULES.items())
    return [
        Finding(rule=name, grade=letter, reason=reason, remedy="" if letter == "A" else remedy)
        for name, letter, reason, remedy in verdicts
    ]


def explain(results: Sequence[Finding]) -> list[str]:
    """Return what keeps a figure below A, each with what would raise it, worst first."""
    below = sorted(
        (finding for finding in results if finding.grade != "A"),
        key=lambda finding: finding.grade,
        reverse=True,
    )
    return [
        f"{finding.grade} {finding.rule}: {finding.reason}: {finding.remedy}" for finding in below
    ]


def warnings(results: Sequence[Finding]) -> list[str]:
    """Return what a reader of the figure has to know, each in one clause."""
    return [
        finding.reason for finding in results if finding.rule in REMARKS and finding.grade > "B"
    ]
