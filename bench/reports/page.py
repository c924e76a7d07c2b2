"""Pieces of a page in Markdown: tables, and footnotes for what stands in a figure's place."""

from __future__ import annotations

from collections.abc import Sequence

from bench.record import Failed, Skipped


class Footnotes:
    """Numbered notes in the order of their first mention; the same text is the same note."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, text: str) -> str:
        """Return the mark that leads to `text`, put into one line: an engine may say several."""
        text = " ".join(text.split())
        return f"[^{self._numbers.setdefault(text, len(self._numbers) + 1)}]"

    def lines(self) -> list[str]:
        return [f"[^{number}]: {text}" for text, number in self._numbers.items()]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is centred as the page has it."""
    align = ":--:" + "|----" * (len(head) - 1)
    lines = [_row(head), f"|{align}|", *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(texts: Sequence[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def outcome_text(cell_id: str, outcome: Failed | Skipped, notes: Footnotes) -> str:
    """Return what stands in the place of a figure."""
    if isinstance(outcome, Failed):
        return f"failed{notes.mark(f'{cell_id}: {outcome.failure}: {outcome.message}.')}"
    return f"skipped{notes.mark(f'{cell_id}: {outcome.reason}: {outcome.hint}.')}"
