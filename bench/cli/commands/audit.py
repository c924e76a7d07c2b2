"""`bench audit`: figures that can't all be right, published and measured, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from bench.analysis.audit import (
    Finding,
    Table,
    audit,
    audit_claims,
    measured_tables,
    published_tables,
)
from bench.analysis.series import View
from bench.cli.console import tell_broken
from bench.cli.stored import viewed
from bench.config.catalog import load_catalogue
from bench.config.published import load_published
from bench.core.errors import BrokenResult
from bench.core.output import show, show_lines
from bench.core.program import command
from bench.core.units import number_of
from bench.experiments.context import Options, Tables
from bench.reports.build import view_of
from bench.storage.schema.latency import Costs


def run(options: Options, tables: Tables) -> int:
    """Print the findings by table; return 1 if a measured table has one.

    Raises what `view_of` raises.
    """
    published = published_tables(load_published(options.models))
    broken: list[BrokenResult] = []
    view = view_of(viewed(options, broken), options.models)
    measured = measured_tables(view)
    findings = audit([*published, *measured])
    findings += audit_claims(_claims(view, options.models), view.published)
    if options.as_json:
        show(json.dumps([asdict(one) for one in findings], indent=1) + "\n")
    else:
        own = _own(findings, measured)
        show_lines([own, "", *_text(findings), "", _checked(published, measured)])
    return max(tell_broken(broken), int(any(one.source == "measured" for one in findings)))


def _claims(view: View, models: Path) -> dict[str, tuple[str | None, Costs | None]]:
    """Return which published row each model claims, in the catalogue or when it was measured."""
    entries = load_catalogue(models).models.items()
    claims: dict[str, tuple[str | None, Costs | None]] = {
        entry.title or entry.published or name: (entry.published, None) for name, entry in entries
    }
    return claims | {it.title: (it.published, it.costs) for it in view.models.values()}


def _checked(published: Sequence[Table], measured: Sequence[Table]) -> str:
    """Return how many tables were checked of each kind, empty ones left out."""
    ours, theirs = (sum(bool(table.rows) for table in tables) for tables in (measured, published))
    none = "" if ours else f": {command('run')} measures some"
    return f"tables checked: {theirs} of published figures, {ours} of measured ones{none}"


def _own(findings: Sequence[Finding], measured: Sequence[Table]) -> str:
    """Return what was found in what was measured here, which stands before what was published."""
    count = sum(bool(table.rows) for table in measured)
    if not count:
        return "of what was measured: there is nothing to check yet"
    odd = sum(one.source == "measured" for one in findings)
    found = number_of(odd, "finding") if odd else "nothing is odd"
    return f"of what was measured: {found} in {number_of(count, 'table')}"


def _text(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        yield "nothing is odd"
    ordered = sorted(findings, key=lambda one: one.source != "measured")
    groups = groupby(ordered, key=lambda one: (one.source, one.table))
    for number, ((_, title), group) in enumerate(groups):
        yield from ([""] if number else [])
        yield title
        yield from _lines(group)


def _lines(findings: Iterable[Finding]) -> Iterator[str]:
    for one in findings:
        yield f"  {one.rule}, {one.row or 'all rows'}, {', '.join(one.columns)}: {one.reason}"
