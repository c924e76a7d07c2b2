"""The files of a plot: text that stays text, words for who can't look, and the figures drawn."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

from bench.reports.plots.figure import Figure, Line, Panel, Point
from bench.reports.plots.scatter import compose, render
from bench.reports.plots.sustained import render as render_over_time
from bench.reports.plots.svg import accessible
from tests.fakes.figures import figure, line, measured_panel, published_panel
from tests.unit.reports.plots.test_sustained_plot import SLOWING
from tests.unit.reports.plots.test_sustained_plot import figure as over_time

SVG = "{http://www.w3.org/2000/svg}"


def drawn(shown: Figure | None = None) -> ET.Element:
    files = render(shown or figure(measured_panel(), published_panel()))
    return ET.fromstring(files["sample.svg"])  # noqa: S314 - our own


def texts(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def rows(shown: Figure) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render(shown)["sample.csv"].decode())))


def test_every_word_of_the_sheet_is_text_in_the_svg() -> None:
    shown = figure(measured_panel(), published_panel(), caption="A caption of two words.")
    sheet = compose(shown)

    written = texts(drawn(shown))

    parts = [part for text in sheet.texts for part in text.get_text().splitlines()]
    parts += [text.get_text() for legend in sheet.legends for text in legend.get_texts()]
    parts += [axes.get_xlabel() for axes in sheet.axes]
    named = [it for it in sheet.findobj(Text) if "-label" in str(it.get_gid() or "")]
    parts += [text.get_text() for text in named]
    assert len(named) == 3
    assert not [part for part in parts if part and part not in written]
    assert "A caption of two words." in written


def test_no_letter_is_a_path() -> None:
    root = drawn()

    assert not [it for it in root.iter(f"{SVG}path") if "DejaVu" in it.get("id", "")]
    groups = [it for it in root.iter(f"{SVG}g") if it.get("id", "").startswith("text_")]
    assert groups
    assert not [group for group in groups if list(group.iter(f"{SVG}path"))]


def test_a_label_keeps_its_halo_beneath_its_letters() -> None:
    (label,) = (it for it in drawn().iter(f"{SVG}g") if it.get("id") == "panel0-label0")

    assert label.get("stroke") == "white"
    assert label.get("paint-order") == "stroke"


def test_the_fonts_are_named_once_with_others_to_fall_back_to() -> None:
    root = drawn()

    names = root.get("font-family", "").split(", ")
    assert names[0] == "'DejaVu Sans'"
    assert names[-1] == "sans-serif"
    assert not [it for it in root.iter(f"{SVG}text") if "font-family" in it.get("style", "")]


def test_the_picture_has_a_name_and_a_description_that_are_read_aloud() -> None:
    shown = figure(measured_panel(), title="A & B", caption="Where <it> is from.")

    root = drawn(shown)

    assert root.get("role") == "img"
    title, description = (
        next(it for it in root.iter() if it.get("id") == name)
        for name in root.get("aria-labelledby", "").split()
    )
    assert (title.tag, title.text) == (f"{SVG}title", "A & B")
    assert description.tag == f"{SVG}desc"
    said = description.text or ""
    assert "here, ms" in said
    assert "Where <it> is from." in said
    assert "sample.csv" in said
    assert list(root)[:2] == [title, description], "the first children are what is read"


@pytest.mark.parametrize("text", ["</desc><script>", "a\x00b", "\\1 \\g<0>", "]]>"])
def test_what_others_wrote_stays_text(text: str) -> None:
    bare = '<svg xmlns="http://www.w3.org/2000/svg">\n <title>x</title>\n</svg>'

    root = ET.fromstring(accessible(bare, title=text, description=text))  # noqa: S314 - our own

    assert [it.tag for it in root] == [f"{SVG}title", f"{SVG}desc"]
    assert root[1].text == text.replace("\x00", "\ufffd")


def of(found: Sequence[dict[str, str]], series: str) -> list[Any]:
    numbers = ("x", "low", "high", "y")
    return [
        (row["label"], *(float(row[key]) if row[key] else None for key in numbers))
        for row in found
        if row["series"] == series
    ]


def test_the_table_has_the_points_the_front_and_the_families_as_drawn() -> None:
    ours = (
        Point(label="a", x=1.0, top1=50.0, x_low=0.9, x_high=1.1),
        Point(label="b", x=2.0, top1=40.0),
    )
    left = Panel(
        title="here", x_label="ms", measured=ours, measured_name="ours",
        families=(Line(family="ESNet", points=ours),),
    )  # fmt: skip
    right = Panel(title="there", x_label="ms, too", context=(line("GhostNet"),))

    found = rows(figure(left, right))

    assert of(found, "ours") == [("a", 1.0, 0.9, 1.1, 50.0), ("b", 2.0, None, None, 40.0)]
    assert of(found, "Pareto front (measured)") == [("a", 1.0, None, None, 50.0)]
    assert of(found, "ESNet") == [("a", 1.0, None, None, 50.0), ("b", 2.0, None, None, 40.0)]
    assert [entry[:2] for entry in of(found, "GhostNet")] == [
        ("GhostNet0", 2.0), ("GhostNet1", 4.0), ("GhostNet2", 6.0),
    ]  # fmt: skip
    origins = {(row["panel"], row["series"]): row["origin"] for row in found}
    assert origins["here", "ESNet"] == "measured"
    assert origins["there", "GhostNet"] == origins["there", "Pareto front (published)"]
    assert origins["there", "GhostNet"] == "published"
    assert {(row["panel"], row["x_axis"]) for row in found} == {
        ("here", "ms"),
        ("there", "ms, too"),
    }
    assert {row["y_axis"] for row in found} == {"Top-1 accuracy (%)"}


def test_every_series_of_the_table_is_in_the_legend_and_every_line_in_the_table() -> None:
    shown = figure(measured_panel(), published_panel())
    (legend,) = compose(shown).legends

    names = {text.get_text() for text in legend.get_texts() if text.get_text()}

    series = {row["series"] for row in rows(shown)}
    assert names - series == {"95% interval", "families, published:"}
    assert series <= names


def test_counted_costs_are_neither_measured_nor_published() -> None:
    counted = Panel(
        title="", x_label="M", measured=(Point(label="a", x=1, top1=50),), origin="counted"
    )

    assert {row["origin"] for row in rows(figure(counted))} == {"counted"}


def test_a_name_that_a_spreadsheet_would_compute_is_escaped() -> None:
    evil = figure(measured_panel(Point(label="=1+1", x=1, top1=50)))

    assert {row["label"] for row in rows(evil)} == {"'=1+1"}


def test_the_table_over_time_has_the_median_its_band_and_both_tenths() -> None:
    shown = over_time(SLOWING)
    files = render_over_time(shown)
    found = list(csv.DictReader(io.StringIO(files["sample.csv"].decode())))

    median = of(found, "running median")
    parts = shown.panels[0].course.parts
    drawn_parts = [(p.at_s, p.low_ns / 1e6, p.high_ns / 1e6, p.median_ns / 1e6) for p in parts]
    assert np.array([entry[1:] for entry in median]) == pytest.approx(np.array(drawn_parts))
    ends = of(found, "median of the first and of the last tenth")
    assert [entry[0] for entry in ends] == ["first tenth"] * 2 + ["last tenth"] * 2
