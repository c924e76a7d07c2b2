from __future__ import annotations

import pytest

from bench.analysis.boxes import Box
from bench.analysis.series import Series, StoredRun, View
from bench.config.published import Fault, Published
from bench.storage.schema.common import Failed
from bench.storage.schema.latency import ModelFacts
from tests.fakes.records import (
    costs,
    facts,
    failed,
    only_series,
    record,
    skipped,
    storage,
    stored,
    system,
    view,
)

OTHER_NET = "fedcba9876543210"
ROW = Published("A", "F", {"top1": 0.5}, {"top1": "0.50"})


def box(series: Series, variant: str = "x0_25", batch: int = 1, threads: int = 1) -> Box:
    return series.boxes[variant][batch, threads]


def latency_ms(shown: Box) -> float:
    assert shown.estimate is not None
    return shown.estimate.value_ns / 1e6


def older_and_newer(older: StoredRun, newer: StoredRun) -> View:
    return view(older, newer)


def test_the_newest_record_of_a_cell_counts() -> None:
    shown = older_and_newer(
        stored(record(samples_ms=[[5.0], [5.0]]), run_id="1"),
        stored(record(samples_ms=[[2.0], [2.0]]), run_id="2"),
    )
    assert (latency_ms(box(only_series(shown))), box(only_series(shown)).run_id) == (2.0, "2")


def test_a_newer_failure_takes_the_place_of_an_older_figure() -> None:
    shown = older_and_newer(stored(record()), stored(record(outcome=failed())))
    assert box(only_series(shown)).estimate is None
    assert isinstance(box(only_series(shown)).outcome, Failed)


def test_cells_that_the_newest_run_lacks_come_from_older_ones_of_the_same_series() -> None:
    shown = older_and_newer(
        stored(record(batch=4, samples_ms=[[9.0]]), run_id="1"),
        stored(record(batch=1, samples_ms=[[2.0]]), run_id="2"),
    )
    series = only_series(shown)
    assert (series.columns, set(series.runs)) == ([(1, 1), (4, 1)], {"1", "2"})
    assert latency_ms(box(series, batch=4)) == 9.0


def test_a_run_whose_figures_are_all_replaced_is_no_source() -> None:
    shown = older_and_newer(stored(record(), run_id="1"), stored(record(), run_id="2"))
    assert set(only_series(shown).runs) == {"2"}


@pytest.mark.parametrize(
    "other",
    [
        stored(record(sampling={"preset": "quick"})),
        stored(record(sampling={"statistic": "mean"})),
        stored(record(precision="fp16")),
        stored(record(runner="another")),
        stored(record(settings={"onednn": "off"})),
        stored(record(), on=system("Another machine", system_id="another-1")),
        stored(record(), on=system(system_id="the-same-name-another-machine")),
        stored(record(), weights="pretrained"),
        stored(record(), target="android"),
    ],
    ids=[
        "preset", "statistic", "precision", "runner", "settings", "system", "system id", "weights",
        "target",
    ],
)  # fmt: skip
def test_what_is_not_comparable_never_shares_a_series(other: StoredRun) -> None:
    shown = older_and_newer(other, stored(record()))
    assert len(shown.series) == 2
    assert [len(series.boxes["x0_25"]) for series in shown.series] == [1, 1]


def test_figures_of_an_older_engine_version_stay_out_of_the_newer_ones_table() -> None:
    shown = older_and_newer(
        stored(record(engine="paddle 3.1"), record(batch=4, engine="paddle 3.1"), run_id="1"),
        stored(record(engine="paddle 3.2"), run_id="2"),
    )
    series = only_series(shown)
    assert (series.engine, series.columns, set(series.runs)) == ("paddle 3.2", [(1, 1)], {"2"})


def test_an_engine_version_is_known_though_the_newest_record_failed_without_a_session() -> None:
    shown = view(
        stored(record(engine="paddle 3.0", batch=8)),
        stored(record(engine="paddle 3.2", batch=4)),
        stored(record(outcome=failed())),
    )
    assert only_series(shown).engine == "paddle 3.2"
    assert only_series(shown).columns == [(1, 1), (4, 1)]


