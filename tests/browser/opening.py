"""Opens a page and keeps what it complains of: its console, errors, requests to anything else."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, ConsoleMessage, Locator, Page, Request


@dataclass
class Opened:
    """A page in a window of its own, and what has gone wrong in it."""

    page: Page
    address: str
    counters: CDPSession
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Keep each complaint from here on."""
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))
        self.page.on("console", self._hear)
        self.page.on("request", self._follow)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text}")

    def _follow(self, request: Request) -> None:
        if request.url.partition("#")[0] != self.address and not request.url.startswith("data:"):
            self.faults.append(f"request: {request.url[:200]}")

    def metrics(self) -> dict[str, float]:
        """Return what the page has cost its browser so far, by chromium's own counters."""
        metrics = self.counters.send("Performance.getMetrics")["metrics"]
        return {it["name"]: it["value"] for it in metrics}

    def table(self, key: str) -> Locator:
        """Return the first table whose id begins with `key`."""
        return self.page.locator(f"table[id^='{key}']").first

    def keys(self) -> list[str]:
        """Return "run/cell" of each cell by the number that its figures bear in data-cell."""
        packed = self.page.locator("#data-cells").text_content() or ""
        return list(json.loads(gzip.decompress(b64decode(json.loads(packed))))["cells"])

    def key(self, link: Locator) -> str:
        """Return "run/cell" of the cell that a figure is of."""
        return self.keys()[int(link.get_attribute("data-cell") or -1)]

    def value(self, script: str, argument: object = None) -> Any:
        """Return what a function of the page's world gives of `argument`."""
        return self.page.evaluate(script, argument)


def names(table: Locator) -> list[str]:
    """Return the texts of a table's first column, from the top, of the rows that are shown."""
    return [text.strip() for text in table.locator("tbody tr > th").all_inner_texts()]


def orders(table: Locator, column: int) -> list[float]:
    """Return by what the rows of a column are sorted, from the top, without those of no figure."""
    cells = table.locator(f"tbody tr > :nth-child({column + 1})")
    values = cells.evaluate_all("cells => cells.map(one => one.dataset.order ?? '')")
    return [float(value) for value in values if value]


def loaded(shown: Opened) -> None:
    """Wait until the page's own script has handed everything to the libraries."""
    shown.page.locator("html[data-loaded]").wait_for(state="attached")


@contextmanager
def opened(browser: Browser, path: Path, **how: Any) -> Iterator[Opened]:
    """Open the file at `path` and have it loaded; `how` is of the window (new_context)."""
    context = browser.new_context(**how)
    context.set_default_timeout(30_000)
    page = context.new_page()
    counters = context.new_cdp_session(page)
    counters.send("Performance.enable")
    shown = Opened(page, path.absolute().as_uri(), counters)
    shown.watch()
    try:
        shown.page.goto(shown.address, wait_until="load")
        yield shown
    finally:
        context.close()
