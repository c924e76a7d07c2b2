"""From what a person types to stored cells: an id, the beginning of one, or a label's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from bench.core.errors import UnknownName
from bench.reports.terminal.labels import short_label
from bench.storage.schema.common import CellFields

_WORK = re.compile(r"batch (\d+), (\d+) threads?")


def cells_named(
    words: Sequence[str], known: Mapping[str, CellFields], others: Iterable[str] = ()
) -> list[str]:
    """Return the ids of the cells that `words` name: one by its id, else all that fit.

    A cell fits whose id begins with the only word, or which has each of the words, as in
    `x1_0 onnxruntime b1 t1`. Raises UnknownName, near names of `others` and cells with it.
    """
    text = " ".join(words)
    if text in known:
        return [text]
    if near := [cell_id for cell_id in known if cell_id.startswith(text)]:
        return near
    given = set(_WORK.sub(r"b\1 t\2", text).split())
    if fitting := [cell_id for cell_id, cell in known.items() if given <= words_of(cell)]:
        return fitting
    labels = [short_label(cell) for cell in known.values()]
    names = labels if len(given) > 1 else [*others, *known, *(it.variant for it in known.values())]
    raise UnknownName("run or cell", text, set(names))


def words_of(cell: CellFields) -> set[str]:
    """Return each word that a cell may be named by."""
    settings = (f"{name}={value}" for name, value in cell.settings.items())
    return {*short_label(cell).split(), cell.precision, *settings}
