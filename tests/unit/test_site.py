"""The documentation site builds strictly, each link leads somewhere, and no network is needed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from bench.core.paths import PROJECT

_LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("link", "href"),
}
_FETCHED = re.compile(rb"(?:@import|url\()\s*[\"']?(?:https?:)?//")


class Page(HTMLParser):
    """What a page of the site names: its anchors, its links and what it loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        self.loaded += [value for name, value in given.items() if (tag, name) in _LOADED]


def build(folder: Path) -> tuple[int, str]:
    """Build the site into `folder`; return the status, and what was said of faults."""
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [*command, str(folder)],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    assert build(folder) == (0, "")
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def inside(pages: dict[Path, Page]) -> Iterator[tuple[Path, str, Path, str]]:
    """Each page's links and loaded files within the site: page, as written, file, anchor."""
    for path, page in pages.items():
        for link in (*page.links, *page.loaded):
            parts = urlsplit(link)
            if not (parts.scheme or parts.netloc):
                target = path.parent / unquote(parts.path) if parts.path else path
                yield path, link, target.resolve(), unquote(parts.fragment)


def test_each_link_leads_to_a_file_and_to_an_anchor_of_it(pages: dict[Path, Page]) -> None:
    links = list(inside(pages))
    assert len(links) > 500
    assert not [(path.name, link) for path, link, target, _ in links if not target.is_file()]
    known = {path.resolve(): page.anchors for path, page in pages.items()}
    assert not [
        (path.name, link)
        for path, link, target, anchor in links
        if target in known and anchor not in known[target]
    ]


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    loaded = [link for page in pages.values() for link in page.loaded]
    assert loaded
    assert not [link for link in loaded if urlsplit(link).netloc]
    styles = list(site.rglob("*.css"))
    assert styles
    assert not [path.name for path in styles if _FETCHED.search(path.read_bytes())]


def test_each_page_can_be_searched_from_disk(site: Path, pages: dict[Path, Page]) -> None:
    text = (site / "search" / "search_index.js").read_text(encoding="utf-8")
    found = {it["location"].partition("#")[0] for it in json.loads(text.partition("=")[2])["docs"]}
    assert {path.relative_to(site).as_posix() for path in pages} == found
    shim = "iframe-worker.js"  # a page from disk may start no worker of its own
    assert all(any(it.endswith(shim) for it in page.loaded) for page in pages.values())


def test_each_document_of_the_project_is_a_page(site: Path) -> None:
    for path in (PROJECT / "docs").rglob("*.md"):
        assert (site / path.relative_to(PROJECT).with_suffix(".html")).is_file(), path.name
