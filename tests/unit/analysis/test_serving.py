"""What loads come to: figures, what the generator took, what serving costs."""

from __future__ import annotations

from statistics import stdev

import pytest

from bench.analysis.serving import cost, figure, generator, latencies, loads_of, newest
from bench.analysis.statistics import t_quantile
from tests.fakes import servings as fakes
from tests.fakes.servings import MS


def test_the_cost_is_of_the_differences_of_rounds() -> None:
    pairs = [(1.0, 3.0), (2.0, 4.1), (1.5, 3.4)]
    it = cost(fakes.cost(*pairs))
    added = [served - alone for alone, served in pairs]
    assert it.added_ns == pytest.approx(2.0 * MS)
    half = t_quantile(2) * stdev(added) / 3**0.5
    assert it.half_width_ns == pytest.approx(half * MS)
    assert it.ratio == pytest.approx((3.0 + 4.1 + 3.4) / 4.5)


def test_one_round_has_no_interval() -> None:
    assert cost(fakes.cost((1.0, 2.0))).half_width_ns is None


def test_each_scenario_has_its_own_figure() -> None:
    assert figure(fakes.load("single-stream")).latency_ns == 7 * MS
    assert figure(fakes.load("server")).per_s == 200.0
    assert figure(fakes.load("offline")).latency_ns is None


def test_a_percentile_that_loadgen_doesn_t_prove_is_no_figure() -> None:
    unproved = fakes.load(loadgen=fakes.loadgen(early_stopping_ns={}))
    assert figure(unproved).latency_ns is None


def test_offline_has_no_latency_that_says_something() -> None:
    assert latencies(fakes.load("server")) == (5 * MS, 8 * MS)
    assert latencies(fakes.load("offline")) == (None, None)


def test_errors_make_a_load_invalid_that_loadgen_calls_valid() -> None:
    it = fakes.load(errors={"status 503": 3, "time-out": 1})
    assert it.loadgen.valid
    assert not it.valid
    assert it.reason == "requests without a right answer: 3 x status 503, 1 x time-out"


@pytest.mark.parametrize(
    ("scenario", "cpu", "busy", "limit"),
    [
        ("server", 0.5, 0.1, ""),
        ("server", 0.9, 0.1, "its own CPU time"),
        ("server", 0.5, 0.6, "its connections"),
        ("server", 0.9, 0.6, "its own CPU time and its connections"),
        ("offline", 0.5, 1.0, ""),
        ("single-stream", 0.5, 1.0, ""),
    ],
)
def test_what_of_the_generator_was_the_limit_is_named(
    scenario: str, cpu: float, busy: float, limit: str
) -> None:
    wall = 1000 * MS
    client = fakes.client(
        wall_ns=wall, cpu_ns=round(cpu * wall), all_busy_ns=round(busy * wall), requests=100
    )
    took = generator(fakes.load(scenario, client=client))
    assert took.limit == limit
    assert took.cpu_ns == pytest.approx(cpu * wall / 100)
    assert took.cpu_share == pytest.approx(cpu)


def test_loads_stand_in_the_order_in_which_they_were_made() -> None:
    run = fakes.stored(
        fakes.load("offline"), fakes.load("server"), fakes.cost((1, 2)), fakes.load("single-stream")
    )
    order = [it.planned.scenario for it in loads_of(run)]
    assert order == [None, "single-stream", "server", "offline"]


def test_the_newest_of_each_counts_and_other_servers_stand_beside() -> None:
    old = fakes.stored(fakes.load("offline", loadgen=fakes.loadgen(completed_per_s=1.0)))
    new = fakes.stored(fakes.load("offline"), run_id="20240702T120000Z-0badc0de-00000001")
    batched = fakes.stored(fakes.load("offline"), serve={"--max-batch": "8"})
    elsewhere = fakes.stored(fakes.load("offline"), cell=None)
    found = newest([old, batched, elsewhere, new])
    assert [it.engine for it in found] == [
        "onnxruntime",
        "onnxruntime --max-batch 8",
        "a server 2.1",
    ]
    assert found[0].run is new


def test_another_preset_or_bound_is_another_figure() -> None:
    plain = fakes.stored(fakes.load("server"))
    quick = fakes.stored(fakes.load("server"), preset="quick")
    tight = fakes.stored(fakes.load("server", settings=fakes.settings("server", latency_ms=5.0)))
    assert [it.run for it in newest([plain, quick, tight])] == [plain, quick, tight]
