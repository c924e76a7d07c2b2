"""The footnotes of a report: numbered, each reason said once, of all that it is said of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.core.ranges import merged, without_numbers
from bench.reports.language import Words
from bench.reports.tables.model import Column, Entry


@dataclass(frozen=True, slots=True)
class _Note:
    """A note's number, its texts, which differ in numbers or names alone, and of what it is."""

    number: int
    texts: dict[str, None] = field(default_factory=dict)
    said_of: dict[str, None] = field(default_factory=dict)


class Notes:
    """Notes by number, in the order of their first mention; the same reason is the same note.

    Remarks on figures that differ in their numbers alone are one, with the numbers' ranges.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        self._notes: dict[str, _Note] = {}

    def of_entry(self, entry: Entry, column: Column, row: str) -> list[int]:
        """Return the numbers of an entry's notes; those of a published figure name their net."""
        published = column.origin == "published"
        of = "" if published else entry.cell[1] if entry.cell else row
        ranged = entry.cell is not None and entry.value is not None
        return [self.add(note, of=of, row=row, ranged=ranged) for note in entry.notes]

    def add(self, text: str, *, of: str = "", row: str = "", ranged: bool = False) -> int:
        """Return the number of `text`, put into one line: an engine may say several.

        It may name the `row` that it is `of`; `ranged`, its numbers are of a figure.
        """
        text = " ".join(text.split())
        key = text.replace(row, "\0") if row and of else text
        key = without_numbers(key) if ranged else key
        note = self._notes.setdefault(key, _Note(len(self._notes) + 1))
        note.texts[text if ranged or not note.texts else next(iter(note.texts))] = None
        if of:
            note.said_of[of] = None
        return note.number

    def texts(self) -> list[str]:
        """Return the notes in the order of their numbers, in plain text."""
        return [
            said_of(list(it.said_of), merged(list(it.texts)), self._words)
            for it in self._notes.values()
        ]


def said_of(names: Sequence[str], text: str, words: Words) -> str:
    """Return a reason and of what it is: the first, and how many more."""
    if not names:
        return text
    first, more = names[0], len(names) - 1
    return words("notes.several" if more else "notes.one", name=first, more=more, note=text)
