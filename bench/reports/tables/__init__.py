"""The tables of a report in no format: what the page in Markdown and the page in HTML both show."""

from __future__ import annotations

from dataclasses import replace

from bench.analysis.series import View
from bench.reports.language import Words
from bench.reports.tables import (
    accuracy,
    costs,
    engines,
    latency,
    operators,
    serving,
    sources,
    sustained,
    systems,
)
from bench.reports.tables.model import Section, Table


def report_sections(view: View, words: Words) -> list[Section]:
    """Return all sections with their tables in the report's order, none without a result.

    That of the plots has no table.
    """
    found = [
        costs.costs(view, words) if view.models else None,
        costs.storage(view, words) if view.models else None,
        accuracy.section(view, words),
        *(latency.section(view, series, words) for series in view.series),
        engines.section(view, words),
        operators.section(view, words),
        systems.section(view, words),
        sustained.section(view, words),
        serving.section(view, words),
        Section(key="plots", title=words("report.plots"), tables=[]) if view.models else None,
        sources.variance(view, words),
        sources.sources(view, words) if view.models else None,
    ]
    return [_without_rows(section) for section in found if section is not None]


def _without_rows(section: Section) -> Section:
    """Return a section without the tables in which nothing is known; why that is, it says."""
    empty = [remark for table in section.tables if not table.rows for remark in table.remarks]
    return replace(
        section,
        tables=[table for table in section.tables if table.rows],
        introduction=[*section.introduction, *empty],
    )


def report_tables(view: View, words: Words) -> list[Table]:
    """Return all tables in the report's order."""
    return [table for section in report_sections(view, words) for table in section.tables]
