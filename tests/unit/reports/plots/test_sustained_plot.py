"""What a plot over time looks like, told from its artists and its files."""

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
from matplotlib.transforms import Bbox

from bench.analysis.time_course import course
from bench.reports.plots.sustained import Figure, Panel, compose, render

ROOT = Path(__file__).parents[4]
MS = 1_000_000
STEADY = [2 * MS, 2 * MS + 9000] * 5000
SLOWING = [MS * (100 + index // 10) // 50 for index in range(1000)]


def figure(*sessions: list[int], caption: str = "A caption.") -> Figure:
    panels = tuple(
        Panel(title=f"net {index}", course=course(samples))
        for index, samples in enumerate(sessions or (SLOWING,))
    )
    return Figure(name="sample", title="Over time", panels=panels, caption=caption)


def artist(sheet: Sheet, gid: str) -> Any:
    (found,) = [one for one in sheet.findobj(Artist) if one.get_gid() == gid]
    return found


def test_the_running_median_is_drawn_in_ms_over_seconds() -> None:
    xs, ys = artist(compose(figure(SLOWING)), "panel0-median").get_data()
    parts = course(SLOWING).parts
    assert np.asarray(xs).tolist() == [part.at_s for part in parts]
    assert np.asarray(ys) * MS == pytest.approx([part.median_ns for part in parts])
    assert len(parts) == 100


def test_both_tenths_are_bars_over_their_own_time_at_their_median() -> None:
    sheet, shown = compose(figure(SLOWING)), course(SLOWING)
    ran = shown.ran_ns / 1e9
    for tenth, span, level in (
        ("first", (0.0, 0.1), shown.first_ns), ("last", (0.9, 1.0), shown.last_ns)
    ):  # fmt: skip
        xs, ys = artist(sheet, f"panel0-{tenth}").get_data()
        assert np.asarray(xs) == pytest.approx([part * ran for part in span])
        assert np.asarray(ys) * MS == pytest.approx([level, level])


def test_the_time_axis_is_the_time_that_the_session_ran() -> None:
    for axes, samples in zip(compose(figure(SLOWING, STEADY)).axes, (SLOWING, STEADY), strict=True):
        assert axes.get_xlim() == pytest.approx((0, sum(samples) / 1e9))


def test_the_noise_of_a_steady_session_is_not_blown_up_to_the_axis() -> None:
    (axes,) = compose(figure(STEADY)).axes
    low, high = axes.get_ylim()
    assert low < 2.0
    assert high > 2.009
    assert high - low >= 0.2


def test_no_latency_axis_goes_below_zero() -> None:
    (axes,) = compose(figure([MS // 100, 50 * MS] * 500)).axes
    assert axes.get_ylim()[0] == 0.0


@pytest.mark.parametrize("count", [1, 2, 7])
def test_no_text_covers_another_or_leaves_the_sheet(count: int) -> None:
    sheet = compose(figure(*[SLOWING] * count, caption="A long caption. " * 30))
    canvas = FigureCanvasAgg(sheet)
    canvas.draw()  # type: ignore[no-untyped-call]
    texts = [*sheet.texts, sheet.legends[0].get_title(), *sheet.legends[0].get_texts()]
    for axes in sheet.axes:
        labels = [axes.xaxis.label, axes.yaxis.label]
        texts += [text for text in (*labels, *axes.get_xticklabels()) if text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    width, height = sheet.get_size_inches() * 72
    for name, box in boxes:
        assert box.x0 >= 0, name
        assert box.y0 >= 0, name
        assert box.x1 <= width, name
        assert box.y1 <= height, name
    for (one, first), (other, second) in combinations(boxes, 2):
        shared = Bbox.intersection(first, second)
        assert shared is None or shared.width * shared.height == 0, (one, other)


def test_panels_stand_below_each_other_in_order() -> None:
    sheet = compose(figure(SLOWING, STEADY, SLOWING))
    bottoms = [axes.get_position().y0 for axes in sheet.axes]
    assert bottoms == sorted(bottoms, reverse=True)
    labelled = [axes.get_xlabel() for axes in sheet.axes]
    assert labelled == ["", "", "Time since sampling began (s)"]


SCRIPT = """
import sys; from pathlib import Path
sys.path.insert(0, "tests/unit/reports/plots")
from test_sustained_plot import figure, render
for name, data in render(figure()).items():
    Path(sys.argv[1], name).write_bytes(data)
"""


@pytest.mark.slow
def test_two_processes_write_the_same_bytes_whatever_the_matplotlibrc(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("font.size: 20\nsavefig.bbox: tight\nlines.marker: x\n")
    hostile = {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc"), "TZ": "Asia/Tokyo"}
    for name, env in (("a", {"PYTHONHASHSEED": "1"}), ("b", {"PYTHONHASHSEED": "2", **hostile})):
        (tmp_path / name).mkdir()
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / name)],
            env={**os.environ, **env},
            cwd=ROOT,
            check=True,
        )
    for name in ("sample.svg", "sample.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_drawing_leaves_matplotlibs_settings_as_they_were() -> None:
    with mpl.rc_context({"font.size": 21.0}):
        before = dict(mpl.rcParams)
        render(figure())
        assert dict(mpl.rcParams) == before
