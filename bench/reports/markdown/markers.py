"""Tables of the report within any text file, between two markers, each alone on its line.

    <!-- bench:begin costs lang=zh -->
    what stands here is rewritten
    <!-- bench:end -->

The first word is `page` (sections 1.2 and 1.3 of the documentation page), or what a table's key
begins with. `lang` is the language, `columns=measured` leaves out what was published, and
`without` leaves out parts: title, caption, remarks, notes. Markers in a fenced block of code are an
example and stay as they are, as does every byte outside the markers.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.analysis.series import View
from bench.core.errors import BrokenFile, UnknownName
from bench.core.program import command
from bench.reports.language import LANGUAGES, Words, words
from bench.reports.markdown import seed_page
from bench.reports.markdown.tables import footnotes, paragraph, written
from bench.reports.tables import report_tables
from bench.reports.tables.model import Entry, Table
from bench.reports.tables.notes import Notes

PAGE = "page"
PARTS = ("title", "caption", "remarks", "notes")
OPTIONS: Mapping[str, Sequence[str]] = {
    "lang": LANGUAGES, "columns": ("all", "measured"), "without": PARTS,
}  # fmt: skip
LISTING = command("report --update")
EXAMPLE = "`<!-- bench:begin page -->` and, below it, `<!-- bench:end -->`"

_MARKER = re.compile(rb"[ \t]*<!--[ \t]*bench:(begin|end)\b(.*?)-->[ \t]*\r?\n?")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_MOST_NAMED = 6
_FENCE = re.compile(rb" {0,3}(`{3,}(?!.*`)|~{3,})(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A place for a table: the words of its first marker, its line, and the bytes in between."""

    name: str
    options: Mapping[str, str]
    line: int
    start: int
    stop: int = 0


def updated(path: Path, data: bytes, view: View, lang: str | None) -> tuple[bytes, dict[str, bool]]:
    """Return a file's bytes with each table written again, and by name which of them changed.

    `lang` is the language of what names none: without it the page is in Chinese, tables in English.
    Raises BrokenFile.
    """
    parts, changed, done = [], dict[str, bool](), 0
    for block in blocks(path, data):
        text = _rendered(path, block, view, lang).strip("\n")
        before = data[block.start : block.stop]
        ending = _LINE_END.search(data, 0, block.start)
        # Blank lines around it: some readers of Markdown take no table without them.
        lines = ["", *text.split("\n"), "", ""]
        after = (ending[0] if ending else b"\n").join(line.encode() for line in lines)
        parts += [data[done : block.start], after]
        done = block.stop
        changed[block.name] = changed.get(block.name, False) or before != after
    return b"".join([*parts, data[done:]]), changed


def blocks(path: Path, data: bytes) -> list[Block]:
    """Return the places in a file; raises BrokenFile where it has none or one isn't whole."""
    found, begun = list[Block](), None
    for line, start, stop, (kind, rest) in _markers(path, data):
        if kind == b"begin":
            if begun is not None:
                problem = f"line {line}: bench:begin stands within that of line {begun.line}"
                raise BrokenFile(path, problem, hint="put <!-- bench:end --> before it")
            begun = _block(path, rest.decode(), line=line, start=stop)
        elif begun is None:
            problem = f"line {line}: bench:end has no bench:begin above it"
            raise BrokenFile(path, problem, hint="remove it, or put a bench:begin before it")
        else:
            found.append(replace(begun, stop=start))
            begun = None
    if begun is not None:
        problem = f"line {begun.line}: bench:begin {begun.name} has no end"
        raise BrokenFile(path, problem, hint="put <!-- bench:end --> on a line below it")
    if not found:
        hint = f"put {EXAMPLE} on lines of their own"
        raise BrokenFile(path, "it has no markers to write between", hint=hint)
    return found