def test_an_engine_version_is_not_forgotten_over_a_failure_without_a_session() -> None:
    older = stored(record(engine="paddle 3.0", batch=8))
    newer = stored(record(engine="paddle 3.2"), record(batch=4, outcome=failed()))
    series = only_series(older_and_newer(older, newer))
    assert (series.engine, series.columns) == ("paddle 3.2", [(1, 1), (4, 1)])


def test_figures_of_a_net_before_it_changed_stay_out_of_its_row() -> None:
    shown = older_and_newer(
        stored(record(batch=4, model_hash=OTHER_NET)),
        stored(record(batch=1), record("x0_5", batch=4)),
    )
    series = only_series(shown)
    assert [list(row) for row in series.boxes.values()] == [[(1, 1)], [(4, 1)]]


@pytest.mark.parametrize("outcome", [failed(), skipped()])
def test_what_was_not_measured_has_no_estimate(outcome: Failed) -> None:
    shown = box(only_series(view(stored(record(outcome=outcome)))))
    assert (shown.estimate, shown.outcome) == (None, outcome)


def test_sessions_before_a_failure_give_no_estimate_either() -> None:
    whole = record()
    fell = whole.model_copy(update={"outcome": failed(), "sessions": whole.sessions[:1]})
    assert box(only_series(view(stored(fell)))).estimate is None


def test_the_statistic_of_the_sampling_is_the_one_that_is_taken() -> None:
    samples = [[1.0, 1.0, 4.0]]
    by_mean = record(samples_ms=samples, sampling={"statistic": "mean"})
    assert latency_ms(box(only_series(view(stored(by_mean))))) == 2.0
    assert latency_ms(box(only_series(view(stored(record(samples_ms=samples)))))) == 1.0


def test_unsettled_sessions_count_only_where_the_sampling_asks_for_steadiness() -> None:
    restless = record(steady=False)
    asked_nothing = record(steady=False, sampling={"steady_tolerance": None})
    assert box(only_series(view(stored(restless)))).unsettled == 2
    assert box(only_series(view(stored(asked_nothing)))).unsettled == 0


def test_most_sessions_is_that_of_the_figure_with_most_and_zero_without_any() -> None:
    one = stored(record(samples_ms=[[1.0]]), record(batch=4, samples_ms=[[1.0], [2.0], [3.0]]))
    assert only_series(view(one)).most_sessions == 3
    assert only_series(view(stored(record(outcome=failed())))).most_sessions == 0


def merged(older: ModelFacts, newer: ModelFacts) -> ModelFacts:
    return older_and_newer(
        stored(record(), models={"x0_25": older}), stored(record(), models={"x0_25": newer})
    ).models["x0_25"]


def test_costs_that_the_newest_run_lacks_come_from_an_older_one_of_the_same_net() -> None:
    newer = facts(costs=None, storage=None, missing={"costs": "no", "storage": "no opt"})
    assert merged(facts(), newer) == facts()


def test_costs_of_another_net_fill_nothing() -> None:
    newer = facts(costs=None, storage=None, missing={"costs": "no", "storage": "no opt"})
    assert merged(facts(model_hash=OTHER_NET), newer) == newer


def test_a_failed_export_with_other_weights_leaves_the_costs_that_are_known() -> None:
    newer = facts(
        costs=None, storage=None, missing={"costs": "no", "storage": "no opt"},
        model_hash=OTHER_NET, weights="pretrained",
    )  # fmt: skip
    shown = merged(facts(), newer)
    assert (shown.costs, shown.storage, shown.missing) == (facts().costs, facts().storage, {})


def test_costs_that_the_newest_run_has_stay_and_only_the_missing_part_is_filled() -> None:
    newer = facts(costs=costs(macs=7), storage=None, missing={"storage": "no opt"})
    assert merged(facts(storage=storage(99)), newer) == facts(
        costs=costs(macs=7), storage=storage(99)
    )


