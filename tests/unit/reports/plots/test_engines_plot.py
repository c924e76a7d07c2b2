"""What the plot of engines side by side looks like, told from its artists and its files."""

from __future__ import annotations

import csv
import io
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Sheet
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from bench.analysis.series import View
from bench.analysis.side_by_side import SideBySide, side_by_side
from bench.reports.plots.engines import compose, engine_looks, render
from bench.reports.plots.sheet import settings
from tests.fakes.records import facts, failed, record, stored, view

ENGINES = ("paddle", "onnxruntime", "openvino", "ncnn", "mnn")


def shown(*, variants: int = 2, wide: str = "", title: str = "", settings: int = 1) -> View:
    """Five engines, each 10% slower than the one before; `wide` has an interval beyond zero."""
    records = [
        record(
            f"net{net}", runner=runner, engine=f"{runner} 1.0",
            samples_ms=spread(net, place) if wide == runner else narrow(net, place),
            settings={"way": str(way)} if settings > 1 else {},
        )
        for net in range(variants)
        for place, runner in enumerate(ENGINES)
        for way in range(settings)
    ]  # fmt: skip
    named = {f"net{net}": facts(None, title=f"{title}net {net}") for net in range(variants)}
    return view(stored(*records, models=named))


def narrow(net: int, place: int) -> list[list[float]]:
    value = (1 + net) * 1.1**place
    return [[value], [1.01 * value]]


def spread(net: int, place: int) -> list[list[float]]:
    ((value,), _) = narrow(net, place)
    return [[value], [9 * value]]


def drawn(one: View) -> tuple[Sheet, SideBySide]:
    (table,) = side_by_side(one)
    return compose(one, table), table


def written(sheet: Sheet) -> str:
    return " ".join(" ".join(text.get_text() for text in sheet.findobj(Text)).split())


def artists(sheet: Sheet, beginning: str) -> list[Any]:
    return [it for it in sheet.findobj(Artist) if str(it.get_gid() or "").startswith(beginning)]


def test_each_figure_is_a_point_in_ms_with_its_interval() -> None:
    sheet, table = drawn(shown())
    (point,), (bar,) = artists(sheet, "point-net1-4"), artists(sheet, "interval-net1-4")
    box = table.rows["net1"][4]
    assert box is not None
    assert box.estimate is not None
    value, half = box.estimate.value_ns / 1e6, (box.estimate.half_width_ns or 0) / 1e6
    assert np.asarray(point.get_xdata()) == pytest.approx([value])
    assert np.asarray(bar.get_xdata()) == pytest.approx([value - half, value + half])
    assert len(artists(sheet, "point-")) == 10


def test_the_engines_of_a_net_stand_apart_within_its_group_in_one_order() -> None:
    sheet, _ = drawn(shown())
    for net in range(2):
        heights = [artists(sheet, f"point-net{net}-{i}")[0].get_ydata()[0] for i in range(5)]
        assert heights == sorted(heights)
        assert net - 0.5 < heights[0] < heights[-1] < net + 0.5
        assert min(b - a for a, b in pairwise(heights)) > 0.1


def test_the_latency_axis_is_logarithmic_and_holds_every_interval() -> None:
    sheet, _ = drawn(shown(wide="ncnn"))
    (axes,) = sheet.axes
    assert axes.get_xscale() == "log"
    low, high = axes.get_xlim()
    for bar in artists(sheet, "interval-"):
        ends = np.asarray(bar.get_xdata())
        assert low <= ends.min()
        assert ends.max() <= high


def test_an_interval_below_zero_is_cut_and_the_caption_says_so() -> None:
    sheet, table = drawn(shown(wide="ncnn"))
    (bar,), (point,) = artists(sheet, "interval-net0-3"), artists(sheet, "point-net0-3")
    assert bar.get_xdata()[0] == pytest.approx(point.get_xdata()[0] / 10)
    assert "cut at a tenth" in written(sheet)
    assert "cut at a tenth" not in written(drawn(shown())[0])
    assert table.engines[3].runner == "ncnn"


