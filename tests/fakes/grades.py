"""Records that every rule of the grade allows an A, and the grade's parts of one record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.analysis import grade as grading
from bench.analysis.grade import findings
from bench.storage.schema.latency import Record
from tests.fakes.records import record

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
