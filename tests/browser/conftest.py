"""A real browser, and pages of the committed results, of hostile names and of 1,000 cells."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from bench.core.paths import PROJECT
from bench.reports.build import FOLDER, StoredRuns, view_of
from bench.reports.page.write import write
from tests.browser.opening import Opened, opened
from tests.browser.stores import STORES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

Made = Callable[[str], Path]
Show = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; its event loop ends with the module, for others' sake."""
    if CHROMIUM is None:
        pytest.skip("chromium isn't installed: apt install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make the page of a store by name, once, beside the stored files that it links to."""

    @cache
    def store(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        STORES[name](folder)
        return folder

    @cache
    def page(name: str, lang: str = "en") -> Path:
        view = view_of(StoredRuns(store(name), None, []), PROJECT / "models")
        ((path, data),) = write(view, store(name) / FOLDER, lang).items()
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    return lambda name: page(*name.split())


@pytest.fixture
def show(browser: Browser, made: Made) -> Iterator[Show]:
    """Open a page by name, as "committed zh"; at last none of them may have complained."""
    shown: list[Opened] = []
    with ExitStack() as stack:

        def call(name: str, **how: object) -> Opened:
            shown.append(stack.enter_context(opened(browser, made(name), **how)))
            return shown[-1]

        yield call
        assert [fault for one in shown for fault in one.faults] == []
