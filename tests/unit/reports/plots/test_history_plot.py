"""What a history's plot shows, told from its artists and its files."""

from __future__ import annotations

import csv
import io
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Sheet
from matplotlib.text import Text

from bench.analysis.history import History, Level, Point
from bench.reports.plots.history import MOST_CHANGES, compose, render

AROUND = {"engine": "paddle 3.2.0", "python": "3.12.1", "harness": "commit 0badc0de"}


def point(index: int, value_ms: float = 2.0, *, changed: tuple[str, ...] = ()) -> Point:
    return Point(
        run_id=f"run-{index}", started=f"2024-05-{index % 28 + 1:02d}T12:00:00+00:00",
        value_ns=1e6 * value_ms, half_width_ns=1e4, sessions=5, around=AROUND, changed=changed,
    )  # fmt: skip


def history(*points: Point, ends: tuple[int, ...] = ()) -> History:
    starts = [0, *ends]
    levels = [
        Level(start=a, stop=b, value_ns=points[a].value_ns)
        for a, b in zip(starts, [*ends, len(points)], strict=True)
    ]
    return History(
        cell_id="x0_25-paddle-fp32-b1-t1-0123456789ab", label="x0_25 paddle batch 1, 1 thread",
        system_id="box-1", heading="A box", preset="standard", statistic="median",
        points=points, levels=tuple(levels),
    )  # fmt: skip


STEP = history(
    point(0), point(1, changed=("commit a -> b",)), point(2),
    point(3, 2.3, changed=("engine paddle 3.2 -> paddle 3.3", "commit b -> c")), point(4, 2.3),
    ends=(3,),
)  # fmt: skip


def artist(sheet: Sheet, gid: str) -> Any:
    (found,) = [one for one in sheet.findobj(Artist) if one.get_gid() == gid]
    return found


def texts(sheet: Sheet) -> str:
    return "\n".join(one.get_text() for one in sheet.findobj(Text))


def test_each_run_is_a_point_in_ms_with_its_interval() -> None:
    sheet = compose(STEP)
    xs, ys = artist(sheet, "points").get_data()
    assert np.asarray(xs).tolist() == [0, 1, 2, 3, 4]
    assert np.asarray(ys) == pytest.approx([2.0, 2.0, 2.0, 2.3, 2.3])
    assert artist(sheet, "interval3").get_ydata() == pytest.approx([2.29, 2.31])


def test_levels_and_the_change_between_them_are_drawn() -> None:
    sheet = compose(STEP)
    assert artist(sheet, "level0").get_ydata() == pytest.approx([2.0, 2.0])
    assert artist(sheet, "level1").get_xdata() == pytest.approx([2.6, 4.4])
    assert list(artist(sheet, "step3").get_xdata()) == [2.5, 2.5]
    assert artist(sheet, "percent3").get_text() == "+15.0%"


def test_what_changed_around_is_numbered_and_told_and_a_commit_is_a_fine_line() -> None:
    sheet = compose(STEP)
    assert artist(sheet, "number3").get_text() == "1"
    assert "1: engine paddle 3.2 -> paddle 3.3." in texts(sheet)
    fine, change = artist(sheet, "change1"), artist(sheet, "change3")
    assert fine.get_color() != change.get_color()
    assert "commit" not in texts(sheet).replace("another commit alone", "")


def test_versions_stand_below_the_runs() -> None:
    labels = [one.get_text() for one in compose(STEP).axes[0].get_xticklabels()]
    assert labels[0] == "2024-05-01\n3.2.0\n0badc0de"
    assert len(labels) == 5


@pytest.mark.parametrize("count", [1, 2, 12, 90])
def test_no_two_labels_of_the_axis_overlap(count: int) -> None:
    sheet = compose(history(*(point(index) for index in range(count))))
    FigureCanvasAgg(sheet).draw()  # type: ignore[no-untyped-call]
    boxes = [one.get_window_extent() for one in sheet.axes[0].get_xticklabels()]
    assert boxes
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_a_long_list_of_changes_ends_in_a_pointer_to_the_table() -> None:
    many = (point(i, changed=(f"engine a {i} -> a {i + 1}",)) for i in range(1, 20))
    told = texts(compose(history(point(0), *many)))
    assert f"{MOST_CHANGES}: engine" in told
    assert f"{MOST_CHANGES + 1} and later" in told
    assert f"{MOST_CHANGES + 1}: engine" not in told


def test_everything_stands_within_the_sheet() -> None:
    sheet = compose(STEP)
    FigureCanvasAgg(sheet).draw()  # type: ignore[no-untyped-call]
    frame = sheet.bbox
    for one in sheet.findobj(Text):
        if one.get_text():
            box = one.get_window_extent()
            assert box.x0 >= frame.x0 - 1
            assert box.x1 <= frame.x1 + 1
            assert box.y0 >= frame.y0 - 1
            assert box.y1 <= frame.y1 + 1


def test_the_table_has_the_runs_with_their_intervals_and_the_ends_of_each_level() -> None:
    (data,) = (data for name, data in render(STEP).items() if name.endswith(".csv"))
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    runs = [row for row in rows if row["series"] == "run"]
    assert [row["label"] for row in runs] == [f"run-{index}" for index in range(5)]
    assert {key: runs[3][key] for key in ("x", "y", "low", "high")} == {
        "x": "3", "y": "2.3", "low": "2.29", "high": "2.31",
    }  # fmt: skip
    levels = [(row["x"], row["y"]) for row in rows if row["series"] == "level"]
    assert levels == [("0", "2"), ("2", "2"), ("3", "2.3"), ("4", "2.3")]


def test_the_legend_names_what_is_drawn_and_nothing_else() -> None:
    (legend,) = compose(STEP).legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "run", "95% interval", "level", "change of level",
        "another engine, Python, governor or host", "another commit alone",
    ]  # fmt: skip
    (quiet,) = compose(history(point(0), point(1))).legends
    assert [text.get_text() for text in quiet.get_texts()] == ["run", "95% interval", "level"]


def test_all_files_bear_the_cells_name_and_are_the_same_bytes_each_time() -> None:
    files = render(STEP)
    stem = "history-x0_25-paddle-fp32-b1-t1-0123456789ab-box-1-standard"
    assert list(files) == [f"{stem}.svg", f"{stem}.png", f"{stem}.csv"]
    assert files == render(STEP)
    assert files[f"{stem}.png"].startswith(b"\x89PNG")