def test_a_ring_is_around_the_fastest_that_clears_the_next_and_around_no_other() -> None:
    narrow = stored(
        record("a", runner="mnn", samples_ms=[[1.0], [1.001]]),
        record("a", runner="ncnn", samples_ms=[[2.0], [2.001]]),
        record("b", runner="mnn", samples_ms=[[1.0], [1.5]]),
        record("b", runner="ncnn", samples_ms=[[1.2], [1.4]]),
    )
    sheet, _ = drawn(view(narrow))
    assert [it.get_gid() for it in artists(sheet, "fastest-")] == ["fastest-a"]
    names = [text.get_text() for text in sheet.legends[0].get_texts()]
    assert names[-1] == "fastest of its net, clear of the next"
    assert names[-2] == "95% interval"
    assert len(names) == 4


def test_a_cell_without_a_figure_has_no_point_and_the_caption_says_so() -> None:
    runs = stored(
        record(runner="mnn"), record(runner="ncnn"), record(runner="openvino", outcome=failed())
    )
    sheet, table = drawn(view(runs))
    assert len(artists(sheet, "point-")) == 2
    assert len(table.engines) == 3
    assert "it has no figure" in " ".join(text.get_text() for text in sheet.findobj(Text)).replace(
        "\n", " "
    )


def test_no_two_engines_look_alike_without_colour_nor_two_runners_with_it() -> None:
    _, table = drawn(shown(settings=4))
    looks = engine_looks(table)
    shapes = {(look["marker"], look["markerfacecolor"] == "white") for look in looks}
    assert len(shapes) == len(looks) == 20
    assert len({look["color"] for look in looks}) == 5


def test_an_engine_looks_the_same_whoever_stands_beside_it() -> None:
    _, five = drawn(shown())
    both = stored(record(runner="ncnn", settings={}), record(runner="mnn", settings={}))
    _, alone = drawn(view(both))
    assert engine_looks(alone) == engine_looks(five)[3:]


@pytest.mark.parametrize("title", ["", "A rather long name of somebody's own quantised "])
@pytest.mark.parametrize("variants", [1, 7])
def test_no_texts_overlap_and_none_leaves_the_sheet(variants: int, title: str) -> None:
    sheet, _ = drawn(shown(variants=variants, title=title))
    canvas: Any = FigureCanvasAgg(sheet)
    (axes,) = sheet.axes
    low, high = axes.get_xlim()  # ticks beyond are there and not drawn
    ticks = [it for it in axes.get_xticklabels() if low <= it.get_position()[0] <= high]
    assert len(ticks) >= 2
    texts = [*sheet.texts, *ticks, *axes.get_yticklabels(), axes.xaxis.label]
    texts += [*sheet.legends[0].get_texts(), sheet.legends[0].get_title(), axes.title]
    with settings():
        canvas.draw()
        boxes = [text.get_window_extent(canvas.get_renderer()) for text in texts if text.get_text()]
    whole = Bbox.from_bounds(0, 0, *sheet.bbox.size)
    for one in boxes:
        assert whole.x0 <= one.x0
        assert one.x1 <= whole.x1
        assert whole.y0 <= one.y0
        assert one.y1 <= whole.y1
    for one, other in combinations(boxes, 2):
        assert not one.shrunk(0.98, 0.9).overlaps(other.shrunk(0.98, 0.9))


def test_the_table_has_each_point_with_its_drawn_interval_and_each_ring() -> None:
    one = shown(wide="ncnn")
    sheet, table = drawn(one)
    (data,) = (data for name, data in render(one, table).items() if name.endswith(".csv"))
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert len(rows) == 10 + len(artists(sheet, "fastest-"))
    (row,) = (row for row in rows if row["series"] == "ncnn 1.0" and row["label"] == "net0")
    (bar,), (point,) = artists(sheet, "interval-net0-3"), artists(sheet, "point-net0-3")
    assert [float(row["low"]), float(row["high"])] == pytest.approx(list(bar.get_xdata()))
    assert float(row["x"]) == pytest.approx(point.get_xdata()[0])
    assert (row["y"], row["x_axis"], row["origin"]) == ("net 0", "Latency (ms)", "measured")


def test_many_nets_have_their_ticks_at_the_top_too() -> None:
    few, many = (drawn(shown(variants=count))[0].axes[0] for count in (2, 13))
    assert many.xaxis.get_tick_params()["labeltop"]
    assert not few.xaxis.get_tick_params()["labeltop"]


def test_the_files_are_of_the_same_bytes_on_every_run() -> None:
    one = shown()
    (table,) = side_by_side(one)
    files = render(one, table)
    assert set(files) == {
        f"engines-amd-epyc-2c-0123abcd-b1-t1.{end}" for end in ("svg", "png", "csv")
    }
    assert files == render(one, table)
