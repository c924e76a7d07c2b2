"""A table of a report, in no format: what stands in it, for Markdown and HTML to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Origin = Literal["measured", "published", "counted", "name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One cell of a table: plain text as shown, of anybody's making; a renderer escapes it.

    `value` is what sorting goes by, in the column's unit, None where it isn't known; `cell` the
    run's and the cell's id of the stored record behind it; `notes` are footnotes in plain text, of
    that cell or else of the row; `strong` marks the fastest of its row, `code` a command.
    """

    text: str = ""
    value: float | None = None
    cell: tuple[str, str] | None = None
    grade: str | None = None
    notes: tuple[str, ...] = ()
    strong: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: the lines of its head in the report's language, and where its figures come from.

    `key` is the same in every language: "latency b1 t2", "published sd855_ms_threads1".
    """

    title: tuple[str, ...]
    origin: Origin
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, with a line above it (`caption`) and the paragraphs below it, in plain text.

    `key` is an anchor, the same in every language. A word between backticks is code.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Entry]]
    remarks: Sequence[str] = ()
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading of the report, the paragraphs below it, and its tables.

    A table with another title than its section's stands below a heading of its own.
    """

    key: str
    title: str
    tables: Sequence[Table]
    introduction: Sequence[str] = ()
