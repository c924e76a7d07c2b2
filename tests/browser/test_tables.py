"""Tables sort and filter, by mouse and by keyboard, and each figure leads to what is behind it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import url2pathname

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Made, Show
from tests.browser.opening import Opened, loaded, names, orders

pytestmark = pytest.mark.slow

LATENCY = 1  # the column


@pytest.fixture
def shown(show: Show) -> Opened:
    opened = show("committed")
    loaded(opened)
    return opened


def head(table: Locator, column: int) -> Locator:
    return table.locator("thead th").nth(column)


def test_a_click_on_a_head_sorts_by_the_figure_and_another_turns_the_order(shown: Opened) -> None:
    table = shown.table("latency")
    before = names(table)
    rising = sorted(orders(table, LATENCY))
    assert len(set(rising)) > 3
    head(table, LATENCY).click()
    expect(head(table, LATENCY)).to_have_attribute("aria-sort", "ascending")
    assert orders(table, LATENCY) == rising
    head(table, LATENCY).click()
    expect(head(table, LATENCY)).to_have_attribute("aria-sort", "descending")
    assert orders(table, LATENCY) == rising[::-1]
    head(table, LATENCY).click()
    expect(head(table, LATENCY)).not_to_have_attribute("aria-sort", re.compile(".+"))
    assert names(table) == before


def test_the_keyboard_sorts_too(shown: Opened) -> None:
    table = shown.table("latency")
    before = orders(table, LATENCY)
    shown.page.keyboard.press("Tab")
    for _ in range(500):
        at = shown.value("document.activeElement.closest('th')?.dataset.key ?? ''")
        if at == "latency b1 t1":
            break
        shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Enter")
    expect(head(table, LATENCY)).to_have_attribute("aria-sort", "ascending")
    assert orders(table, LATENCY) == sorted(before) != before
    shown.page.keyboard.press(" ")
    expect(head(table, LATENCY)).to_have_attribute("aria-sort", "descending")
    assert orders(table, LATENCY) == sorted(before, reverse=True)


def test_what_has_no_figure_stands_last_in_either_order(show: Show) -> None:
    shown = show("gaps")
    loaded(shown)
    table = shown.table("latency")
    for order in ("ascending", "descending"):
        head(table, LATENCY).click()
        expect(head(table, LATENCY)).to_have_attribute("aria-sort", order)
        assert names(table)[-2:] in (["failed", "skipped"], ["skipped", "failed"])
        assert len(orders(table, LATENCY)) == 3


def test_the_filter_leaves_the_rows_that_have_its_words_in_every_table(shown: Opened) -> None:
    latency, costs = shown.table("latency"), shown.table("costs")
    all_rows = names(latency)
    box = shown.page.get_by_role("searchbox")
    box.fill("x0_25")
    assert names(latency) == [name for name in all_rows if "x0_25" in name] != all_rows
    assert all("x0_25" in name for name in names(costs))
    box.fill("there is no such net")
    assert names(latency) == []
    assert latency.locator("tbody").inner_text().strip()
    box.fill("")
    assert names(latency) == all_rows


def test_the_filter_says_how_many_rows_it_leaves_and_hides_the_footnotes_of_others(
    shown: Opened,
) -> None:
    rows, notes = shown.page.locator("table.data tbody tr"), shown.page.locator(".notes li")
    all_rows, count = rows.count(), shown.page.get_by_role("status")
    shown.page.get_by_role("searchbox").fill("x0_25")
    left = shown.page.locator("table.data tbody tr:not(:has(.dt-empty))").count()
    expect(count).to_have_text(f"{left} of {all_rows} rows")
    for note in notes.all():
        marks = shown.page.locator(f"sup a[href='#{note.get_attribute('id')}']")
        assert note.is_visible() == (marks.count() > 0)
    assert 0 < shown.page.locator(".notes li:visible").count() < notes.count()
    shown.page.get_by_role("searchbox").fill("")
    expect(count).to_be_empty()
    assert shown.page.locator(".notes li:visible").count() == notes.count()


def test_the_plot_of_latencies_leads_to_a_table_of_what_it_shows_at_first(shown: Opened) -> None:
    figure = shown.page.locator("#chart-top1-latency")
    target = figure.get_by_role("link").get_attribute("href") or ""
    assert shown.page.locator(f"{target} td a[data-cell]").count() == 35
    assert "engines" in target


def test_a_figure_opens_its_details_and_escape_goes_back_to_it(shown: Opened) -> None:
    link = shown.table("latency").locator("a[data-cell]").first
    dialog = shown.page.locator("dialog")
    for key in (None, "Enter"):
        if key is None:
            link.click()
        else:
            link.press(key)
        expect(dialog).to_be_visible()
        text = dialog.inner_text()
        run_id, cell_id = shown.key(link).split("/")
        assert run_id in text
        assert link.inner_text().split()[0] in text
        assert cell_id in (dialog.locator("a").last.get_attribute("href") or "")
        shown.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(link).to_be_focused()


def test_an_address_with_a_cell_opens_its_details(shown: Opened, show: Show) -> None:
    shown.table("latency").locator("a[data-cell]").first.click()
    title = shown.page.locator("dialog h2").inner_text()
    shown.page.reload()
    loaded(shown)
    assert shown.page.locator("dialog[open] h2").inner_text() == title != ""


def test_each_link_leads_to_something_that_is_there(shown: Opened, made: Made) -> None:
    page = shown.page
    hrefs = page.locator("a[href]").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    ids = set(page.locator("[id]").evaluate_all("all => all.map(one => one.id)"))
    assert len(hrefs) > 100
    ids |= {f"cell-{number}" for number in range(len(shown.keys()))}  # opened by the script
    lost = [href for href in hrefs if href.startswith("#") and href[1:] not in ids]
    files = {href for href in hrefs if not href.startswith("#")}
    paths = [Path(url2pathname(urljoin(shown.address, href)[len("file://") :])) for href in files]
    assert lost + [str(path) for path in paths if not path.is_file()] == []
