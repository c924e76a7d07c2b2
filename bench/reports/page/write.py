"""Write the page: sections of tables and figures, in the order in which a reader wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bench.analysis.series import CellKey, View
from bench.core.escape import plain
from bench.reports.language import Words, words
from bench.reports.page import assets
from bench.reports.page.charts import THEME, pack, sample_charts, samples
from bench.reports.page.details import cell_details
from bench.reports.page.overview import overview
from bench.reports.page.parts import Part, parts, table_of
from bench.reports.tables import titles
from bench.reports.tables.model import Table
from bench.reports.tables.notes import Notes

NAME = "index.html"
_SCRIPT = ("sort", "unsort", "none", "rows")
_TEMPLATES = Path(__file__).parent / "templates"


def write(view: View, folder: Path, lang: str = "en") -> dict[Path, bytes]:
    """Return the page's file and bytes."""
    texts = words(lang)
    text = render(view, texts, folder)
    return {folder / texts.file(NAME): text.encode("utf-8", "replace")}


def render(view: View, texts: Words, folder: Path) -> str:
    """Return the page as it is in `folder`, from which its links go to the stored files."""
    link = partial(_link, view, folder)
    shown = parts(view, texts)
    cells = cell_details(view, texts, link)
    template = _environment().get_template("page.html")
    return template.render(
        words=texts,
        policy=assets.policy(),
        # Our own files.
        style=Markup(assets.style()),  # noqa: S704 # nosec B704
        script=Markup(assets.script()),  # noqa: S704 # nosec B704
        blocks=_blocks(view, texts, shown, cells),
        notes_of=partial(_notes, texts),
        caption_of=partial(_caption, texts),
        links=Links(link, cells["cells"]),
        table_of=partial(table_of, shown),
        newest=_newest(view),
        systems=list(dict.fromkeys(titles.system(it, texts) for it in view.series)),
        overview=overview(view, texts),
        parts=shown,
        sample_charts=sample_charts(texts),
    )


def _newest(view: View) -> str:
    """Return when the newest run of latencies or loads began, '' where there is none."""
    loads = [it.manifest for it in view.servings]
    return max((it.started for it in [*view.sources.values(), *loads]), default="")


class Links:
    """Short names within the page, which would else be most of a large one.

    A cell is named by its place among the cells that the details panel knows, a table's footnotes
    by the table's. The first figure of a cell leads to its stored record, which takes no script;
    the others lead to its details.
    """

    def __init__(self, record: Callable[[CellKey], str], cells: Iterable[str]) -> None:
        self._record = record
        self._numbers = {key: number for number, key in enumerate(cells)}
        self._linked: set[CellKey] = set()
        self._tables: dict[str, int] = {}

    def number(self, cell: CellKey) -> int | None:
        """Return a cell's place, None where the details panel knows nothing of it."""
        return self._numbers.get("/".join(cell))

    def way(self, cell: CellKey) -> str:
        """Return where the next figure of a cell leads."""
        number = self.number(cell)
        if cell in self._linked and number is not None:
            return f"#cell-{number}"
        self._linked.add(cell)
        return self._record(cell)

    def note(self, table: str, number: int) -> str:
        """Return the id of a table's footnote."""
        return f"n{self._tables.setdefault(table, len(self._tables))}-{number}"


def _blocks(
    view: View, texts: Words, shown: Sequence[Part], cells: Mapping[str, Any]
) -> Mapping[str, str]:
    """Return what the page's script reads, packed, by the names that it has for it."""
    values = {
        "texts": {name: texts.texts[f"page.script.{name}"] for name in _SCRIPT},
        "cells": cells,
        "charts": {chart.key: chart.spec for part in shown for chart in part.charts},
        "theme": THEME,
        "sample-charts": {chart.key: chart.spec for chart in sample_charts(texts)},
    }
    packed = {name: pack(_visible(it)) for name, it in values.items()}
    return {**assets.packed(), **packed, "samples": pack(samples(view))}


def _caption(texts: Words, table: Table, above: str) -> str:
    """Return a table's caption: its own, what tables of its kind have, or the heading above."""
    kind = table.key.partition("-")[0]
    return (
        table.caption.rstrip(":：")
        or texts.texts.get(f"page.caption.{kind}")
        or table.title
        or above
    )


def _notes(texts: Words, table: Table) -> tuple[list[list[list[int]]], list[str]]:
    """Return the numbers of the footnotes of each entry, by row, and the footnotes in their order.

    They name no net: the marks at the figures tell which they are of.
    """
    notes = Notes(texts)
    numbers = [
        [
            [notes.add(text, ranged=None not in (entry.cell, entry.value)) for text in entry.notes]
            for entry in row
        ]
        for row in table.rows
    ]
    return numbers, notes.texts()


def _link(view: View, folder: Path, cell: CellKey) -> str:
    """Return the way to a cell's stored record; a report on one run lies in that run's folder."""
    run_id, cell_id = cell
    run = ["runs", view.sources[run_id].system_id, run_id]
    way = [*(run if folder.parent.name != run_id else ()), "cells", f"{cell_id}.json"]
    return "/".join(["..", *(quote(name, errors="replace") for name in way)])


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["code"] = _code
    return environment


def _shown(value: object) -> object:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _code(text: str) -> Markup:
    """Return `text` with what stands between two backticks as code."""
    parts = plain(text).split("`")
    if len(parts) % 2 == 0:  # one backtick has no other
        return escape(plain(text))
    pieces = [
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(parts)
    ]
    return Markup("").join(pieces)


def _visible(value: Any) -> Any:
    """Return a value of JSON in whose texts every character shows."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {plain(name): _visible(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        numbers = bool(value) and isinstance(value[0], int | float)
        return value if numbers else [_visible(one) for one in value]
    return value
