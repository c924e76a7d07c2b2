"""The state of the machine over a run as Vega-Lite draws it."""

from __future__ import annotations

import pytest

from bench.analysis.series import View
from bench.reports.language import words
from bench.reports.page.charts import Chart, machine
from bench.reports.page.charts.machine import machine_charts
from bench.storage.schema.latency import Session
from tests.fakes.drawn import drawn, of
from tests.fakes.records import of_sessions, paced, session, stored, view

ENGLISH = words("en")


def state(minute: int, load: float, steal_ms: int, **more: float) -> Session:
    return session(
        started=f"2024-05-01T12:{minute:02}:00+00:00",
        wall_ns=2_000_000_000,
        before={"load_1m": load, "steal_ms": 1000, **more},
        after={"load_1m": load, "steal_ms": 1000 + steal_ms},
    )


def only(shown: View) -> Chart:
    (chart,) = machine_charts(shown, ENGLISH)
    return chart


def descriptions(chart: Chart, **chosen: str) -> list[str]:
    return [str(item["description"]) for item in of(drawn(chart.spec, **chosen), "symbol")]


def test_each_session_is_a_point_of_each_state_that_it_tells() -> None:
    cell = of_sessions(state(0, 0.5, 0), state(7, 1.5, 100, frequency_mhz=2600))
    chart = only(view(stored(cell)))
    (bind,) = (one["bind"] for one in chart.spec["params"] if one["name"] == "state")
    assert bind["options"] == ["load", "steal", "frequency"]
    for name, values in {
        "load": ("0.5", "1.5"),
        "steal": ("0", "5"),
        "frequency": ("2,600",),
    }.items():
        texts = descriptions(chart, state=name)
        assert len(texts) == len(values)
        assert "Start (UTC): 2024-05-01 12:0" in texts[0]
        for text, value in zip(texts, values, strict=True):
            assert f"Value: {value.replace(',', '')};" in text


@pytest.mark.parametrize("started", ["yesterday", "", "0001-01-01", "9999-12-31T23:59:59.9"])
def test_a_session_whose_start_is_no_time_is_left_out(started: str) -> None:
    odd = state(3, 2.5, 0).model_copy(update={"started": started})
    texts = descriptions(only(view(stored(of_sessions(state(0, 0.5, 0), odd)))), state="load")
    assert any("Value: 0.5;" in text for text in texts)
    assert len(texts) == (2 if started.startswith("9999") else 1)


def test_a_canary_is_over_the_best_of_its_cell_and_slow_ones_lie_above_the_line() -> None:
    chart = only(view(stored(of_sessions(paced([2.0] * 3, [100, 100, 100]), paced([2.0], [130])))))
    marks = drawn(chart.spec)
    quick, slow = of(marks, "symbol")
    (line,) = of(marks, "rule")
    assert slow["y"] < line["y"] < quick["y"]
    assert of(drawn(chart.spec, state="load"), "rule") == []


def test_a_state_has_the_axis_of_its_own_values() -> None:
    busy = (paced([2.0], [100]), paced([2.0], [130]))
    sessions = [it.model_copy(update={"before": {"frequency_mhz": 2600}}) for it in busy]
    low = [it.model_copy(update={"before": {"frequency_mhz": 2000}}) for it in busy]
    marks = drawn(only(view(stored(of_sessions(*sessions, *low)))).spec, state="frequency")
    heights = {item["y"] for item in of(marks, "symbol")}
    assert max(heights) - min(heights) > 100


def test_a_switch_chooses_the_run_and_the_newest_is_first() -> None:
    older = stored(of_sessions(state(0, 0.5, 0), variant="x0_5"), run_id="1")
    newer = stored(of_sessions(state(0, 2.5, 0)), run_id="2")
    chart = only(view(older, newer))
    assert "Value: 2.5" in descriptions(chart)[0]
    assert "Value: 0.5" in descriptions(chart, run="1")[0]


def test_above_the_limit_a_point_is_of_several_sessions_and_the_text_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell = of_sessions(*(state(minute, float(minute), 0) for minute in range(6)))
    assert "median" not in only(view(stored(cell))).description
    monkeypatch.setattr(machine, "MOST", 2)
    chart = only(view(stored(cell)))
    assert "the median of up to 3 sessions" in chart.description
    assert [text.partition("Value: ")[2][:1] for text in descriptions(chart)] == ["1", "4"]


def test_nothing_is_drawn_of_runs_whose_machine_told_nothing() -> None:
    assert machine_charts(view(stored(of_sessions(session(before={}, after={})))), ENGLISH) == []
