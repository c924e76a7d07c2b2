"""What a figure looks like, told from its artists and its files."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Sheet
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from bench.reports.plots.figure import Figure, Line, Panel, Point
from bench.reports.plots.scatter import AXES_HEIGHT, compose, render
from bench.reports.plots.sheet import PNG_DPI, settings
from bench.reports.plots.style import MEASURED

ROOT = Path(__file__).parents[4]
FAMILIES = ("MobileNetV1", "MobileNetV1_ssld", "ShuffleNetV2", "GhostNet", "ESNet")
MEASURED_POINTS = (
    Point(label="x0_25", x=0.6, top1=49.9, x_low=0.55, x_high=0.66),
    Point(label="x1_0", x=3.1, top1=68.8, x_low=3.0),
    Point(label="swish", x=3.1, top1=70.0),
)


def line(family: str, *, start: float = 2.0) -> Line:
    points = [Point(label=f"{family}{i}", x=start * (i + 1), top1=60 + 5 * i) for i in range(3)]
    return Line(family=family, points=tuple(points))


def measured_panel(*points: Point) -> Panel:
    shown = points or MEASURED_POINTS
    return Panel(title="here", x_label="ms", measured=shown, measured_name="ours")


def published_panel(*families: str) -> Panel:
    lines = tuple(line(name, start=2.0 + i) for i, name in enumerate(families or FAMILIES))
    return Panel(title="there", x_label="ms", context=lines)


def figure(*panels: Panel, title: str = "Accuracy", caption: str = "A caption.") -> Figure:
    return Figure(name="sample", title=title, panels=panels, caption=caption)


def artists(sheet: Sheet, part: str) -> list[Any]:
    """The artists whose gid holds `part`, in the order in which they were added."""
    return [found for found in sheet.findobj(Artist) if part in (found.get_gid() or "")]


def curve(artist: Line2D) -> list[tuple[float, float]]:
    xs, ys = artist.get_data()
    return list(zip(np.asarray(xs).tolist(), np.asarray(ys).tolist(), strict=True))


def legend_names(sheet: Sheet) -> list[str]:
    (legend,) = sheet.legends
    return [text.get_text() for text in legend.get_texts() if text.get_text()]


def extent(sheet: Sheet, artist: Artist) -> Bbox:
    with settings():  # of which the hinting makes texts wider or narrower
        return artist.get_window_extent(FigureCanvasAgg(sheet).get_renderer())  # type: ignore[no-untyped-call]


def overlap(one: Bbox, other: Bbox) -> bool:
    shared = Bbox.intersection(one, other)
    return shared is not None and shared.width > 0 and shared.height > 0


def draw(shown: Figure, folder: Path) -> list[Path]:
    """Put the rendered files into `folder` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, data in render(shown).items():
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    return paths


def test_a_figure_becomes_an_svg_a_png_and_a_csv_of_its_name() -> None:
    files = render(figure(measured_panel(), published_panel()))

    assert list(files) == ["sample.svg", "sample.png", "sample.csv"]
    assert files["sample.svg"].startswith(b"<?xml")
    assert files["sample.png"].startswith(b"\x89PNG")


def test_the_files_tell_neither_when_nor_with_what_they_were_made(tmp_path: Path) -> None:
    svg, png, _ = draw(figure(measured_panel()), tmp_path)

    assert not any(word in svg.read_text() for word in ("dc:date", "Matplotlib v", "dc:creator"))
    assert b"tEXt" not in png.read_bytes()


