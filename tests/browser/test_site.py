"""The documentation site in a real browser, from disk and off line."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.unit.test_site import build


def test_it_is_searched_from_disk_and_complains_of_nothing(
    browser: Browser, tmp_path: Path
) -> None:
    assert build(tmp_path) == (0, "")
    page = browser.new_context(offline=True).new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.on("console", lambda it: faults.append(it.text) if it.type == "error" else None)
    page.goto((tmp_path / "index.html").as_uri())
    page.locator("input.md-search__input").press_sequentially("wait-quiet")
    found = page.locator(".md-search-result__item a[href*='verbs.html']").first
    found.wait_for(state="attached", timeout=30_000)
    assert faults == []
