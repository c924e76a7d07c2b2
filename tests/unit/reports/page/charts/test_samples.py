"""The raw samples in the page: what is kept of them, and what Vega-Lite draws of one cell."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from itertools import product
from typing import Any

import pytest
import vl_convert

from bench.analysis.series import View
from bench.config.sustained import PRESET as SUSTAINED
from bench.reports.colours import COLOURS
from bench.reports.language import LANGUAGES, words
from bench.reports.page.charts import Chart, cell_samples, pack, sample_charts, samples
from bench.storage.schema.latency import Bursts, Record
from tests.fakes.drawn import THEMES, VERSION, Item, drawn, of
from tests.fakes.records import failed, of_sessions, paced, record, session, stored, view

ENGLISH = words("en")
HISTOGRAM, OVER_TIME, BY_SESSION = sample_charts(ENGLISH)


def unpack(text: str) -> Any:
    return json.loads(gzip.decompress(b64decode(text)))


def only(one: Record) -> dict[str, Any]:
    """Return what the page has of a cell, as it comes out of the page's text."""
    (cell,) = unpack(pack(samples(view(stored(one))))).values()
    return dict(cell)


def ms(cell: dict[str, Any]) -> list[float]:
    return [(cell["base"] + value) * cell["unit"] for burst in cell["v"] for value in burst]


def filled(chart: Chart, one: Record, **more: Any) -> list[tuple[str, list[Item]]]:
    params = [it | ({"value": False} if it["name"] in more else {}) for it in chart.spec["params"]]
    return drawn({**chart.spec, "params": params, "datasets": {"cell": [only(one)]}})


def svg(chart: Chart, cell: dict[str, Any]) -> str:
    full = {**chart.spec, "width": 600, "datasets": {"cell": [cell]}}
    return str(vl_convert.vegalite_to_svg(full, vl_version=VERSION))


