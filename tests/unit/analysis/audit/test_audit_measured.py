"""Measured series as tables, and the verb."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.analysis.audit import Cost, audit, measured_tables
from bench.cli.commands import audit as verb
from bench.config.published import Published
from bench.experiments.context import Options, Tables
from tests.fakes.records import costs, facts, put, record, storage, stored, system, view

MODELS = Path(__file__).parents[4] / "models"


def test_a_view_becomes_a_table_a_series_with_intervals_family_and_cost_and_one_of_costs() -> None:
    shown = view(
        stored(record(samples_ms=[[2.0], [2.2]]), record(threads=2, samples_ms=[[1.5]])),
        published={"ShuffleNetV2_x0_25": Published("ShuffleNetV2_x0_25", "ShuffleNetV2", {}, {})},
    )
    series, counted = measured_tables(shown)
    (one,) = series.rows
    assert [(c.threads, c.batch) for c in series.columns] == [(1, 1), (2, 1)]
    assert (one.family, one.cost) == ("ShuffleNetV2", Cost(18_945_136, 607_712))
    assert one.figures == {"bs=1, thread=1": pytest.approx(2.1), "bs=1, thread=2": 1.5}
    assert list(one.intervals) == ["bs=1, thread=1"]
    assert one.intervals["bs=1, thread=1"] == pytest.approx(12.706 * 0.1, rel=1e-3)
    assert {name: round(value, 3) for name, value in counted.rows[0].figures.items()} == {
        ".nb": 2.704, "FLOPs": 18.945, "params": 0.608,
    }  # fmt: skip


def test_costs_of_a_net_that_has_changed_since_are_not_taken_for_the_measured_one() -> None:
    changed = {"x0_25": facts(model_hash="fedcba9876543210")}
    (series, _) = measured_tables(view(stored(record(), models=changed)))
    assert series.rows[0].cost is None


def steady(ms: float) -> list[list[float]]:
    return [[ms], [1.001 * ms], [0.999 * ms]]


def test_the_verb_leaves_with_0_over_published_findings_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verb.run(Options(results=tmp_path, models=MODELS), Tables()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "of what was measured: there is nothing to check yet"
    assert "published: Snapdragon 855, Paddle Lite, FP32" in lines
    assert (
        "  more-threads-slower, ShuffleNetV2_x0_33, sd855_ms_threads4, sd855_ms_threads2: "
        "1.79 ms with 4 threads is above the 1.70 ms with 2"
    ) in lines


def test_the_verb_leaves_with_1_over_a_measured_finding_and_lists_it_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slower = [record(samples_ms=steady(2)), record(threads=2, samples_ms=steady(3))]
    put(stored(*slower), tmp_path)
    assert verb.run(Options(results=tmp_path, models=MODELS, as_json=True), Tables()) == 1
    (one,) = [one for one in json.loads(capsys.readouterr().out) if one["source"] == "measured"]
    assert one["rule"] == "more-threads-slower"
    assert one["row"] == "ShuffleNetV2_x0_25"
    assert one["reason"].startswith(
        "3.0000 ± 0.0075 ms with 2 threads is above the 2.0000 ± 0.0050"
    )


@pytest.mark.parametrize(
    ("precision", "ms", "odd"),
    [("fp32", 0.029, True), ("fp32", 0.031, False), ("int8", 0.0037, True), ("int8", 0.004, False)],
)
def test_a_stored_figure_faster_than_any_core_is_a_finding_and_stays_in_its_table(
    precision: str, ms: float, *, odd: bool
) -> None:
    fast = record(samples_ms=steady(ms), precision=precision)
    machine = system(facts={"simd": ["avx", "avx2"], "architecture": "x86_64"})
    series, _ = tables = measured_tables(view(stored(fast, on=machine)))
    found = [one for one in audit(tables) if one.rule == "above-peak-rate"]
    assert len(found) == odd
    assert series.rows[0].figures
    if odd:
        assert found[0].reason.endswith("GFLOP/s, above the " + {
            "fp32": "624", "int8": "4992"
        }[precision] + " that the hardware can reach")  # fmt: skip


def test_the_verb_leaves_with_0_over_measured_figures_that_agree(tmp_path: Path) -> None:
    put(stored(record(samples_ms=steady(3)), record(threads=2, samples_ms=steady(2))), tmp_path)
    assert verb.run(Options(results=tmp_path, models=MODELS), Tables()) == 0


def test_more_threads_than_the_measuring_machine_has_cores_may_take_longer(tmp_path: Path) -> None:
    slower = [record(samples_ms=steady(2)), record(threads=2, samples_ms=steady(3))]
    put(stored(*slower, on=system(facts={"physical_cores": 1})), tmp_path)
    assert verb.run(Options(results=tmp_path, models=MODELS), Tables()) == 0


def test_a_file_of_the_wrong_size_is_a_measured_finding() -> None:
    models = {"x0_25": facts(costs=costs(), storage=storage(607_712))}
    named = audit(measured_tables(view(stored(record(), models=models))))
    assert [(one.rule, one.columns) for one in named] == [("storage-off-parameters", (".nb",))]