SCRIPT = """
import sys; from pathlib import Path
sys.path.insert(0, "tests/unit/reports/plots")
from test_plots import draw, figure, measured_panel, published_panel
draw(figure(measured_panel(), published_panel()), Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_two_processes_write_the_same_bytes_whatever_the_matplotlibrc(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("font.size: 20\nsavefig.bbox: tight\nlines.marker: x\n")
    hostile = {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "TZ": "Asia/Tokyo"}
    for name, env in (("a", {"PYTHONHASHSEED": "1"}), ("b", {"PYTHONHASHSEED": "2", **hostile})):
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / name)],
            env={**os.environ, **env},
            cwd=ROOT,
            check=True,
        )

    for name in ("sample.svg", "sample.png", "sample.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_second_draw_in_one_process_writes_the_same_bytes(tmp_path: Path) -> None:
    shown = figure(measured_panel(), published_panel())

    first, second = draw(shown, tmp_path / "a"), draw(shown, tmp_path / "b")

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_drawing_leaves_matplotlibs_settings_as_they_were(tmp_path: Path) -> None:
    with mpl.rc_context({"font.size": 21.0}):
        before = dict(mpl.rcParams)

        draw(figure(measured_panel()), tmp_path)

        assert dict(mpl.rcParams) == before


def test_the_svg_of_many_families_stays_small(tmp_path: Path) -> None:
    many = [f"family{i}" for i in range(12)]

    svg, *_ = draw(figure(measured_panel(), published_panel(*many)), tmp_path)

    assert svg.stat().st_size < 60_000


def test_each_interval_that_is_known_is_drawn_from_end_to_end() -> None:
    bars = artists(compose(figure(measured_panel())), "-interval")

    ends = {bar.get_gid(): [x for x, _ in curve(bar)] for bar in bars}
    assert ends == {"panel0-interval0": [0.55, 0.66], "panel0-interval1": [3.0, 3.1]}


def test_the_svg_holds_points_intervals_and_labels(tmp_path: Path) -> None:
    text = draw(figure(measured_panel()), tmp_path)[0].read_text()

    names = ("point0", "point2", "interval0", "interval1", "label0", "label2", "front")
    assert all(f'id="panel0-{name}"' in text for name in names)


def test_the_front_over_measured_points_is_a_step_line_named_in_the_legend() -> None:
    sheet = compose(figure(measured_panel()))

    (front,) = artists(sheet, "-front")
    right = sheet.axes[0].get_xlim()[1]
    steps = [(0.6, 49.9), (3.1, 49.9), (3.1, 70.0), (right, 70.0)]
    assert curve(front) == steps
    assert "Pareto front (measured)" in legend_names(sheet)
    assert "Pareto front (published)" not in legend_names(sheet)


def test_a_panel_without_measured_points_gets_the_front_of_the_published_ones() -> None:
    sheet = compose(figure(published_panel("GhostNet", "ESNet")))

    (front,) = artists(sheet, "-front")
    assert curve(front)[0] == (2.0, 60.0)
    assert "Pareto front (published)" in legend_names(sheet)
    assert not artists(sheet, "-point")


def test_a_single_point_can_be_drawn(tmp_path: Path) -> None:
    shown = figure(measured_panel(Point(label="alone", x=5, top1=70)))
    sheet, svg = compose(shown), draw(shown, tmp_path)[0].read_text()

    (point,), (front,) = artists(sheet, "-point"), artists(sheet, "-front")
    left, right = sheet.axes[0].get_xlim()
    assert left < 5 < right
    assert curve(point) == [(5, 70)]
    assert curve(front)[0] == (5, 70)
    assert 'id="panel0-point0"' in svg


def test_the_legend_names_each_thing_once_however_many_panels_show_it() -> None:
    both = Panel(
        title="", x_label="ms", measured=MEASURED_POINTS, context=(line("ESNet"),),
        measured_name="ours",
    )  # fmt: skip

    names = legend_names(compose(figure(both, both)))

    assert names == [
        "ours", "95% interval", "Pareto front (measured)", "families, published:", "ESNet",
    ]  # fmt: skip


def test_the_legend_tells_measured_families_from_published_ones_and_counted_points() -> None:
    ours = Panel(title="", x_label="ms", measured=MEASURED_POINTS, families=(line("ESNet"),))
    counted = Panel(title="", x_label="M", measured=MEASURED_POINTS[2:], origin="counted")

    assert "families, measured:" in legend_names(compose(figure(ours)))
    both = legend_names(compose(figure(ours, published_panel())))
    assert "families, measured and published:" in both
    assert legend_names(compose(figure(counted))) == ["counted", "Pareto front (counted)"]


def test_families_begin_a_column_of_the_legend() -> None:
    sheet = compose(figure(measured_panel(), published_panel()))
    sheet.draw_without_rendering()
    (legend,) = sheet.legends

    at = {text.get_text(): text.get_window_extent() for text in legend.get_texts()}
    title = at["families, published:"]
    assert title.y1 == pytest.approx(at["ours"].y1, abs=1)
    assert title.x0 > at["Pareto front (published)"].x1


def test_the_panels_share_one_accuracy_axis() -> None:
    left, right = compose(figure(measured_panel(), published_panel())).axes

    assert left.get_ylim() == right.get_ylim()
    assert left.get_ylim()[0] < 49.9
    assert right.get_ylim()[1] > 70.0


def test_measured_points_lie_on_top_of_the_published_ones() -> None:
    panel = Panel(title="", x_label="ms", measured=MEASURED_POINTS, context=(line("ShuffleNetV2"),))

    (axes,) = compose(figure(panel)).axes

    ours = [
        item.get_zorder() for item in axes.lines if item.get_markersize() == MEASURED["markersize"]
    ]
    theirs = [item.get_zorder() for item in axes.lines if len(curve(item)) == 3]
    assert len(ours) == 3
    assert min(ours) > max(theirs)


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
