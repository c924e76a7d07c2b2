"""Long sessions in a report: apart from every other figure, in words, in rows and in plots."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.series import StoredRun, View
from bench.reports import csv_tables as tables_csv
from bench.reports.markdown import page as markdown
from bench.reports.plots import figures as accuracy
from bench.reports.plots.figures import sustained_figures as figures
from bench.reports.terminal import latency_tables
from bench.storage.schema.latency import Record
from tests.fakes.records import facts, failed, record, skipped, stored, system, view

LONG = {
    "preset": "sustained", "sessions": 1, "samples": 500_000, "min_samples": 1, "budget_s": 60.0,
    "warmup_s": 0.0, "steady_tolerance": None, "timeout_s": 180.0,
}  # fmt: skip
WARMING = [*[2.0] * 600, *[2.4] * 600]
ROW = "| ShuffleNetV2_x0_25 | 1 | 1 | 3 s | 2.00 | 2.40 | ×1.20 | 1200 |"


def long(variant: str = "x0_25", samples_ms: list[float] = WARMING, **fields: Any) -> Record:
    sampling = LONG | fields.pop("sampling", {})
    return record(variant, samples_ms=[samples_ms], sampling=sampling, **fields)


def page(*runs: StoredRun) -> str:
    return markdown.render(view(*runs))


def write(shown: View, folder: Path) -> dict[Path, bytes]:
    """Return the plots of long sessions."""
    files = accuracy.write(shown, folder)
    return {path: data for path, data in files.items() if path.name.startswith("sustained")}


def rows(shown: View) -> list[dict[str, str]]:
    data = tables_csv.write(shown, Path())[Path("sustained.csv")]
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


def test_a_long_session_stands_in_no_latency_table_and_in_no_plot_of_accuracy() -> None:
    shown = view(stored(record(), long()))
    assert [series.preset for series in shown.series] == ["standard"]
    assert [series.preset for series in shown.sustained] == ["sustained"]
    assert len(tables_csv.latency_rows(shown)) == 1
    captions = [figure.caption for figure in accuracy.figures(shown)]
    assert not any("sustained" in caption for caption in captions)


def test_a_long_session_has_a_row_of_its_tenths_and_their_ratio() -> None:
    text = page(stored(long()))
    section = text.split("## Burst and sustained\n")[1].split("\n## ")[0]
    assert ROW in section
    assert "### AMD EPYC, 2 cores — Paddle Inference (paddle 3.2.0), FP32, onednn on" in section
    assert "bears no interval" in section
    assert "(sustained-amd-epyc-2c-0123abcd-paddle-onednn_on-fp32.svg)" in section


def test_without_a_long_session_there_is_no_section_no_file_and_no_plot() -> None:
    shown = view(stored(record()))
    assert "Burst and sustained" not in markdown.render(shown)
    assert Path("sustained.csv") not in tables_csv.write(shown, Path())
    assert write(shown, Path()) == {}


def test_a_session_that_the_cap_ended_says_so_wherever_it_is_told() -> None:
    shown = view(stored(long(sampling={"samples": 1200})))
    remark = "the session ended at 1,200 samples, before its time was up"
    assert "| 3 s[^1] |" in markdown.render(shown)
    assert remark in markdown.render(shown)
    assert remark in latency_tables(shown)
    assert rows(shown)[0]["capped"] == "True"
    assert remark not in page(stored(long())) + latency_tables(view(stored(long())))


def test_a_long_session_that_failed_or_was_skipped_has_a_reason_and_no_figure() -> None:
    run = stored(
        record(outcome=failed(), sampling=LONG), record(batch=4, outcome=skipped(), sampling=LONG)
    )
    text, shown = page(run), view(run)
    assert "| ShuffleNetV2_x0_25 | 1 | 1 | failed[^1] |  |  |  |  |" in text
    assert "| ShuffleNetV2_x0_25 | 4 | 1 | skipped[^2] |  |  |  |  |" in text
    assert [(row["outcome"], row["ratio"]) for row in rows(shown)] == [
        ("failed", ""), ("skipped", ""),
    ]  # fmt: skip
    assert figures(shown) == []
    assert [line.split() for line in latency_tables(shown).splitlines() if "bs=" in line] == [
        ["ShuffleNetV2_x0_25,", "bs=1,", "thread=1", "failed"],
        ["ShuffleNetV2_x0_25,", "bs=4,", "thread=1", "skipped"],
    ]


def test_the_rows_for_machines_are_in_whole_nanoseconds() -> None:
    (row,) = rows(view(stored(long())))
    wanted = {
        "variant": "x0_25", "batch": "1", "threads": "1", "outcome": "measured", "asked_s": "60.0",
        "ran_ns": "2640000000", "first_tenth_ns": "2000000", "last_tenth_ns": "2400000",
        "ratio": "1.2", "samples": "1200", "capped": "False", "settings": "onednn=on",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


def test_the_terminal_has_the_same_figures() -> None:
    (line,) = [text for text in latency_tables(view(stored(long()))).splitlines() if "bs=" in text]
    assert line.split() == [
        "ShuffleNetV2_x0_25,", "bs=1,", "thread=1", "3", "s", "2.00", "2.40", "×1.20", "1200",
    ]  # fmt: skip


def test_the_newest_long_session_of_a_cell_counts() -> None:
    older = stored(long(), run_id="1")
    newer = stored(long(samples_ms=[2.0] * 900), run_id="2")
    (row,) = rows(view(older, newer))
    assert (row["run_id"], row["samples"], row["ratio"]) == ("2", "900", "1.0")


def test_each_system_and_runner_has_a_plot_with_a_panel_for_each_cell() -> None:
    shown = view(
        stored(long(), long("x1_0"), long(batch=4)),
        stored(long(), on=system("Another", system_id="another")),
    )
    found = {figure.name: [panel.title for panel in figure.panels] for figure in figures(shown)}
    assert found == {
        "sustained-amd-epyc-2c-0123abcd-paddle-onednn_on-fp32": [
            "ShuffleNetV2_x0_25, bs=1, thread=1: ×1.20 from the first tenth to the last",
            "ShuffleNetV2_x0_25, bs=4, thread=1: ×1.20 from the first tenth to the last",
            "ShuffleNetV2, bs=1, thread=1: ×1.20 from the first tenth to the last",
        ],
        "sustained-another-paddle-onednn_on-fp32": [
            "ShuffleNetV2_x0_25, bs=1, thread=1: ×1.20 from the first tenth to the last",
        ],
    }


def test_weights_stand_above_the_panels_where_one_plot_holds_several() -> None:
    shown = view(stored(long()), stored(long(), weights="pretrained"))
    (figure,) = figures(shown)
    assert [panel.title.split(",")[3].split(":")[0] for panel in figure.panels] == [
        " pretrained weights", " seeded weights",
    ]  # fmt: skip


@pytest.mark.parametrize("samples", [[1e-6, 1e-6], [2.0]])
def test_a_session_that_bears_next_to_nothing_is_reported_all_the_same(
    samples: list[float],
) -> None:
    shown = view(stored(long(samples_ms=samples)))
    assert len(rows(shown)) == 1
    assert "## Burst and sustained" in markdown.render(shown)
    assert len(write(shown, Path())) == 3


BEGINNINGS = {"svg": b"<?xml", "png": b"\x89PNG", "csv": b"panel,series,label,x,low,high,y,"}


def test_every_plot_is_written_as_svg_png_and_csv_under_its_name() -> None:
    own = {"x0_25": facts("ShuffleNetV2_x0_25")}
    files = write(view(stored(long(), models=own)), Path("report"))
    stem = "report/sustained-amd-epyc-2c-0123abcd-paddle-onednn_on-fp32"
    assert set(files) == {Path(f"{stem}.{end}") for end in BEGINNINGS}
    for path, data in files.items():
        assert data.startswith(BEGINNINGS[path.suffix[1:]])
