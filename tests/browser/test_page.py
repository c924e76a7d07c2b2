"""The page opens from its own file alone, whatever is in it, however much, and without scripts."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Show
from tests.browser.opening import loaded
from tests.browser.stores import CELLS, NETS

pytestmark = pytest.mark.slow

PAGES = ("committed", "committed zh", "hostile", "many")
MOST_ELEMENTS_A_CELL = 20
MOST_LAYOUTS = 100


@pytest.mark.parametrize("name", PAGES)
def test_it_opens_without_a_complaint_or_a_request(name: str, show: Show) -> None:
    shown = show(name)
    loaded(shown)
    assert shown.page.locator("table.data").count() > 5


def test_a_hostile_name_is_text(show: Show) -> None:
    shown = show("hostile")
    loaded(shown)
    head = shown.table("latency").locator("tbody th").first
    for attack in ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;script&gt;"):
        assert attack in head.inner_text()
    strange = "img, iframe, object, embed, a[href^='javascript:'], a[href^='http'], [onerror]"
    assert shown.page.locator(strange).count() == 0
    assert shown.page.locator("script:not([type='application/json'])").count() == 3
    figures = shown.page.locator("table[id^='latency'] a[data-cell]")
    assert figures.count() == 4
    for figure in figures.all():
        figure.click()
        dialog = shown.page.locator("dialog[open]")
        assert "<script>alert(1)</script>" in dialog.inner_text()
        assert dialog.locator(strange).count() == 0
        shown.page.keyboard.press("Escape")


def test_names_that_each_object_of_javascript_has_are_drawn_too(show: Show) -> None:
    shown = show("javascript")
    loaded(shown)
    chart = shown.page.locator("[data-chart='by-engine-engines']")
    chart.locator("svg").wait_for()
    assert chart.locator("path[aria-roledescription='point']").count() == 9


def test_without_scripts_every_table_is_there_and_no_control_that_does_nothing(show: Show) -> None:
    shown, scripted = show("committed", java_script_enabled=False), show("committed")
    loaded(scripted)
    for table in ("costs", "latency", "ratios", "sources"):
        assert shown.table(table).inner_text().split() == scripted.table(table).inner_text().split()
    page = shown.page
    for control in page.locator("input, select, button, dialog").all():
        assert not control.is_visible()
    href = page.locator("a[data-cell]").first.get_attribute("href")
    assert href is not None
    page.goto(f"{shown.address.rpartition('/')[0]}/{href}")
    assert '"cell_id"' in page.content()
    shown.faults.clear()  # the stored file was opened, as was meant


def test_a_thousand_cells_are_all_there_with_few_elements_each(show: Show) -> None:
    shown = show("many")
    loaded(shown)
    cells = shown.page.locator("table[id^='latency'] [data-cell]")
    keys = cells.evaluate_all("cells => cells.map(one => one.dataset.cell)")
    assert len(set(keys)) == len(keys) == CELLS
    assert shown.page.locator("*").count() < MOST_ELEMENTS_A_CELL * CELLS
    assert shown.metrics()["LayoutCount"] < MOST_LAYOUTS
    shown.page.get_by_role("searchbox").fill(NETS[7])
    rows = shown.table("latency").locator("tbody tr")
    assert rows.count() == 1
