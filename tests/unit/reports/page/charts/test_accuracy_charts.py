"""What Vega-Lite itself draws of the charts of accuracy: points, fronts, switches."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from bench.analysis.series import View
from bench.config.published import Published
from bench.reports.colours import engine_colour
from bench.reports.language import LANGUAGES, words
from bench.reports.page.charts import Chart, charts
from bench.reports.page.charts.parts import Spec
from tests.fakes.drawn import THEMES, drawn, of, svg, texts
from tests.fakes.records import contended, facts, record, stored, view

ENGLISH = words("en")
SD855 = "Snapdragon 855, Paddle Lite, bs=1, thread=1"


def row(name: str, top1: float, family: str = "ShuffleNetV2", **figures: float) -> Published:
    known = {"top1": top1, **figures}
    return Published(name, family, known, {key: str(value) for key, value in known.items()})


PUBLISHED = {
    one.name: one
    for one in (
        row("ShuffleNetV2_x0_25", 0.499, storage_mb=2.7, sd855_ms_threads1=1.94),
        row("ShuffleNetV2_x0_5", 0.603, storage_mb=5.6, sd855_ms_threads1=2.85),
        row("ShuffleNetV2", 0.688, storage_mb=9.0, sd855_ms_threads1=5.5),
        row("GhostNet_x0_5", 0.668, "GhostNet", storage_mb=10.0, sd855_ms_threads1=5.28),
    )
}


def shown() -> View:
    """x1_0 is on ncnn slower and better than x0_5, on paddle both are beaten by ncnn."""
    times = {
        ("x0_25", "ncnn"): 1.0, ("x0_5", "ncnn"): 2.0, ("x1_0", "ncnn"): 4.0,
        ("x0_25", "paddle"): 2.5, ("x0_5", "paddle"): 1.5, ("x1_0", "paddle"): 9.0,
    }  # fmt: skip
    records = [
        record(net, runner=runner, settings={}, engine=f"{runner} 1", samples_ms=[[ms], [1.1 * ms]])
        for (net, runner), ms in times.items()
    ]
    two = record("x0_5", runner="ncnn", settings={}, threads=2, engine="ncnn 1")
    return view(stored(*records, two, beside=["sd855_ms_threads1"]), published=PUBLISHED)


def chart(key: str) -> Chart:
    return next(one for one in charts(shown(), ENGLISH) if one.key == key)


def labels(**chosen: str) -> list[str]:
    items = of(drawn(chart("top1-latency").spec, **chosen), "text")
    names = [item["text"] for item in sorted(items, key=lambda item: item["x"])]
    return list(dict.fromkeys(names))  # each has a halo behind it


@pytest.mark.parametrize(("lang", "theme"), list(product(LANGUAGES, THEMES)))
def test_vega_lite_takes_every_chart_in_each_language_and_theme(lang: str, theme: str) -> None:
    all_charts = charts(shown(), words(lang))
    assert [one.key for one in all_charts if one.key.startswith("top1")] == [
        "top1-latency", "top1-storage", "top1-flops", "top1-params",
    ]  # fmt: skip
    for one in all_charts:
        assert of(drawn(one.spec, theme), "symbol")


def test_the_front_is_of_the_figures_that_the_switches_show() -> None:
    assert labels() == ["x0_25", "x0_5", "x1_0"]
    assert labels(engine="ncnn") == ["x0_25", "x0_5", "x1_0"]
    assert labels(engine="Paddle Inference") == ["x0_5", "x1_0"]  # x0_25 is slower and worse


def test_every_measured_figure_of_the_setting_is_a_point_and_no_other_is() -> None:
    measured = [
        item
        for item in of(drawn(chart("top1-latency").spec), "symbol")
        if item["shape"] != "diamond"
    ]
    assert len(measured) == 6
    by_engine = {item["fill"] for item in measured}
    assert by_engine == {engine_colour("ncnn"), engine_colour("paddle")}
    assert len({item["shape"] for item in measured}) == 2


def test_pointing_at_a_figure_says_net_interval_grade_and_versions() -> None:
    items = of(drawn(chart("top1-latency").spec, engine="ncnn"), "symbol")
    (text,) = (str(item) for item in items if "Net: ShuffleNetV2; Figure" in str(item))
    for part in ("4.2 ± 2.5 ms", "(95%, over 2 sessions)", "Grade: ", "ncnn 1; harness 0badc0de"):
        assert part in text


def test_an_interval_wider_than_its_figure_has_no_end_below_zero() -> None:
    run = stored(record("x0_5", samples_ms=[[1.0], [1.2], [9.0]]))
    (row,) = charts(view(run, published=PUBLISHED), ENGLISH)[0].spec["datasets"]["measured"]
    assert row["interval"].startswith("up to ")
    assert "wider than the figure itself" in row["interval"]


def test_published_figures_are_hollow_diamonds_and_measured_ones_are_neither() -> None:
    for one in charts(shown(), ENGLISH):
        chosen = {"beside": SD855} if one.key == "top1-latency" else {}
        items = of(drawn(one.spec, **chosen), "symbol")
        diamonds = [item for item in items if item["shape"] == "diamond"]
        assert all(item["fill"] in ("transparent", "#ffffff") for item in diamonds)
        assert all(
            item["fill"] not in ("transparent", "#ffffff") for item in items if item not in diamonds
        )
        if one.key in ("top1-latency", "top1-storage"):
            assert len(diamonds) == len(PUBLISHED)


def diamonds(of_view: View | None = None, /, **chosen: str) -> int:
    spec = charts(of_view or shown(), ENGLISH)[0].spec
    return str(of(drawn(spec, **chosen), "symbol")).count("'diamond'")


def test_other_hardware_is_drawn_only_when_it_is_chosen_and_says_what_it_is() -> None:
    assert diamonds() == diamonds(beside="") == 0
    assert SD855 in str(of(drawn(chart("top1-latency").spec, beside=SD855), "symbol"))


def test_a_phones_published_figures_are_drawn_at_first() -> None:
    cell = record("x0_5", samples_ms=[[2.0]])
    phone = stored(cell, target="android", beside=["sd855_ms_threads1"])
    assert diamonds(view(phone, published=PUBLISHED)) == len(PUBLISHED)


def test_what_was_published_of_another_setting_isnt_drawn_and_that_is_said() -> None:
    def said(**chosen: str) -> bool:
        return ENGLISH("chart.unlike") in svg(chart("top1-latency").spec, **chosen)

    assert diamonds(beside=SD855) == len(PUBLISHED)
    assert not said(beside=SD855)
    assert diamonds(beside=SD855, threads="2") == 0
    assert said(beside=SD855, threads="2")
    assert not said(threads="2")


def test_the_legend_names_the_engines_that_have_a_point() -> None:
    names = {"Paddle Inference", "ncnn"}

    def named(**chosen: str) -> set[str]:
        drawing = svg(chart("top1-latency").spec, **chosen)
        return {name for name in names if f">{name}</text>" in drawing}

    assert named() == names
    assert named(threads="2") == named(engine="ncnn") == {"ncnn"}


def test_where_no_figure_fits_nothing_is_drawn_but_that() -> None:
    impossible = {"threads": "2", "engine": "Paddle Inference"}
    marks = drawn(chart("top1-latency").spec, **impossible, beside=SD855)
    assert texts(marks) == [ENGLISH("chart.nothing")]
    assert diamonds(**impossible, beside=SD855) == 0
    assert ENGLISH("chart.unlike") not in svg(chart("top1-latency").spec, **impossible)


def test_intervals_are_bars_around_their_points_and_can_be_taken_away() -> None:
    spec = chart("top1-latency").spec
    points = [it for it in of(drawn(spec), "symbol") if it["shape"] != "diamond"]
    bars = of(drawn(spec), "rule")
    assert len(bars) == len(points) == 6
    for point, bar in zip(points, bars, strict=True):
        assert bar["x"] < point["x"] < bar["x2"]
        assert bar["y"] == point["y"]
    assert of(drawn({**spec, "params": without(spec, "intervals")}), "rule") == []


def without(spec: Spec, name: str) -> list[Any]:
    return [it | ({"value": False} if it["name"] == name else {}) for it in spec["params"]]


def test_a_contended_figure_is_hollow_named_in_the_legend_and_on_no_front() -> None:
    quiet = record("x0_5", settings={}, samples_ms=[[2.0], [2.0]])
    disturbed = contended(record("x1_0", settings={}, samples_ms=[[1.0] * 10] * 2), 0.9)
    run = stored(disturbed, quiet)
    spec = charts(view(run, published=PUBLISHED), ENGLISH)[0].spec
    points = {str(item["fill"] in ("transparent", "#ffffff")) for item in of(drawn(spec), "symbol")}
    assert points == {"True", "False"}
    assert set(texts(drawn(spec))) == {"x0_5"}
    assert ENGLISH("chart.legend.contended") in svg(spec)
    assert ENGLISH("chart.legend.contended") not in svg(chart("top1-latency").spec)


def test_each_plot_names_the_nets_that_it_lacks() -> None:
    run = stored(
        record("x0_5"), record("mine"), models={"x0_5": facts(), "mine": facts(None, title="mine")}
    )
    for one in charts(view(run, published=PUBLISHED), ENGLISH):
        assert ("mine" in one.remark) == one.key.startswith("top1")
    assert chart("top1-storage").remark == ""


def test_each_counted_net_has_its_name() -> None:
    assert set(texts(drawn(chart("top1-flops").spec))) == {"x0_25", "x0_5", "x1_0"}


def test_the_family_to_mark_has_its_colour_and_its_name() -> None:
    spec = chart("top1-storage").spec
    marked = {"#8a4b08"}
    assert not marked & {item.get("stroke") for item in of(drawn(spec), "line")}
    items = drawn(spec, family="ShuffleNetV2")
    assert marked & {item.get("stroke") for item in of(items, "line")}
    assert "ShuffleNetV2" in texts(items)


def test_lines_of_families_and_the_front_differ_and_both_are_named() -> None:
    lines = of(drawn(chart("top1-storage").spec), "line")
    assert len({(str(it.get("strokeDash")), it.get("strokeWidth")) for it in lines}) == 4
    drawing = svg(chart("top1-storage").spec)
    for name in ("family", "front", "published", "published_front"):
        assert ENGLISH(f"chart.legend.{name}") in drawing.replace("&#39;", "'")


def test_a_front_of_more_points_than_can_be_read_has_no_names() -> None:
    def front(points: int) -> list[str]:
        nets = [f"net{number}" for number in range(points)]
        known = {name: row(name, 0.5 + index / 100) for index, name in enumerate(nets)}
        run = stored(
            *(record(net, samples_ms=[[1.0 + index]]) for index, net in enumerate(nets)),
            models={net: facts(net) for net in nets},
        )
        return sorted(set(texts(drawn(charts(view(run, published=known), ENGLISH)[0].spec))))

    assert len(front(12)) == 12
    assert front(13) == []


def test_switches_that_nothing_fits_say_so() -> None:
    assert labels(threads="2") == ["x0_5"]
    assert labels(threads="2", engine="Paddle Inference") == [ENGLISH("chart.nothing")]


def test_what_leaves_no_choice_is_no_switch() -> None:
    bound = {one["name"] for one in chart("top1-latency").spec["params"] if "bind" in one}
    assert bound == {"threads", "engine", "family", "intervals"}


def test_a_name_with_quotes_and_tags_stays_text() -> None:
    name = 'it\'s "one" <script> \u202e'
    run = stored(
        record("x0_5", settings={"mode": name}),
        record("x0_25", settings={"mode": "off"}),
        models={"x0_5": facts("ShuffleNetV2_x0_5", title=name)},
    )
    spec = charts(view(run, published=PUBLISHED), ENGLISH)[0].spec
    assert "\u202e" not in str(spec)
    engines = next(one for one in spec["params"] if one["name"] == "engine")["bind"]["options"]
    (own,) = (one for one in engines if "it's" in one)
    assert set(texts(drawn(spec, engine=own))) == {"x0_5"}


def test_nets_without_a_known_accuracy_are_in_no_chart_of_it() -> None:
    keys = {one.key for one in charts(view(stored(record())), ENGLISH)}
    assert not any(key.startswith("top1") for key in keys)
