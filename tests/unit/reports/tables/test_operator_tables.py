"""Profiles by operator in the report, on the page and as CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from bench.reports import csv_tables
from bench.reports.language import words
from bench.reports.page.parts import parts
from bench.reports.tables import report_sections
from tests.fakes.records import operator, profile, profiled, record, skipped, stored, view

SMALL, LARGE, OLD = record(), record(batch=4), record("x0_5")
OF_SMALL = profiled(
    operator("conv", "Conv", 60), operator("fc", "Gemm", 19.9), operator("x", "Cast", 0.1),
    plain_us=100, cost=1.25,
)  # fmt: skip
OF_LARGE = profiled(operator("conv", "Conv", 300, "blocks"), plain_us=200)
RUN = stored(
    SMALL, LARGE, OLD,
    profiles=[profile(SMALL, OF_SMALL), profile(LARGE, OF_LARGE), profile(OLD, skipped())],
)  # fmt: skip
HEAD = ["Batch", "Threads", "Latency(ms)", "With the profile(times)", "Outside"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_profiled_cell_has_a_row_in_the_report_and_on_the_page(lang: str) -> None:
    (section,) = [it for it in report_sections(view(RUN), words(lang)) if it.key == "operators"]
    (table,) = section.tables
    assert [[entry.text for entry in row] for row in table.rows] == [
        [
            "ShuffleNetV2_x0_25", "1", "1", "0.100", "1.25", "20.0%", "75.0%", "24.9%",
            "conv (Conv) 75.0%",
        ],
        ["ShuffleNetV2_x0_25", "4", "1", "0.200", "1.50", "-50.0%", "100.0%", "–",
         "conv (Conv) 100.0%"],
    ]  # fmt: skip
    assert table.rows[0][3].cell == (RUN.manifest.run_id, SMALL.cell_id)
    (part,) = [it for it in parts(view(RUN), words(lang)) if it.key == "part-operators"]
    assert part.sections == [section]


def test_the_columns_are_the_kinds_of_work_that_take_a_share_worth_one() -> None:
    (section,) = [it for it in report_sections(view(RUN), words("en")) if it.key == "operators"]
    heads = [" ".join(column.title) for column in section.tables[0].columns]
    assert heads == ["Models", *HEAD, "Convolution", "Matrix product", "Slowest operator"]


def test_the_csv_has_every_operator_in_the_graphs_order(tmp_path: Path) -> None:
    data = csv_tables.write(view(RUN), tmp_path)[tmp_path / "operators.csv"].decode()
    rows = list(csv.DictReader(io.StringIO(data)))
    assert [(it["batch"], it["position"], it["operator"], it["kernel"]) for it in rows] == [
        ("1", "0", "conv", "CPU"), ("1", "1", "fc", "CPU"), ("1", "2", "x", "CPU"),
        ("4", "0", "conv", "blocks"),
    ]  # fmt: skip
    assert (rows[0]["operator_ns"], rows[0]["operator_share"]) == ("60000", "0.750000")
    assert rows[1]["kind_of_work"] == "matrix product"
    assert rows[1]["run_id"] == RUN.manifest.run_id


def test_a_report_without_profiles_has_neither_section_nor_file(tmp_path: Path) -> None:
    plain = view(stored(SMALL, profiles=[profile(SMALL, skipped())]))
    assert all(it.key != "operators" for it in report_sections(plain, words("en")))
    assert tmp_path / "operators.csv" not in csv_tables.write(plain, tmp_path)


def test_a_newer_run_without_a_profile_takes_the_older_ones_with_its_figure() -> None:
    newer = stored(SMALL, LARGE, OLD, run_id="20240601T120000Z-0badc0de-00000009")
    shown = report_sections(view(RUN, newer), words("en"))
    assert all(it.key != "operators" for it in shown)
