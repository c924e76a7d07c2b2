"""Loads in the report: in Markdown, on the page and as CSV, in both languages."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from bench.analysis.series import View
from bench.analysis.serving import StoredServing
from bench.reports import csv_tables
from bench.reports.language import words
from bench.reports.markdown.page import render
from bench.reports.page.parts import parts
from bench.reports.tables import report_sections
from bench.storage.schema.common import Failed
from bench.storage.schema.serving import ServingLine
from tests.fakes import servings as fakes


def view(*runs: StoredServing) -> View:
    return View(
        models={}, series=[], sustained=[], published={}, faults=[], sources={}, servings=runs
    )


WHOLE = fakes.stored(
    fakes.cost((1.0, 3.0), (1.0, 3.2)),
    fakes.load("single-stream"),
    fakes.load("server", errors={"status 503": 2}),
    fakes.load("offline"),
)


def test_each_scenario_has_a_row_and_an_invalid_one_no_figure() -> None:
    text = render(view(WHOLE))
    rows = [line for line in text.splitlines() if "| onnxruntime |" in line]
    assert len(rows) == 4
    assert "p90 at most 7.00 ms" in rows[0]
    assert "–" in rows[1]
    assert "INVALID: requests without a right answer: 2 x status 503." in text
    assert "200/s" in rows[2]
    assert "2.10 ± " in rows[3]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_a_part_of_its_own(lang: str) -> None:
    (part,) = [it for it in parts(view(WHOLE), words(lang)) if it.key == "part-serving"]
    assert [table.key for it in part.sections for table in it.tables] == [
        "serving-loads", "serving-cost",
    ]  # fmt: skip


def test_a_report_without_loads_says_nothing_of_them(tmp_path: Path) -> None:
    assert all(it.key != "serving" for it in report_sections(view(), words("en")))
    assert tmp_path / "serving.csv" not in csv_tables.write(view(), tmp_path)


def test_what_failed_has_its_reason_in_a_footnote() -> None:
    why = Failed(failure="server", message="it didn't get ready", hint="look", log_tail="")
    name = f"{fakes.CELL.id}-offline"
    run = fakes.stored(fakes.load("offline"))
    failed = StoredServing(manifest=run.manifest, lines=(ServingLine(load_id=name, failed=why),))
    text = render(view(failed))
    assert "| failed" in text
    assert "failed (server): it didn't get ready: look." in text


def test_the_csv_has_each_load_and_the_cost(tmp_path: Path) -> None:
    data = csv_tables.write(view(WHOLE), tmp_path)[tmp_path / "serving.csv"]
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert [it["scenario"] for it in rows] == [
        "in-process", "single-stream", "server", "offline",
    ]  # fmt: skip
    assert rows[0]["added_ns"] == "2100000"
    assert rows[1]["latency_ns"] == "7000000"
    assert (rows[2]["valid"], rows[2]["failed"]) == ("False", "2")
    assert rows[3]["client_cpu_ns_per_request"] == "500000"


def test_a_name_of_anybody_s_making_is_escaped() -> None:
    server = fakes.load().server.model_copy(update={"name": "a|b<script>", "model": "`x`\n| y"})
    text = render(view(fakes.stored(fakes.load(server=server), cell=None)))
    assert "<script>" not in text
    (row,) = [line for line in text.splitlines() if "| single-stream |" in line]
    assert row.count(" | ") == 10
