"""Where labels, legends and captions lie: apart, within the sheet, and whole."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from matplotlib.text import Text

from bench.reports.plots.figure import Point
from bench.reports.plots.scatter import AXES_HEIGHT, compose
from bench.reports.plots.sheet import PNG_DPI
from tests.fakes.figures import (
    artists,
    draw,
    extent,
    figure,
    measured_panel,
    overlap,
    published_panel,
)

CROWDED = tuple(
    Point(label=f"net_x{i}_5", x=10 + 0.01 * i, top1=70 + 0.02 * (i % 5)) for i in range(20)
)
AT_CORNERS = tuple(
    Point(label=f"a_long_name_{x}_{top1}", x=x, top1=top1) for x in (1, 1000) for top1 in (50, 80)
)


@pytest.mark.parametrize("dpi", [72, PNG_DPI])
def test_drawn_labels_overlap_nothing_measured_and_stay_within_the_axes(dpi: int) -> None:
    panel = measured_panel(*CROWDED, *AT_CORNERS)
    sheet = compose(figure(panel, published_panel()))
    sheet.set_dpi(dpi)

    boxes = [extent(sheet, text) for text in artists(sheet, "-label") if isinstance(text, Text)]
    markers = [extent(sheet, marker) for marker in artists(sheet, "-point")]

    frame = sheet.axes[0].bbox.padded(2)  # a label's edge is whole pixels
    assert len(markers) == 24
    assert len(boxes) >= 12
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
    assert not any(overlap(box, marker) for box in boxes for marker in markers)
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 for box in boxes)
    assert all(frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)


def test_text_around_the_axes_keeps_apart_and_is_not_cut_off() -> None:
    long = figure(measured_panel(), published_panel(), title="Title " * 40, caption="Word " * 300)
    sheet = compose(long)

    parts = [extent(sheet, text) for text in (*sheet.texts, *sheet.legends)]
    parts += [box for axes in sheet.axes if (box := axes.get_tightbbox())]

    assert not any(overlap(one, other) for one, other in combinations(parts, 2))
    assert all(sheet.bbox.x0 <= part.x0 and part.x1 <= sheet.bbox.x1 for part in parts)
    assert all(sheet.bbox.y0 <= part.y0 and part.y1 <= sheet.bbox.y1 for part in parts)


def test_a_long_caption_makes_the_sheet_higher_and_leaves_the_axes_their_height() -> None:
    usual = compose(figure(measured_panel()))
    long = compose(figure(measured_panel(), caption="Word " * 600))

    assert long.bbox.height > usual.bbox.height
    assert long.axes[0].bbox.height == pytest.approx(AXES_HEIGHT)


def test_a_leader_ends_where_its_label_is_at_the_resolution_of_the_png() -> None:
    sheet = compose(figure(measured_panel(*CROWDED, *AT_CORNERS)))
    sheet.set_dpi(PNG_DPI)

    texts = {text.get_gid(): text for text in artists(sheet, "-label") if isinstance(text, Text)}
    leaders = artists(sheet, "-leader")

    assert leaders
    for leader in leaders:
        label = texts[leader.get_gid().removesuffix("-leader")]
        ends = leader.get_path().transformed(leader.get_transform()).vertices
        assert extent(sheet, label).padded(6).contains(*ends[0])


def test_nothing_is_read_as_mathematics(tmp_path: Path) -> None:
    half, whole = Point(label="$x_{0$", x=5, top1=70), Point(label="$x_{0}$", x=9, top1=75)
    shown = figure(measured_panel(half, whole), caption="costs $5")
    sheet = compose(shown)

    written = [text for text in sheet.findobj(Text) if "$" in text.get_text()]
    assert {text.get_text().strip() for text in written} == {half.label, whole.label, "costs $5"}
    assert not any(text.get_parse_math() for text in written)
    assert len(draw(shown, tmp_path)) == 3
