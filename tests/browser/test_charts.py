"""The charts as a browser draws them: what they show is stored, and their switches work."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Show
from tests.browser.opening import Opened, loaded
from tests.browser.stored import committed_records, latency

pytestmark = pytest.mark.slow

LABELS = "all => all.map(one => one.getAttribute('aria-label'))"


@pytest.fixture
def shown(show: Show) -> Opened:
    opened = show("committed")
    loaded(opened)
    return opened


def chart(shown: Opened, key: str) -> Locator:
    """Return a chart that is drawn."""
    figure = shown.page.locator(f"#chart-{key}")
    figure.locator("svg").wait_for()
    return figure


def measured(figure: Locator) -> dict[str, float]:
    """Return the latencies that a chart says of its points, by run and cell."""
    labels = figure.locator("[aria-roledescription=point]").evaluate_all(LABELS)
    found = re.findall(r"logarithmic: ([\d.]+);.*?Run and cell: (\S+)", "\n".join(labels))
    return {cell: float(ms) for ms, cell in found}


def choose(figure: Locator, name: str, option: str) -> None:
    figure.get_by_role("combobox", name=name).select_option(label=option)


def test_every_chart_is_drawn_and_says_in_words_what_it_shows(shown: Opened) -> None:
    figures = shown.page.locator("main figure.chart")
    assert figures.count() >= 6
    for figure in figures.all():
        expect(figure.locator("svg")).to_have_count(1)
        assert len(figure.locator("figcaption p").inner_text()) > 80
        assert figure.locator("[role=graphics-symbol][aria-label]").count() > 20


def test_each_point_is_the_stored_figure_of_its_cell(shown: Opened) -> None:
    records = committed_records()
    seen: Mapping[str, float] = {}
    figure = chart(shown, "top1-latency")
    for suite, batch, threads in (("engines", 1, 1), ("cpu", 1, 1), ("cpu", 1, 2), ("cpu", 8, 1)):
        choose(figure, "Suite", f"{suite}, standard, seeded weights")
        choose(figure, "Batch", str(batch))
        choose(figure, "Threads", str(threads))
        now = measured(figure)
        cells = {records[cell].cell.batch: records[cell].cell.threads for cell in now}
        assert cells == {batch: threads}
        seen = {**seen, **now}
    assert len(seen) == 35 + 3 * 7
    for cell, ms in {**seen, **measured(chart(shown, "by-engine-engines"))}.items():
        assert ms == pytest.approx(latency(records[cell]), rel=1e-4)


def test_an_engine_that_is_chosen_is_alone(shown: Opened) -> None:
    figure = chart(shown, "top1-latency")
    before = measured(figure)
    choose(figure, "Engine", "MNN")
    assert set(measured(figure)) == {cell for cell in before if "-mnn-" in cell} != set(before)
    choose(figure, "Engine", "all")
    assert measured(figure) == before


def test_a_switch_is_changed_by_the_keyboard(shown: Opened) -> None:
    figure = chart(shown, "top1-latency")
    before = measured(figure)
    figure.get_by_role("combobox", name="Engine").focus()
    shown.page.keyboard.press("ArrowDown")
    assert 0 < len(measured(figure)) < len(before)


def test_published_points_come_and_go_by_their_switch(shown: Opened) -> None:
    figure = chart(shown, "top1-latency")
    published = figure.locator("[aria-label*='Published figure']")
    beside = figure.get_by_role("combobox", name="Published beside")
    beside.select_option(label="none")
    expect(published).to_have_count(0)
    beside.select_option(label="V100, TensorRT 8.0.3.4, bs=1")
    assert published.count() > 20
    assert "V100" in (published.first.get_attribute("aria-label") or "")


def test_the_machines_state_is_of_the_run_and_the_state_that_are_chosen(shown: Opened) -> None:
    figure = chart(shown, "machine-over-time")
    points = figure.locator("[aria-roledescription=point][aria-label*='Run and cell']")
    runs = figure.get_by_role("combobox", name="Run")
    for run_id in runs.locator("option").all_inner_texts():
        runs.select_option(label=run_id)
        labels = points.evaluate_all(LABELS)
        assert len(labels) > 20
        assert all(f"Run and cell: {run_id}/" in label for label in labels)


def test_a_point_says_where_it_is_from_and_opens_its_details(shown: Opened) -> None:
    point = chart(shown, "top1-latency").locator("[aria-label*='Engine: MNN']").first
    point.hover()
    tip = shown.page.locator("#vg-tooltip-element")
    for word in ("Figure", "95%", "Grade", "MNN 3", "Run and cell"):
        expect(tip).to_contain_text(word)
    point.click()
    dialog = shown.page.locator("dialog[open]")
    expect(dialog.locator("svg")).to_have_count(3)
    assert "MNN" in dialog.locator("h2").inner_text()


def test_a_cells_samples_are_all_counted_by_its_histogram(shown: Opened) -> None:
    link = shown.table("latency").locator("a[data-cell]").first
    record = committed_records()[shown.key(link)]
    link.click()
    figure = chart(shown, "samples-histogram")
    assert _counts(figure) == sum(len(session.samples_ns) for session in record.sessions)
    figure.get_by_label("Outliers").uncheck()
    left = _counts(figure)
    assert 0 < left < sum(len(session.samples_ns) for session in record.sessions)
    marks = chart(shown, "samples-time").locator("g.mark-symbol:not([class*='legend']) > path")
    expect(marks).to_have_count(left)  # the one box is of all three charts


def _counts(figure: Locator) -> int:
    labels = figure.locator("[aria-roledescription=bar]").evaluate_all(LABELS)
    return sum(
        int(count.replace(",", "")) for count in re.findall(r"Samples: ([\d,]+)", str(labels))
    )
