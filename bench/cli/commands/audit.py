"""`bench audit`: figures that can't all be right, published and measured, each with its reason."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby

from bench.analysis.audit import Finding, audit, measured_tables, published_tables
from bench.config.catalog import load_published
from bench.experiments.context import Options, Tables
from bench.reports.build import load_runs, view_of


def run(options: Options, tables: Tables) -> int:
    """Print the findings by table; return 1 if a measured table has one.

    Raises what `load_runs` and `view_of` raise.
    """
    published = published_tables(load_published(options.models))
    view = view_of(load_runs(options.results), options.models)
    findings = audit([*published, *measured_tables(view)])
    if options.as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in findings], indent=1) + "\n")
    else:
        sys.stdout.write(_text(findings))
    return int(any(one.source == "measured" for one in findings))


def _text(findings: Sequence[Finding]) -> str:
    if not findings:
        return "nothing is odd\n"
    groups = groupby(findings, key=lambda one: (one.source, one.table))
    return "\n".join(f"{title}\n{_lines(group)}" for (_, title), group in groups)


def _lines(findings: Iterable[Finding]) -> str:
    return "".join(
        f"  {one.rule}  {one.row or 'all rows'}  {', '.join(one.columns)}: {one.reason}\n"
        for one in findings
    )
