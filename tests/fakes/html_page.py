"""A page as an HTML parser reads it: elements in order, tables, and the blocks of data."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "input", "br", "link", "img", "hr"}


class Reader(HTMLParser):
    """Every element in order, each with its attributes and the text in it; tags must balance."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[tuple[str, list[str]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        texts: list[str] = []
        self.found.append((tag, {name: value or "" for name, value in attrs}, texts))
        if tag not in VOID:
            self.open.append((tag, texts))

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self.open.pop()
        assert opened == tag

    def handle_data(self, data: str) -> None:
        for _, texts in self.open:
            texts.append(data)

    def tables(self) -> list[tuple[str, list[list[str]]]]:
        """Each table's key and the texts of its body's rows."""
        tables: list[tuple[str, list[list[str]]]] = []
        for tag, attrs, texts in self.found:
            if tag == "table":
                tables.append((attrs["data-key"], []))
            elif tag == "tr" and tables:
                tables[-1][1].append([])
            elif tag in ("td", "th") and attrs.get("scope") != "col":
                tables[-1][1][-1].append("".join(texts).strip())
        return [(key, rows[1:]) for key, rows in tables]

    def all(self, tag: str) -> list[tuple[dict[str, str], str]]:
        return [(attrs, "".join(texts)) for name, attrs, texts in self.found if name == tag]


def block(read: Reader, name: str) -> Any:
    (packed,) = [text for attrs, text in read.all("script") if attrs.get("id") == f"data-{name}"]
    return json.loads(gzip.decompress(b64decode(json.loads(packed))))
