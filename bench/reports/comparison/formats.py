"""A comparison as text: a table of formats by name, and the three that need no more than text.

A new format is one function and one line in FORMATS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict

from bench.analysis.verdicts import CellVerdict, Comparison, counts, percent
from bench.core import escape
from bench.core.errors import UnknownName
from bench.core.units import significant, to_ms
from bench.reports.comparison import forest, github, junit
from bench.reports.markdown.tables import table as markdown_table

_MEANING = {0: "no regression", 1: "a regression", 3: "no verdict that a check may rest on"}


def check_format(name: str) -> None:
    """Raise UnknownName where there is no format of that name."""
    if name not in FORMATS:
        raise UnknownName("--format", name, FORMATS)


def rendered(comparison: Comparison, name: str) -> str:
    """Return `comparison` in the format of that name; raises UnknownName."""
    check_format(name)
    return FORMATS[name](comparison)


def sentence(comparison: Comparison) -> str:
    """Return what it comes to: `1 slower, 20 same: a regression (exit status 1)`."""
    status = comparison.exit_status
    meaning = _MEANING[status]
    if status == 3 and comparison.count("SLOWER"):
        meaning = "advice only, for the reasons below: no regression that a check may fail on"
    return f"{counts(comparison.cells)}: {meaning} (exit status {status})"


def text_table(comparison: Comparison) -> str:
    """Return a line a cell, then what it comes to, the doubts and the notes."""
    rows = [
        (one.verdict, one.label, _figures(one), _change(one), one.reason)
        for one in _cells(comparison)
    ]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    lines = [f"BASE {comparison.base}", f"HEAD {comparison.head}", ""]
    for row in rows:
        padded = [text.ljust(width) for text, width in zip(row[:4], widths, strict=True)]
        lines.append("  ".join([*padded, row[4]]).rstrip())
    return escape.lines([*lines, "", sentence(comparison), *_remarks(comparison)])


def markdown(comparison: Comparison) -> str:
    """Return the same in Markdown, with a plot in plain characters."""
    rows = [
        [
            escape.markdown(one.label),
            one.verdict,
            _figures(one),
            _change(one),
            escape.markdown(one.reason),
        ]
        for one in _cells(comparison)
    ]
    base, head = map(escape.markdown, (comparison.base, comparison.head))
    parts = [f"**{sentence(comparison)}**", f"BASE {base}, HEAD {head}."]
    plot = forest.drawn(comparison.cells)
    parts += [markdown_table(_HEAD, rows)] if rows else []
    parts += [f"```text\n{plot}```"] if plot else []
    parts += ["\n".join(f"- {escape.markdown(text)}" for text in _remarks(comparison))]
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def step_summary(comparison: Comparison) -> str:
    """Return what a step adds to its summary."""
    return f"## Regression check\n\n{markdown(comparison)}\n"


def as_json(comparison: Comparison) -> str:
    """Return every value of it, with the exit status."""
    value = {
        "base": comparison.base,
        "head": comparison.head,
        "measure": comparison.measure,
        "exit_status": comparison.exit_status,
        "advice": bool(comparison.doubts),
        "doubts": list(comparison.doubts),
        "notes": list(comparison.notes),
        "cells": [asdict(one) for one in comparison.cells],
    }
    return json.dumps(value, indent=1) + "\n"


def _github(comparison: Comparison) -> str:
    return github.commands(comparison) + text_table(comparison)


FORMATS: Mapping[str, Callable[[Comparison], str]] = {
    "table": text_table,
    "markdown": markdown,
    "json": as_json,
    "junit": junit.document,
    "github": _github,
}

_HEAD = ("Cell", "Verdict", "BASE, HEAD", "Change [two-sided 95%]", "Why")
_RANK = ("SLOWER", "MISSING", "INCOMPARABLE", "INCONCLUSIVE", "FASTER", "SAME")


def _cells(comparison: Comparison) -> list[CellVerdict]:
    """Return the cells with what needs a look first."""
    return sorted(comparison.cells, key=lambda one: _RANK.index(one.verdict))


def _figures(one: CellVerdict) -> str:
    if one.base_ns is None or one.head_ns is None:
        return ""
    return f"{significant(to_ms(one.base_ns))} -> {significant(to_ms(one.head_ns))} ms"


def _change(one: CellVerdict) -> str:
    if one.ratio is None or one.low is None or one.high is None:
        return ""
    return f"{percent(one.ratio)} [{percent(one.low)}, {percent(one.high)}]"


def _remarks(comparison: Comparison) -> list[str]:
    advice = [f"advice only: {doubt}" for doubt in comparison.doubts]
    return advice + [f"note: {note}" for note in comparison.notes]
