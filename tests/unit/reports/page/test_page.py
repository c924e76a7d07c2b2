"""The page as an HTML parser reads it: whole, in order, and with nothing from elsewhere."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from bench.analysis.series import View
from bench.reports.page.write import block, write
from tests.fakes.records import facts, record, stored, view

FOLDER = Path("results/report")
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

    def all(self, tag: str) -> list[tuple[dict[str, str], str]]:
        return [(attrs, "".join(texts)) for name, attrs, texts in self.found if name == tag]


def shown() -> View:
    run = stored(record("x0_25"), record("x1_0"), models={"x0_25": facts(), "x1_0": facts()})
    return view(run, order=["x0_25", "x1_0"])


@pytest.fixture(scope="module")
def read() -> Reader:
    (data,) = write(shown(), FOLDER).values()
    return Reader(data.decode())


def test_each_table_has_a_caption_and_each_head_a_scope(read: Reader) -> None:
    tables = [attrs for attrs, _ in read.all("table")]
    assert tables
    assert len(read.all("caption")) == len(tables)
    assert all(text.strip() for _, text in read.all("caption"))
    assert {attrs.get("scope") for attrs, _ in read.all("th")} == {"col", "row"}


def test_landmarks_and_headings_in_order(read: Reader) -> None:
    assert {"header", "nav", "main"} <= {tag for tag, _, _ in read.found}
    levels = [int(tag[1]) for tag, _, _ in read.found if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_ids_are_unique_and_links_lead_to_one(read: Reader) -> None:
    ids = [attrs["id"] for _, attrs, _ in read.found if "id" in attrs]
    assert len(ids) == len(set(ids))
    within = {attrs["href"][1:] for attrs, _ in read.all("a") if attrs["href"].startswith("#")}
    assert within <= set(ids)
    assert "main" in within


def test_nothing_comes_from_elsewhere_and_each_script_is_allowed(read: Reader) -> None:
    ((meta, _),) = [it for it in read.all("meta") if "content-security-policy" in str(it).lower()]
    policy = meta["content"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    scripts = read.all("script")
    assert scripts
    for attrs, text in scripts:
        assert "src" not in attrs
        if attrs["type"] != "application/json":
            assert attrs["type"] == "module"
            assert b64encode(sha256(text.encode()).digest()).decode() in policy
    assert read.all("link") == []
    assert all("style" not in attrs for _, attrs, _ in read.found)


def test_the_same_view_gives_the_same_bytes() -> None:
    assert write(shown(), FOLDER) == write(shown(), FOLDER)


def test_json_cannot_end_its_script() -> None:
    assert block({"</script><script>": ["<!--", "\u202e"]}) == (
        '{"\\u003c/script>\\u003cscript>":["\\u003c!--","\ufffd"]}'
    )
