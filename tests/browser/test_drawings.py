"""How charts are drawn: inks by theme and on paper, one cell's samples after another's, for all."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Show
from tests.browser.stored import committed_records
from tests.browser.test_charts import chart
from tests.browser.test_looks import barriers

pytestmark = pytest.mark.slow


def test_axe_finds_no_barrier_in_what_is_drawn(show: Show) -> None:
    shown = show("committed")
    for figure in shown.page.locator("main figure.chart").all():
        figure.locator("svg").wait_for()
    assert barriers(shown) == []


def test_each_of_a_cells_samples_is_drawn_and_the_next_cells_in_their_place(show: Show) -> None:
    shown = show("committed")
    links = shown.table("latency").locator("a[data-cell]").all()[:2]
    for link in links:
        record = committed_records()[shown.key(link)]
        count = sum(len(session.samples_ns) for session in record.sessions)
        link.click()
        over_time = chart(shown, "samples-time")
        marks = over_time.locator("g.mark-symbol:not([class*='legend']) > path")
        marks.nth(count - 1).wait_for(state="attached")
        assert marks.count() == count
        shown.page.keyboard.press("Escape")
    assert len(links) == 2


def test_inks_follow_the_theme_and_paper_without_being_drawn_again(show: Show) -> None:
    shown = show("committed", color_scheme="light")
    label = chart(shown, "top1-latency").locator("g.role-axis-label text").first
    inks = []
    for media in ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"media": "print"}):
        shown.page.emulate_media(**media)  # type: ignore[arg-type]
        inks.append(label.evaluate("text => getComputedStyle(text).fill"))
        assert inks[-1] == label.evaluate("text => getComputedStyle(document.body).color")
    assert len(set(inks)) == 3
