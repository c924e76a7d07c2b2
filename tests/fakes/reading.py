"""What an output does to who reads it: each format by a parser of its own."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from itertools import groupby

from markdown_it import MarkdownIt

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")


def markdown_structure(text: str) -> list[str]:
    """Return the kinds of a page's blocks, words and cells in order, what links lead to included.

    Two pages of one structure differ in their words alone.
    """
    found: list[str] = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        found.append(f"{token.type} {token.tag}")
        for inner in token.children or ():
            if inner.type in ("text", "code_inline", "text_special"):
                found.append("words")
            else:
                target = inner.attrGet("href") or inner.attrGet("src") or ""
                found.append(f"{inner.type} {inner.content if 'html' in inner.type else target}")
    return [kind for kind, _ in groupby(found)]


def commands(text: str) -> list[str]:
    """Return the lines that a runner of GitHub Actions takes for commands."""
    lines = text.replace("\r", "\n").split("\n")
    return [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


def hidden(text: str) -> list[str]:
    """Return the characters that steer a terminal or don't show."""
    return _HIDDEN.findall(text)


def csv_rows(data: bytes) -> list[dict[str, str]]:
    rows = list(csv.reader(data.decode().splitlines(keepends=True), strict=True))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def formulas(rows: Sequence[dict[str, str]]) -> list[str]:
    """Return the cells that a spreadsheet would compute."""
    return [text for row in rows for text in row.values() if _FORMULA.match(text)]
