"""What a figure looks like, told from its artists and its files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

from bench.reports.plots.figure import Panel, Point
from bench.reports.plots.scatter import compose, render
from bench.reports.plots.style import MEASURED
from tests.fakes.figures import (
    MEASURED_POINTS,
    artists,
    curve,
    draw,
    figure,
    legend_names,
    line,
    measured_panel,
    published_panel,
)

ROOT = Path(__file__).parents[4]


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
sys.path.insert(0, ".")
from tests.fakes.figures import draw, figure, measured_panel, published_panel
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
