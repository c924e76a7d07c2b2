"""What the audit finds in published and measured figures, as a table."""

from __future__ import annotations

from bench.analysis.audit import COPIED, RULES, audit, measured_tables, published_tables
from bench.analysis.series import View
from bench.reports.language import Words
from bench.reports.tables.model import Column, Entry, Table

_COLUMNS = ("model", "table", "reason", "rule")


def audit_tables(view: View, words: Words) -> list[Table]:
    """Return the findings, of measured figures first; none where there is none."""
    found = audit([*published_tables(view.published), *measured_tables(view)])
    rows = [
        [
            Entry(text=it.row or words("page.audit.all")),
            Entry(text=it.table),
            Entry(text=it.reason),
            Entry(text=_sentence(it.rule)),
        ]
        for it in sorted(found, key=lambda it: it.source)
    ]
    if not rows:
        return []
    return [
        Table(
            key="audit-findings",
            title=words("page.part.audit"),
            caption=words("page.audit.caption", count=len(rows)),
            columns=[
                Column(title=(words(f"page.audit.{name}"),), origin="name", key=name)
                for name in _COLUMNS
            ],
            rows=rows,
        )
    ]


def _sentence(rule: str) -> str:
    return RULES[rule].sentence if rule in RULES else COPIED_SENTENCE.get(rule, rule)


COPIED_SENTENCE = {
    COPIED: "Two tables of other hardware or precision don't have the same figures to the digit."
}
