"""Pieces of a page in Markdown: tables, paragraphs, and notes for what stands beside a figure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.core.escape import code, markdown
from bench.reports.tables.model import Column, Entry, Table

# A figure with its interval: brackets that link nowhere.
_INTERVAL = re.compile(r"[\d.]+ \[[\d.]+, [\d.]+\]")


class Footnotes:
    """Numbered notes in the order of their first mention; the same text is the same note."""

    def __init__(self) -> None:
        self._notes: dict[str, tuple[int, dict[str, None]]] = {}

    def mark(self, text: str, *, of: str = "") -> str:
        """Return the mark that leads to `text`, put into one line: an engine may say several.

        Said `of` several, it names the first and how many more.
        """
        text = " ".join(text.split())
        number, said_of = self._notes.setdefault(text, (len(self._notes) + 1, {}))
        if of:
            said_of[of] = None
        return f"[^{number}]"

    def lines(self) -> list[str]:
        return [
            f"[^{number}]: {_first(list(said_of))}{markdown(text)}"
            for text, (number, said_of) in self._notes.items()
        ]


def _first(names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{markdown(names[0])}{more}: "


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is centred as the page has it.

    Its cells are Markdown: what others wrote in them is escaped.
    """
    align = ":--:" + "|----" * (len(head) - 1)
    lines = [_row(head), f"|{align}|", *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def written(one: Table, notes: Footnotes) -> str:
    """Return a table of the report, its texts escaped and its notes marked."""
    heads = ["<br>".join(map(markdown, column.title)) for column in one.columns]
    rows = [
        [
            _figure(entry, _marks(entry, column, row[0].text, notes))
            for entry, column in zip(row, one.columns, strict=True)
        ]
        for row in one.rows
    ]
    return table(heads, rows).rstrip("\n")


def _figure(entry: Entry, marks: str) -> str:
    text = f"{_text(entry)}{marks}"
    return f"**{text}**" if entry.strong else text


def _text(entry: Entry) -> str:
    if entry.code:
        return code(entry.text)
    known = _INTERVAL.fullmatch(entry.text)
    return entry.text if known else markdown(entry.text)


def _marks(entry: Entry, column: Column, row: str, notes: Footnotes) -> str:
    """Return the marks of an entry's notes; those of a published figure name their net."""
    of = "" if column.origin == "published" else entry.cell[1] if entry.cell else row
    return "".join(notes.mark(note, of=of) for note in entry.notes)


def paragraph(text: str) -> str:
    """Return a paragraph, its lines as they are."""
    return "\n".join(map(markdown, text.splitlines()))
