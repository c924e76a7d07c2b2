"""Engines side by side as Vega-Lite draws them: points, intervals, ratios of those by turns."""

from __future__ import annotations

from bench.analysis.series import View
from bench.reports.colours import engine_colour
from bench.reports.language import words
from bench.reports.page.charts import Chart
from bench.reports.page.charts.engines import engine_charts
from bench.reports.page.charts.points import figures
from bench.storage.schema.latency import Bursts, Record
from tests.fakes.drawn import drawn, of
from tests.fakes.records import of_sessions, session, stored, view, waited

ENGLISH = words("en")


def of_engine(runner: str, ms: float, *, turn: int | None = 0, threads: int = 1) -> Record:
    """Return a record of three sessions of five laps, each 1% slower than the one before."""
    sessions = [
        session(
            [ms * (1 + number / 100)] * 10, engine=f"{runner} 1", round=number,
            turn=None if turn is None else turn + number, bursts=Bursts(**waited(*[0.0] * 5)),
        )
        for number in range(3)
    ]  # fmt: skip
    return of_sessions(*sessions, runner=runner, settings={}, threads=threads)


def shown(*more: Record) -> View:
    return view(stored(of_engine("ncnn", 1.0), of_engine("mnn", 1.5), *more))


def by_key(of_view: View) -> dict[str, Chart]:
    return {one.key: one for one in engine_charts(of_view, ENGLISH, figures(of_view, ENGLISH))}


def test_each_engine_has_its_point_its_colour_and_its_interval() -> None:
    marks = drawn(by_key(shown())["by-engine-engines"].spec)
    points = [item for item in of(marks, "symbol") if item["fill"] != "transparent"]
    assert [item["fill"] for item in points] == [engine_colour("ncnn"), engine_colour("mnn")]
    assert points[0]["x"] < points[1]["x"]
    for point, interval in zip(points, of(marks, "rule"), strict=True):
        assert interval["x"] < point["x"] < interval["x2"]


def test_a_ratio_is_to_the_fastest_of_those_that_took_turns() -> None:
    marks = drawn(by_key(shown())["by-engine-ratios"].spec)
    text = " ".join(str(item.get("description")) for item in of(marks, "symbol"))
    assert "Ratio: the fastest, to which" in text
    assert "Ratio: 1.500 of the fastest (95%: 1.500 to 1.500, over 3 sessions)" in text


def test_without_turns_there_is_no_ratio_and_the_latencies_say_so() -> None:
    apart = view(stored(of_engine("ncnn", 1.0), of_engine("mnn", 1.5, turn=None)))
    found = by_key(apart)
    assert "by-engine-ratios" not in found
    items = of(drawn(found["by-engine-engines"].spec), "symbol")
    assert f"Ratio: {ENGLISH('chart.no_ratio')}" in str(items)


def test_a_switch_chooses_the_setting_and_each_shows_its_own_figures() -> None:
    two = (of_engine("ncnn", 0.6, threads=2), of_engine("mnn", 0.9, threads=2))
    spec = by_key(shown(*two))["by-engine-engines"].spec
    (options,) = (one["bind"]["options"] for one in spec["params"])
    assert len(options) == 2
    assert "0.60" in str(of(drawn(spec, table=options[1]), "symbol"))
    assert "0.60" not in str(of(drawn(spec, table=options[0]), "symbol"))


def test_one_engine_alone_is_not_compared() -> None:
    assert by_key(view(stored(of_engine("ncnn", 1.0)))) == {}


def test_the_fastest_bears_a_ring_where_it_is_certain() -> None:
    marks = drawn(by_key(shown())["by-engine-engines"].spec)
    (ring,) = (item for item in of(marks, "symbol") if item["size"] == 240)
    fastest = min(item["x"] for item in of(marks, "symbol"))
    assert ring["x"] == fastest
