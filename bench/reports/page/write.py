"""Write the page: sections of tables and figures, in the order in which a reader wants them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bench.analysis.series import CellKey, View
from bench.core.escape import plain
from bench.reports.language import Words, words
from bench.reports.page import assets
from bench.reports.page.systems import systems_tables
from bench.reports.tables.model import Table

NAME = "index.html"
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page below a heading of its own; `key` is its anchor."""

    key: str
    title: str
    tables: Sequence[Table] = ()
    lead: str = ""


def write(view: View, folder: Path, lang: str = "en") -> dict[Path, bytes]:
    """Return the page's file and bytes."""
    texts = words(lang)
    text = render(view, texts, folder)
    return {folder / texts.file(NAME): text.encode("utf-8", "replace")}


def render(view: View, texts: Words, folder: Path) -> str:
    """Return the page as it is in `folder`, from which its links go to the stored files."""
    scripts, style = assets.scripts(), assets.style()
    return _environment().get_template("page.html").render(
        words=texts,
        policy=assets.policy(scripts, style),
        style=Markup(style),  # noqa: S704 - our own and libraries' files
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - as the style
        notes_of=_notes,
        link=partial(_link, view, folder),
        blocks={"texts": block(_texts(texts))},
        newest=max((it.started for it in view.sources.values()), default=""),
        systems=list(dict.fromkeys(series.system.heading for series in view.series)),
        sections=_sections(view, texts),
    )  # fmt: skip


def _sections(view: View, texts: Words) -> list[Section]:
    tables = systems_tables(view, texts)
    sections = [Section(key="systems", title=texts("page.systems"), tables=tables)]
    return [section for section in sections if section.tables]


def _notes(table: Table) -> dict[str, int]:
    """Return a table's footnotes by their numbers: the same text is the same note."""
    notes = dict.fromkeys(note for row in table.rows for entry in row for note in entry.notes)
    return {note: number for number, note in enumerate(notes, start=1)}


def _link(view: View, folder: Path, cell: CellKey) -> str:
    """Return the way to a cell's stored record; a report on one run lies in that run's folder."""
    run_id, cell_id = cell
    run = f"runs/{quote(view.sources[run_id].system_id)}/{quote(run_id)}/"
    within = "" if folder.parent.name == run_id else run
    return f"../{within}cells/{quote(cell_id)}.json"


def _texts(texts: Words) -> Mapping[str, str]:
    """Return the texts that the page's script shows."""
    names = ("sort", "unsort", "none")
    return {name: texts(f"page.script.{name}") for name in names}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _shown(value: object) -> object:
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def block(value: object) -> Markup:
    """Return a value as JSON for a script's element, which nothing in it can end."""
    text = json.dumps(_visible(value), ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no `<` is left


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
