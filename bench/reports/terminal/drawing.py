"""Tables and paragraphs for a terminal, within its columns where it has any."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from bench.core import escape
from bench.core.output import wrapped

_ENDLESS = 10_000


def drawn(
    title: str,
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    note: str = "",
    *,
    width: int | None = None,
) -> str:
    """Return a table below its title and above its note; a cell is never cut.

    Columns beyond `width` go into tables below, which have the first column again. Without a width
    nothing is wrapped.
    """
    lines = [*wrapped(title, width)] if title else []
    for columns in _parts([head, *rows], width):
        lines += _table(*([row[i] for i in columns] for row in (head, *rows)))
    for text in note.splitlines():
        lines += wrapped(text, width)
    return escape.lines(lines)


def _parts(rows: Sequence[Sequence[str]], width: int | None) -> Iterator[list[int]]:
    """Yield the columns of each table that `rows` are drawn as, so that each fits."""
    from rich.cells import cell_len

    wide = [max(cell_len(escape.plain(row[i])) + 3 for row in rows) for i in range(len(rows[0]))]
    columns = [0]
    for index in range(1, len(wide)):
        if width and len(columns) > 1 and sum(wide[i] for i in (*columns, index)) + 1 > width:
            yield columns
            columns = [0]
        columns.append(index)
    yield columns


def _table(head: Sequence[str], *rows: Sequence[str]) -> list[str]:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(escape.plain(head[0]), no_wrap=True)
    for text in head[1:]:
        table.add_column(escape.plain(text), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(escape.plain, row))
    console = Console(
        file=io.StringIO(),
        width=_ENDLESS,
        # FORCE_COLOR would make it a terminal.
        force_terminal=False,
        color_system=None,
        # Titles and presets are the user's own: "[large]" in one is text.
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.print(table)
    assert isinstance(console.file, io.StringIO)  # noqa: S101 - it is the one given above
    return [line.rstrip() for line in console.file.getvalue().splitlines()]
