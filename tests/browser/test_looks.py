"""How the page looks and reads: for everyone, in each theme, on paper, on a phone, in pictures."""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from bench.core.paths import PROJECT
from tests.browser.conftest import Show
from tests.browser.opening import Opened, loaded

pytestmark = pytest.mark.slow

SCREENSHOTS = Path(os.environ.get("SCREENSHOTS") or PROJECT / "build" / "screenshots")
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
A4_UPRIGHT, A4_LANDSCAPE = 702, 1031  # px, within the margins


@cache
def axe() -> str:
    return (files("axe_core_python") / "axe.min.js").read_text("utf-8")


def barriers(shown: Opened) -> list[str]:
    """Return what axe-core finds in the page as it is now, each rule with the elements it is of."""
    shown.value(f"() => {{ {axe()} }}")
    result = shown.value("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {node['html'][:150]}: {[it['message'] for it in node['any']]}"
        for rule in result["violations"]
        for node in rule["nodes"][:3]
    ]


def open_details(shown: Opened) -> None:
    shown.table("latency").locator("a[data-cell]").first.click()
    shown.page.locator("dialog[open]").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["committed", "committed zh", "gaps"])
def test_axe_finds_no_barrier(name: str, scheme: str, show: Show) -> None:
    shown = show(name, color_scheme=scheme, viewport=DESK)
    loaded(shown)
    assert barriers(shown) == []
    open_details(shown)
    assert barriers(shown) == []


def test_axe_finds_no_barrier_on_a_phone(show: Show) -> None:
    shown = show("committed", viewport=PHONE)
    loaded(shown)
    assert barriers(shown) == []


def test_the_themes_differ(show: Show) -> None:
    colours = set()
    for scheme in ("light", "dark"):
        shown = show("gaps", color_scheme=scheme)
        colours.add(shown.value("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2


def test_on_paper_there_are_no_controls_and_everything_is_open(show: Show) -> None:
    shown = show("committed")
    loaded(shown)
    tables = shown.page.locator("table.data")
    shown.page.emulate_media(media="print")
    for control in shown.page.locator("input, select, button, nav, .skip, .vega-bind").all():
        assert not control.is_visible()
    for table in tables.all():
        assert table.is_visible()
    for box in shown.page.locator(".scroll").all():
        assert box.evaluate("box => getComputedStyle(box).overflowX") == "visible"
    pdf = shown.page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") > 3


@pytest.mark.parametrize("width", [A4_UPRIGHT, A4_LANDSCAPE])
def test_no_column_is_cut_on_paper(width: int, show: Show) -> None:
    shown = show("committed", viewport={"width": width, "height": 700})
    loaded(shown)
    shown.page.emulate_media(media="print")
    ends = shown.page.locator("table.data").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().right)"
    )
    assert len(ends) > 20
    assert max(ends) <= width


def test_engines_side_by_side_fit_a_laptop(show: Show) -> None:
    shown = show("committed", viewport=DESK)
    loaded(shown)
    for table in shown.page.locator("#part-engines .scroll").all():
        assert table.evaluate("box => box.scrollWidth <= box.clientWidth")


def test_the_edge_of_a_table_shows_that_there_is_more_of_it(show: Show) -> None:
    shown = show("committed", viewport=DESK)
    loaded(shown)
    table = shown.page.locator("#costs > .scroll").first
    table.scroll_into_view_if_needed()
    at = table.bounding_box()
    assert at is not None
    right, top = at["x"] + at["width"] - 12, at["y"] + 4

    def edge() -> bytes:
        return shown.page.screenshot(clip={"x": right, "y": top, "width": 10, "height": 12})

    more = edge()
    table.evaluate("box => box.scrollTo(box.scrollWidth, 0)")
    assert edge() != more


@pytest.mark.parametrize("name", ["committed", "committed zh", "hostile"])
def test_a_phone_scrolls_the_page_downwards_only(name: str, show: Show) -> None:
    shown = show(name, viewport=PHONE, has_touch=True, is_mobile=True)
    loaded(shown)
    assert shown.value("document.documentElement.scrollWidth") <= PHONE["width"]
    open_details(shown)
    assert shown.value("document.documentElement.scrollWidth") <= PHONE["width"]
    dialog = shown.page.locator("dialog[open]")
    assert dialog.evaluate("it => it.scrollWidth <= it.clientWidth")