def _markers(path: Path, data: bytes) -> Iterator[tuple[int, int, int, tuple[bytes, bytes]]]:
    """Yield each marker outside of fenced code: line, begin and end in bytes, and its words."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        problem = f"it is no UTF-8 at byte {error.start}"
        raise BrokenFile(path, problem, hint="save it as UTF-8") from error
    position, fence = 0, b""
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        start, position = position, position + len(line)
        mark = _FENCE.match(line)
        if mark is not None and not fence:
            fence = mark[1]
        elif mark is not None and mark[1].startswith(fence) and not mark[2].strip():
            fence = b""
        marker = None if fence else _MARKER.fullmatch(line.removeprefix(codecs.BOM_UTF8))
        if marker is not None:
            yield number, start, position, (marker[1], marker[2])


def _block(path: Path, text: str, *, line: int, start: int) -> Block:
    name, *more = text.split() or [""]
    options = dict[str, str]()
    for word in more:
        key, _, value = word.partition("=")
        _known(path, line, "option", key, OPTIONS)
        for one in value.split(","):
            _known(path, line, f"{key} of a table", one, OPTIONS[key])
        options[key] = value
    return Block(name=name, options=options, line=line, start=start)


def _known(
    path: Path, line: int, kind: str, name: str, known: Iterable[str], listed_by: str = ""
) -> None:
    if name not in known:
        error = UnknownName(kind, name, known, listed_by=listed_by)
        raise BrokenFile(path, f"line {line}: {error.problem}", hint=error.hint)


def _rendered(path: Path, block: Block, view: View, lang: str | None) -> str:
    default = "zh" if block.name == PAGE else "en"
    texts = words(block.options.get("lang") or lang or default)
    if block.name == PAGE:
        return seed_page.render(view, texts)
    tables = _tables(view, texts)
    named = [key for key in tables if key == block.name] or [
        key for key in tables if block.name and key.startswith(block.name)
    ]
    if len(named) > 1:
        short = sorted(_shortest(tables, named), key=len)
        some = short[:_MOST_NAMED]
        more = f" and {len(short) - len(some)} more, as {LISTING} lists them"
        problem = f"line {block.line}: {len(named)} tables begin with '{block.name}'"
        hint = f"name one of {', '.join(some)}{more if len(short) > len(some) else ''}"
        raise BrokenFile(path, problem, hint=hint)
    if not named:
        known = [PAGE, *_shortest(tables, tables)]
        _known(path, block.line, "table", block.name, known, LISTING)
    return _table(tables[named[0]], block, texts)


def keys(view: View) -> list[str]:
    """Return what a marker's first word may be: of each table the least that names it alone."""
    tables = _tables(view, words("en"))
    return [PAGE, *_shortest(tables, tables)]


def _tables(view: View, texts: Words) -> dict[str, Table]:
    return {it.key: it for it in report_tables(view, texts) if it.rows}


def _shortest(every: Collection[str], named: Iterable[str]) -> list[str]:
    """Return the first words of each key in `named` that no other key of `every` begins with."""
    return [next(it for it in _begins(key) if _is_alone(it, key, every)) for key in named]


def _begins(key: str) -> Iterator[str]:
    parts = key.split("-")
    return ("-".join(parts[:count]) for count in range(1, len(parts) + 1))


def _is_alone(begin: str, key: str, every: Collection[str]) -> bool:
    """Tell whether `begin` means `key`: the whole key does, whatever else begins with it."""
    return begin == key or not any(it.startswith(begin) for it in every if it != key)


def _table(one: Table, block: Block, texts: Words) -> str:
    """Return a table with its title, caption, remarks and notes, without what isn't wanted."""
    if block.options.get("columns") == "measured":
        one = _without_published(one)
    without = block.options.get("without", "").split(",")
    notes, prefix = Notes(texts), f"{block.name}-"
    if "notes" in without:
        one = replace(one, rows=[[replace(it, notes=()) for it in row] for row in one.rows])
    text = written(one, notes, prefix)
    parts = {
        "title": [paragraph(f"{one.title}:")],
        "caption": [paragraph(one.caption)] if one.caption else [],
        "table": [text],
        "remarks": list(map(paragraph, one.remarks)),
        "notes": footnotes(notes, prefix),
    }
    return "\n\n".join(it for part, lines in parts.items() if part not in without for it in lines)


def _without_published(one: Table) -> Table:
    kept = [index for index, it in enumerate(one.columns) if it.origin != "published"]

    def some(row: Sequence[Entry]) -> list[Entry]:
        return [row[index] for index in kept]

    return replace(one, columns=[one.columns[i] for i in kept], rows=[some(r) for r in one.rows])