def noisy() -> Record:
    """Two sessions: an outlier in the first, a slow machine and a disturbed burst in the second."""
    quick = paced([[2.0] * 9, [2.0] * 8 + [9.0]], [100, 100])
    slow = paced([[2.5] * 9, [2.2] * 9, [2.0] * 9], [150, 100, 100])
    assert slow.bursts is not None
    wait = [0, slow.bursts.wall_ns[1] // 2, 0]
    cpu = [wall - lost for wall, lost in zip(slow.bursts.wall_ns, wait, strict=True)]
    bursts = Bursts(**(dict(slow.bursts) | {"wait_ns": wait, "cpu_ns": cpu}))
    return of_sessions(quick, slow.model_copy(update={"bursts": bursts}))


def test_samples_come_back_within_a_thousandth_of_the_cells_median_each_in_its_session() -> None:
    taken = [[1.0001, 1.2345, 57.3], [0.9876, 1.1111, 3.4567]]
    cell = only(record(samples_ms=taken))
    assert cell["s"] == [1, 2]
    assert ms(cell) == pytest.approx([*taken[0], *taken[1]], abs=0.0006 * 1.2)


def test_times_of_a_few_nanoseconds_stay_whole() -> None:
    cell = only(record(samples_ms=[[0.000012, 0.000013, 0.000014]]))
    assert ms(cell) == pytest.approx([0.000012, 0.000013, 0.000014], abs=1e-9)


def test_bursts_keep_their_start_and_what_disturbed_them_and_outliers_their_cause() -> None:
    cell = only(noisy())
    assert cell["t"] == [0.0, 1.0, 0.0, 1.0, 2.0]
    assert (cell["d"], cell["w"]) == ([0, 0, 0, 1, 0], [0, 0, 1, 0, 0])
    assert cell["o"] == [[], [0] * 8 + [1], [], [], []]
    assert cell["causes"] == ["unknown"]


def test_the_figure_is_the_reports_own_and_the_sessions_are_of_what_counts() -> None:
    one = noisy()
    cell, box = only(one), view(stored(one)).series[0].boxes["x0_25"][1, 1]
    assert box.estimate is not None
    assert cell["figure"][0] == pytest.approx(box.estimate.value_ns / 1e6, rel=1e-4)
    assert sum(cell["middles"]) / 2 == pytest.approx(box.estimate.value_ns / 1e6, rel=1e-4)


def test_cells_without_samples_have_none_and_all_others_that_are_shown_do() -> None:
    reported = session([], reported_ns={"avg": 2_000_000}, relative_l2=None)
    shown = view(
        stored(
            record("x0_5", outcome=failed()),
            of_sessions(reported, variant="x1_0"),
            record("x0_25"),
            record("x0_25", sampling={"preset": SUSTAINED}, samples_ms=[[1.0] * 20], batch=4),
        )
    )
    variants = sorted(key.partition("/")[2][:5] for key in samples(shown))
    assert variants == ["x0_25", "x0_25"]


def kept(shown: View) -> int:
    cells: Any = samples(shown)
    return sum(len(burst) for cell in cells.values() for burst in cell["v"])


@pytest.mark.parametrize("name", ["MOST", "MOST_OF_CELL"])
def test_above_a_limit_medians_of_samples_in_a_row_stand_for_them_and_the_charts_say_so(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    one = of_sessions(session([1.0, 1.1, 5.0, 2.0, 2.1, 7.0]), session([3.0] * 6))
    assert kept(view(stored(one))) == 12
    monkeypatch.setattr(cell_samples, name, 4)
    cell = only(one)
    assert ms(cell) == pytest.approx([1.1, 2.1, 3.0, 3.0], rel=0.001)
    assert (cell["s"], cell["together"]) == ([1, 1, 2, 2], 3)
    assert len(of(filled(OVER_TIME, one), "symbol")) == 4
    assert "median of up to 3 in a row" in svg(OVER_TIME, cell)


def test_ten_times_the_cells_are_no_more_samples_above_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cell_samples, "MOST", 200)
    few = [record(batch=1 + n, samples_ms=[[1.0] * 30] * 2) for n in range(5)]
    many = [record(batch=1 + n, samples_ms=[[1.0] * 30] * 2) for n in range(50)]
    assert kept(view(stored(*few))) <= 200
    assert kept(view(stored(*many))) <= 200


@pytest.mark.parametrize(("lang", "theme"), list(product(LANGUAGES, THEMES)))
def test_vega_lite_takes_the_three_charts_filled_and_empty(lang: str, theme: str) -> None:
    for chart in sample_charts(words(lang)):
        assert drawn(chart.spec, theme)
        full = {**chart.spec, "datasets": {"cell": [only(noisy())]}}
        assert any(items for _, items in drawn(full, theme))


def test_over_time_each_sample_is_a_point_in_the_colour_of_what_disturbed_it() -> None:
    points = of(filled(OVER_TIME, noisy()), "symbol")
    by_colour = {it: sum(one["fill"] == it for one in points) for it in COLOURS}
    assert by_colour == dict.fromkeys(COLOURS, 0) | {COLOURS[3]: 27, COLOURS[0]: 9, COLOURS[4]: 9}
    (late,) = (one for one in points if one["shape"] == "triangle-up")
    assert late["y"] == min(one["y"] for one in points)
    assert sorted(points, key=lambda one: one["x"]) == points


def test_outliers_can_be_taken_away() -> None:
    assert len(of(filled(OVER_TIME, noisy(), outliers=False), "symbol")) == 44


def test_the_histogram_holds_every_sample_and_the_figures_line_lies_in_its_band() -> None:
    marks = filled(HISTOGRAM, noisy())
    counts = [
        int(str(it["description"]).partition("Samples: ")[2].partition(";")[0])
        for _, items in marks
        for it in items
        if "Samples: " in str(it.get("description"))
    ]
    assert sum(counts) == 45
    (line,) = of(marks, "rule")
    (band,) = (it for it in of(marks, "rect") if "description" not in it)
    assert band["x"] < line["x"] < band["x"] + band["width"]


def test_a_far_outlier_leaves_the_histogram_its_width_and_is_counted_in_words() -> None:
    near = [2.0 + number / 1000 for number in range(400)]
    one = record(samples_ms=[near, [*near, 50.0]])
    bars = of(filled(HISTOGRAM, one), "rect")
    assert len([bar for bar in bars if bar["height"] > 1]) > 8
    said = f"Samples of more than {only(one)['most']} ms, all in the last bar: 3."
    assert said in svg(HISTOGRAM, only(one))
    assert only(record(samples_ms=[near, near]))["beyond"] == 0
    assert "last bar" not in svg(HISTOGRAM, only(record(samples_ms=[[2.0], [50.0]])))


def test_one_chart_has_the_box_for_outliers_of_all_three() -> None:
    for one in sample_charts(ENGLISH):
        assert ["bind" in it for it in one.spec["params"]] == [one.key == HISTOGRAM.key]


def test_by_session_there_is_a_box_and_a_point_for_each() -> None:
    marks = filled(BY_SESSION, noisy())
    dots = [it for it in of(marks, "symbol") if it["fill"] == COLOURS[0]]
    assert len({it["y"] for it in dots}) == 2