def test_the_filter_has_room_for_a_name_on_a_phone(show: Show) -> None:
    shown = show("committed", viewport=PHONE)
    loaded(shown)
    box = shown.page.get_by_role("searchbox").bounding_box()
    assert box is not None
    assert box["width"] > 140


def test_names_are_not_broken_on_a_phone(show: Show) -> None:
    shown = show("committed", viewport=PHONE)
    loaded(shown)
    heads = shown.page.locator("table[id^='costs'] tbody th, table[id^='latency'] tbody th")
    lines = heads.evaluate_all("""all => all.map(one => {
        const range = document.createRange();
        range.selectNodeContents(one);
        return new Set(Array.from(range.getClientRects(), rect => Math.round(rect.top))).size;
    })""")
    assert len(lines) > 40
    assert set(lines) == {1}


def test_every_ink_of_a_chart_stands_out_from_a_dark_ground(show: Show) -> None:
    shown = show("committed", color_scheme="dark")
    loaded(shown)
    shown.page.locator("#chart-top1-latency svg").wait_for()
    open_details(shown)
    shown.page.locator("#chart-samples-sessions svg").wait_for()
    inks = shown.value("""() => {
        const shares = text => text.match(/[\\d.]+/g).slice(0, 3).map(it => it / 255)
            .map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
        const parts = [.2126, .7152, .0722];
        const light = text => .05 + shares(text).reduce((sum, it, i) => sum + it * parts[i], 0);
        const ground = light(getComputedStyle(document.body).backgroundColor);
        const found = {};
        for (const one of document.querySelectorAll(".drawing [fill^='#'], .drawing [stroke^='#']"))
            for (const name of ["fill", "stroke"])
                if (one.getAttribute(name)?.startsWith("#"))
                    found[one.getAttribute(name)] = light(getComputedStyle(one)[name]) / ground;
        return found;
    }""")
    assert len(inks) > 4
    transparent = 0.8  # of samples over time: 3:1 and what that takes of it
    assert {ink: ratio for ink, ratio in inks.items() if ratio < 3 / transparent} == {}


def test_a_scrolled_table_leaves_its_figures_room_on_a_phone(show: Show) -> None:
    shown = show("hostile", viewport=PHONE)
    loaded(shown)
    table = shown.table("latency")
    share = table.locator("tbody th").first.evaluate(
        "it => it.getBoundingClientRect().width / it.closest('.scroll').clientWidth"
    )
    assert share < 0.6


def test_who_wants_no_motion_has_none(show: Show) -> None:
    shown = show("committed", reduced_motion="reduce")
    loaded(shown)
    open_details(shown)
    moving = """[...document.querySelectorAll("*")].filter(one => {
        const style = getComputedStyle(one);
        return style.scrollBehavior === "smooth" ||
            [style.transitionDuration, style.animationDuration].some(
                times => times.split(", ").some(time => parseFloat(time) > 0.01));
    }).map(one => one.outerHTML.slice(0, 80))"""
    assert shown.value(moving) == []
    assert shown.value("document.getAnimations().length") == 0


@pytest.mark.parametrize("look", ["light", "dark", "phone", "print", "zh", "details"])
def test_a_picture_is_taken_of_each_look(look: str, show: Show) -> None:
    name = "committed zh" if look == "zh" else "committed"
    scheme = "dark" if look == "dark" else "light"
    shown = show(name, color_scheme=scheme, viewport=PHONE if look == "phone" else DESK)
    loaded(shown)
    if look == "print":
        shown.page.emulate_media(media="print")
    if look == "details":
        open_details(shown)
    path = SCREENSHOTS / f"{look}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    shown.page.screenshot(path=path, full_page=look != "details", animations="disabled")
    assert path.read_bytes().startswith(b"\x89PNG")
