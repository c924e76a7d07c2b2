from __future__ import annotations

import csv
import io
from pathlib import Path

from bench.analysis.series import Declared, View
from bench.config.published import Published
from bench.reports import csv_tables as tables_csv
from bench.storage.schema.latency import Record
from tests.fakes.accuracy_runs import accuracy_run
from tests.fakes.records import (
    contended,
    costs,
    facts,
    failed,
    of_sessions,
    only_series,
    paced,
    record,
    skipped,
    stored,
    system,
    view,
)

ROW = Published("A", "F", {"top1": 0.499, "flops_m": 18.95}, {"top1": "0.4990", "flops_m": "18.95"})


def tables(shown: View) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The rows of latency.csv and of costs.csv, read back."""
    files = {path.name: data for path, data in tables_csv.write(shown, Path()).items()}
    latency, costs = (
        list(csv.DictReader(io.StringIO(files[name].decode(), newline=""), strict=True))
        for name in ("latency.csv", "costs.csv")
    )
    return latency, costs


def latency(*records: Record) -> list[dict[str, str]]:
    return tables(view(stored(*records)))[0]


def test_both_files_lie_in_the_folder_and_end_their_lines_with_a_newline_alone() -> None:
    files = tables_csv.write(view(stored(record())), Path("somewhere"))
    assert set(files) == {Path("somewhere/latency.csv"), Path("somewhere/costs.csv")}
    assert all(data.endswith(b"\n") and b"\r" not in data for data in files.values())


def test_a_measured_cell_has_its_figures_in_whole_nanoseconds() -> None:
    (row,) = latency(record(samples_ms=[[2.0, 2.0], [2.1, 2.1]]))
    assert (row["outcome"], row["latency_ns"], row["half_width_95_ns"]) == (
        "measured", "2050000", "635310",
    )  # fmt: skip
    assert (row["sessions"], row["samples"], row["unsettled_sessions"]) == ("2", "4", "0")


def test_a_cell_of_one_session_has_no_half_width() -> None:
    (row,) = latency(record(samples_ms=[[2.0]]))
    assert (row["latency_ns"], row["half_width_95_ns"]) == ("2000000", "")


def test_what_was_not_measured_has_its_outcome_and_no_figure() -> None:
    rows = latency(record(outcome=failed()), record(batch=4, outcome=skipped()))
    assert [row["outcome"] for row in rows] == ["failed", "skipped"]
    for row in rows:
        figures = ("latency_ns", "half_width_95_ns", "sessions", "samples")
        assert {row[name] for name in figures} == {""}


def test_a_row_says_all_that_makes_its_figure_comparable() -> None:
    on = system('The "fast" one, 2 cores', system_id="fast-1", emulated=True)
    cell = record(batch=4, threads=2, settings={"b": "2", "a": "1"}, engine="paddle 3.2.0")
    (row,), _ = tables(view(stored(cell, on=on, run_id="r1", weights="pretrained")))
    wanted = {
        "system_id": "fast-1", "system": 'The "fast" one, 2 cores', "emulated": "True",
        "runner": "paddle", "settings": "a=1 b=2", "precision": "fp32", "preset": "standard",
        "statistic": "median", "weights": "pretrained", "engine": "paddle 3.2.0",
        "variant": "x0_25", "batch": "4", "threads": "2", "run_id": "r1", "cell_id": cell.cell_id,
    }  # fmt: skip
    assert wanted.items() <= row.items()


def test_rows_stand_in_the_order_of_the_views_rows_and_columns() -> None:
    rows = latency(record("x1_0"), record(batch=4), record(threads=2), record())
    assert [(row["variant"], row["batch"], row["threads"]) for row in rows] == [
        ("x0_25", "1", "1"), ("x0_25", "1", "2"), ("x0_25", "4", "1"), ("x1_0", "1", "1"),
    ]  # fmt: skip


def test_counted_costs_and_published_ones_stand_in_columns_of_their_own() -> None:
    known = {"x0_25": facts("A", title="A net")}
    _, (row,) = tables(view(stored(record(), models=known), published={"A": ROW}))
    assert row == {
        "variant": "x0_25", "model": "A net", "weights": "seeded", "macs": "17576000",
        "flops_paddle": "18945136", "params": "607712", "params_trainable": "600000",
        "storage_bytes": "2835000", "storage_format": "Paddle Lite .nb, arm",
        "published_top1": "0.4990", "published_top5": "", "published_flops_m": "18.95",
        "published_params_m": "", "published_storage_mb": "",
    }  # fmt: skip


def test_costs_of_which_nothing_was_counted_are_empty_and_a_net_without_any_has_zeros() -> None:
    for uncounted, told in ((["conv2d"], ""), ([], "0")):
        none = costs(macs=0, flops_paddle=0, uncounted=uncounted)
        _, (row,) = tables(view(stored(record(), models={"x0_25": facts(None, costs=none)})))
        assert (row["macs"], row["flops_paddle"]) == (told, told)
        assert row["params"] != ""


def test_costs_that_are_not_known_are_empty_and_so_is_what_nobody_published() -> None:
    lacking = facts(None, costs=None, storage=None)
    _, (row,) = tables(view(stored(record(), models={"x0_25": lacking}), published={"A": ROW}))
    kept = ("variant", "model", "weights")
    assert {text for name, text in row.items() if name not in kept} == {""}


def test_without_results_only_the_heads_are_written() -> None:
    assert tables(view()) == ([], [])
    files = tables_csv.write(view(), Path())
    assert files[Path("latency.csv")].decode().startswith("system_id,system,")


def test_latency_rows_have_a_value_for_each_column_of_the_head() -> None:
    shown = view(stored(record(), record(batch=4, outcome=failed())))
    assert only_series(shown).boxes
    for row in tables_csv.latency_rows(shown):
        assert set(tables_csv.LATENCY_HEAD) <= set(row)


def test_what_others_took_has_columns_of_its_own_that_are_empty_where_it_is_not_known() -> None:
    busy, calm = contended(record(), 0.76), contended(record(batch=4), 0.01)
    rows = latency(busy, calm, record(batch=8), record(threads=2, outcome=failed()))
    assert {"contended", "cpu_share"} <= set(tables_csv.LATENCY_HEAD)
    told = {(it["batch"], it["threads"]): (it["contended"], it["cpu_share"]) for it in rows}
    assert told == {
        ("1", "1"): ("True", "0.240"), ("4", "1"): ("False", "0.990"), ("8", "1"): ("", ""),
        ("1", "2"): ("", ""),
    }  # fmt: skip


def test_the_floor_stands_in_columns_of_its_own_beside_a_latency_that_it_does_not_change() -> None:
    fast, slow = paced([2.0] * 6, [100] * 6), paced([3.0] * 6, [150] * 6)
    rows = latency(of_sessions(fast, fast, slow), record(batch=4))
    told = {it["batch"]: it for it in rows}
    own = ("slow_share", "floor_ns", "floor_half_width_95_ns")
    assert (told["1"]["latency_ns"], told["1"]["slow_share"]) == ("2333333", "0.429")
    assert (told["1"]["floor_ns"], told["1"]["floor_half_width_95_ns"]) == ("2000000", "0")
    assert {told["4"][name] for name in own} == {""}


def test_a_ratio_to_the_fastest_has_columns_of_its_own_where_cells_took_turns() -> None:
    assert set(tables_csv.RATIO_HEAD) < set(tables_csv.LATENCY_HEAD)
    (row,) = latency(record())
    assert {row[name] for name in tables_csv.RATIO_HEAD} == {""}


def read_back(shown: View, name: str) -> list[dict[str, str]]:
    text = tables_csv.write(shown, Path())[Path(name)].decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_what_an_entry_declares_stands_in_costs_where_one_does() -> None:
    run = stored(record("mine"), record("x0_25"))
    rows = read_back(view(run, declared={"mine": Declared(top1=0.612)}), "costs.csv")
    assert {row["variant"]: row["declared_top1"] for row in rows} == {"x0_25": "", "mine": "0.612"}
    assert "declared_top1" not in read_back(view(run), "costs.csv")[0]


def test_each_stored_accuracy_is_a_row() -> None:
    run = accuracy_run([1, 2], {"mine": {"paddle": [1, 9], "mnn": [1, 2]}})
    first, second = read_back(view(accuracies=[run]), "accuracy.csv")
    assert (first["runner"], first["top1_hits"], first["top1"]) == ("paddle", "1", "0.500000")
    assert (second["runner"], second["top5_hits"], second["top1_low"]) == ("mnn", "2", "0.158114")
    assert (first["images"], first["read"], first["limited_from"]) == ("2", "2", "")
    assert first["run_id"] == run.manifest.run_id
