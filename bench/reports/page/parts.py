"""The parts of the page in the order in which a reader wants them, each with its sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bench.analysis.series import View
from bench.reports.language import Words
from bench.reports.page.audit import audit_tables
from bench.reports.page.charts import Chart, charts
from bench.reports.page.compare import compared_tables
from bench.reports.page.failures import failure_tables
from bench.reports.page.machine import machine_tables
from bench.reports.page.names import short_names
from bench.reports.page.systems import systems_tables
from bench.reports.tables import report_sections
from bench.reports.tables.model import Section, Table

_OF: Mapping[str, Sequence[str]] = {
    "costs": ("costs", "storage", "accuracy"),
    "latency": ("latency",),
    "engines": ("engines",),
    "operators": ("operators",),
    "sustained": ("sustained",),
    "serving": ("serving",),
    "sources": ("sources", "variance"),
}
"""The sections of the report in a part of the page, by the first word of their keys."""

_DRAWN_IN = {"top1": "plots", "by": "engines", "machine": "machine"}
"""The part of a chart, by the first word of its key."""

_TABLES = {
    "top1-storage": "storage", "top1-flops": "costs",
    "top1-params": "costs", "by-engine": "part-engines", "machine": "machine-state",
}  # fmt: skip
"""The anchor of the tables with a chart's figures, by the beginning of its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What stands below a heading of the page; `short` is what the contents call each section."""

    key: str
    title: str
    sections: Sequence[Section] = ()
    charts: Sequence[Chart] = ()
    short: Mapping[str, str]


def parts(view: View, words: Words) -> list[Part]:
    """Return the parts that have something to show."""
    sections = report_sections(view, words)
    tables = [table for section in sections for table in section.tables]
    found = {
        "plots": [],
        **{key: _of(sections, names) for key, names in _OF.items()},
        "compare": _section("compare", compared_tables(view, tables, words), words),
        "systems": [
            *_section("systems", systems_tables(view, words), words),
            *_of(sections, ["systems"]),
        ],
        "audit": _section("audit", audit_tables(view, words), words),
        "failures": _section("failures", failure_tables(view, words), words),
        "machine": _section("machine", machine_tables(view, words), words),
    }
    shorts = {f"latency-{key}": name for key, name in short_names(view, words).items()}
    drawn: dict[str, list[Chart]] = {}
    for chart in charts(view, words):
        part = _DRAWN_IN.get(chart.key.partition("-")[0], "plots")
        drawn.setdefault(part, []).append(chart)
    order = (
        "plots", "costs", "latency", "engines", "operators", "compare", "systems", "sustained",
        "serving", "audit", "failures", "machine", "sources",
    )  # fmt: skip
    return [
        Part(
            key=f"part-{key}",
            title=words(f"page.part.{key}"),
            sections=found[key],
            charts=drawn.get(key, []),
            short={it.key: shorts[it.key] for it in found[key] if it.key in shorts},
        )
        for key in order
        if found[key] or key in drawn
    ]


def table_of(shown: Sequence[Part], chart: Chart) -> str | None:
    """Return the anchor of the tables with a chart's figures, None where nothing shows them."""
    sections = [section for part in shown for section in part.sections]
    anchors = {part.key for part in shown} | {section.key for section in sections}
    anchors |= {table.key for section in sections for table in section.tables}
    named = [anchor for key, anchor in _TABLES.items() if chart.key.startswith(key)]
    if chart.cells:
        tables = [table for section in sections for table in section.tables]
        named = [max(tables, key=partial(_shared, set(chart.cells))).key]
    return next((anchor for anchor in named if anchor in anchors), None)


def _shared(cells: set[str], table: Table) -> int:
    """Return how many of the cells a table has."""
    known = {"/".join(entry.cell) for row in table.rows for entry in row if entry.cell}
    return len(cells & known)


def _of(sections: Sequence[Section], names: Sequence[str]) -> list[Section]:
    kinds = [(it.key.partition("-")[0], it) for it in sections if it.tables]
    return [it for name in names for kind, it in kinds if kind == name]


def _section(key: str, tables: Sequence[Table], words: Words) -> list[Section]:
    return [Section(key=key, title=words(f"page.part.{key}"), tables=tables)] if tables else []
