"""Pieces of a page in Markdown: tables, paragraphs, and notes for what stands beside a figure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.core.escape import code, markdown
from bench.reports.tables.model import Entry, Table
from bench.reports.tables.notes import Notes

# A figure with its interval: brackets that link nowhere.
_INTERVAL = re.compile(r"[\d.]+ \[[\d.]+, [\d.]+\]")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, centred: bool = False) -> str:
    """Return a Markdown table; the first column is centred as the page has it, or all are.

    Its cells are Markdown: what others wrote in them is escaped.
    """
    align = ":--:" + ("|:--:" if centred else "|----") * (len(head) - 1)
    lines = [_row(head), f"|{align}|", *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def written(one: Table, notes: Notes, prefix: str = "") -> str:
    """Return a table of the report, its texts escaped and its notes marked.

    `prefix` keeps the marks apart from those of the page that the table is put into.
    """
    heads = ["<br>".join(map(markdown, column.title)) for column in one.columns]
    rows = [
        [
            _figure(entry, marks(notes.of_entry(entry, column, row[0].text), prefix))
            for entry, column in zip(row, one.columns, strict=True)
        ]
        for row in one.rows
    ]
    return table(heads, rows).rstrip("\n")


def marks(numbers: Sequence[int], prefix: str = "") -> str:
    """Return what leads to the notes of those numbers."""
    return "".join(f"[^{prefix}{number}]" for number in numbers)


def _figure(entry: Entry, noted: str) -> str:
    text = f"{_text(entry)}{noted}"
    return f"**{text}**" if entry.strong else text


def _text(entry: Entry) -> str:
    if entry.code:
        return code(entry.text)
    known = _INTERVAL.fullmatch(entry.text)
    return entry.text if known else markdown(entry.text)


def footnotes(notes: Notes, prefix: str = "") -> list[str]:
    """Return the block of the notes that the marks lead to, none without a note."""
    lines = [
        f"{marks([number], prefix)}: {markdown(text)}"
        for number, text in enumerate(notes.texts(), 1)
    ]
    return ["\n".join(lines)] if lines else []


def paragraph(text: str) -> str:
    """Return a paragraph, its lines as they are."""
    return "\n".join(map(markdown, text.splitlines()))