def test_a_reason_stays_where_no_run_knows_the_cost() -> None:
    lacking = facts(storage=None, missing={"storage": "no opt"})
    assert merged(lacking, lacking).missing == {"storage": "no opt"}


def test_rows_and_models_stand_in_the_catalogues_order_and_unknown_ones_last() -> None:
    names = ["zeta", "x1_0", "x0_25", "alpha", "x0_5"]
    shown = view(stored(*(record(name) for name in names)))
    wanted = ["x0_25", "x0_5", "x1_0", "alpha", "zeta"]
    assert list(shown.models) == wanted
    assert only_series(shown).variants == wanted


def test_the_order_of_runs_and_records_does_not_show() -> None:
    first = stored(record("x0_5"), record("x0_25"), on=system("B", system_id="b"), run_id="1")
    second = stored(record(), on=system("A", system_id="a"), run_id="2")
    one, other = view(first, second), view(second, first)
    assert [series.system.heading for series in one.series] == ["A", "B"]
    assert one == other


def test_the_system_of_the_newest_run_stands_first_and_emulated_ones_last() -> None:
    emulated = system("0", system_id="0", emulated=True)
    shown = view(
        stored(record(), on=system("A", system_id="a"), run_id="1"),
        stored(record(), on=system("C", system_id="c"), run_id="2"),
        stored(record(), on=system("B", system_id="b"), run_id="3"),
        stored(record(), on=emulated, run_id="4"),
    )
    assert [series.system.heading for series in shown.series] == ["B", "A", "C", "0"]


def test_columns_are_sorted_by_batch_then_threads() -> None:
    cells = [(4, 1), (1, 2), (1, 1), (8, 1)]
    shown = view(stored(*(record(batch=batch, threads=threads) for batch, threads in cells)))
    assert only_series(shown).columns == [(1, 1), (1, 2), (4, 1), (8, 1)]


def test_a_model_of_ones_own_has_no_published_row() -> None:
    shown = view(
        stored(record("mine"), record("gone"), models={"gone": facts("Gone")}), published={"A": ROW}
    )
    assert (shown.published_of("mine"), shown.published_of("gone")) == (None, None)


def test_a_model_finds_its_published_row_and_that_rows_faults() -> None:
    fault = Fault(model="A", columns=("top1",), note="n")
    elsewhere = Fault(model="B", columns=("top1",), note="n")
    shown = view(
        stored(record(), models={"x0_25": facts("A")}),
        published={"A": ROW},
        faults=(fault, elsewhere),
    )
    assert shown.published_of("x0_25") is ROW
    assert shown.faults_of("A", "top1") == [fault]
    assert shown.faults_of("A", "top5") == []


def test_every_boxs_own_record_is_at_hand_and_a_run_of_which_nothing_is_shown_is_let_go() -> None:
    older, newer = stored(record(), run_id="1"), stored(record(), run_id="2")
    shown = older_and_newer(older, newer)
    now = box(only_series(shown))
    assert shown.records[now.run_id, now.cell_id] is newer.records[0]
    assert set(shown.records) == {("2", now.cell_id)}
    assert list(shown.manifests) == ["1", "2"]


def test_a_run_that_one_figure_is_shown_of_keeps_all_of_its_records() -> None:
    older = stored(record(batch=1), record(batch=4), run_id="1")
    shown = older_and_newer(older, stored(record(batch=1), run_id="2"))
    assert {run_id for run_id, _ in shown.records} == {"1", "2"}
    assert [run_id for run_id, _ in shown.records].count("1") == 2


def test_nothing_stored_gives_an_empty_view() -> None:
    assert (view().models, view().series) == ({}, [])


def test_models_of_one_run_with_other_weights_stand_apart_each_with_its_own() -> None:
    run = stored(
        record("x0_25"), record("mine"),
        models={"x0_25": facts(), "mine": facts(None, weights="exported")},
        weights="seeded and exported",
    )  # fmt: skip
    told = {series.weights: list(series.boxes) for series in view(run).series}
    assert told == {"seeded": ["x0_25"], "exported": ["mine"]}
