"""Engines side by side: what may stand in one table, who is marked, and what is beside the time."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.series import StoredRun, View
from bench.analysis.side_by_side import SideBySide, fastest, plotted, side_by_side, stem
from bench.reports import optional_files, render_all
from bench.reports.markdown import page as markdown
from bench.storage.files import replace_report
from bench.storage.schema.latency import Record
from tests.fakes.records import failed, record, session, skipped, stored, system, view

NARROW = [[2.0], [2.01], [2.02]]
SLOWER = [[2.1], [2.11], [2.12]]
TOUCHING = [[2.0], [2.05], [2.1]]
RUN = "2024050{}T120000Z-0badc0de-00000001"


def of(runner: str, samples_ms: Sequence[Sequence[float]] = NARROW, **fields: Any) -> Record:
    values = {"runner": runner, "settings": {}, "engine": f"{runner} 1.0", **fields}
    return record(values.pop("variant", "x0_25"), samples_ms=samples_ms, **values)


def two(**fields: Any) -> StoredRun:
    return stored(of("onnxruntime", **fields), of("mnn", SLOWER, **fields))


def only(shown: View) -> SideBySide:
    (table,) = side_by_side(shown)
    return table


def names(table: SideBySide) -> list[str]:
    return [series.runner for series in table.engines]


def section(shown: View) -> str:
    return markdown.render(shown).split("## Engines side by side\n")[1].split("\n## ")[0]


def write(shown: View, folder: Path) -> dict[Path, bytes]:
    """Return the files of the report that are of engines side by side."""
    files = render_all(shown, folder)
    return {path: data for path, data in files.items() if path.name.startswith("engines")}


def rows(shown: View) -> list[dict[str, str]]:
    data = write(shown, Path())[Path("engines.csv")]
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


def test_two_runners_of_the_same_work_stand_in_one_table() -> None:
    table = only(view(two()))
    assert names(table) == ["onnxruntime", "mnn"]
    assert (list(table.rows), table.column) == (["x0_25"], (1, 1))


def test_one_runner_alone_or_with_other_settings_is_no_comparison() -> None:
    assert side_by_side(view(stored(of("mnn")))) == []
    apart = stored(
        of("paddle", settings={"onednn": "on"}), of("paddle", settings={"onednn": "off"})
    )
    assert side_by_side(view(apart)) == []


def test_a_runner_that_only_failed_makes_no_comparison_but_stands_in_one() -> None:
    fell = of("ncnn", outcome=failed())
    assert side_by_side(view(stored(of("mnn"), fell))) == []
    table = only(view(stored(of("mnn"), of("openvino", SLOWER), fell)))
    assert names(table) == ["openvino", "ncnn", "mnn"]
    assert "failed[^" in section(view(stored(of("mnn"), of("openvino", SLOWER), fell)))


@pytest.mark.parametrize(
    "other",
    [
        stored(of("mnn", precision="bf16")),
        stored(of("mnn", threads=2)),
        stored(of("mnn", batch=4)),
        stored(of("mnn", sampling={"preset": "quick"})),
        stored(of("mnn"), suite="cpu2"),
        stored(of("mnn"), weights="pretrained"),
        stored(of("mnn"), on=system("Another", system_id="another")),
    ],
    ids=["precision", "threads", "batch", "preset", "suite", "weights", "system"],
)
def test_other_work_never_joins(other: StoredRun) -> None:
    assert side_by_side(view(stored(of("onnxruntime")), other)) == []


def test_an_emulated_system_stays_out() -> None:
    on = system("emulated: a phone", system_id="emulated", emulated=True)
    assert side_by_side(view(stored(of("mnn"), of("ncnn"), on=on))) == []


def test_in_a_row_only_the_newest_net_stands() -> None:
    old = stored(of("mnn", model_hash="old"), run_id=RUN.format(1))
    new = stored(of("ncnn"), of("openvino", SLOWER), run_id=RUN.format(2))
    table = only(view(old, new))
    assert [box is not None for box in table.rows["x0_25"]] == [True, True, False]


def test_the_fastest_is_told_only_where_its_interval_clears_the_next() -> None:
    assert fastest(only(view(two())).rows["x0_25"]) == 0
    near = view(stored(of("onnxruntime"), of("mnn", TOUCHING)))
    assert fastest(only(near).rows["x0_25"]) is None
    reaching = view(stored(of("onnxruntime", [[1.9], [2.0], [2.1]]), of("mnn", SLOWER)))
    assert fastest(only(reaching).rows["x0_25"]) is None


def test_a_third_engine_with_a_wide_interval_leaves_the_fastest_untold() -> None:
    wide = of("ncnn", [[1.0], [3.0], [9.0]])
    table = only(view(stored(of("onnxruntime"), of("mnn", SLOWER), wide)))
    assert fastest(table.rows["x0_25"]) is None


def test_one_session_bears_no_winner() -> None:
    once = {"sessions": 1}
    shown = view(stored(of("mnn", [[1.0]], sampling=once), of("ncnn", [[9.0]], sampling=once)))
    assert fastest(only(shown).rows["x0_25"]) is None


def test_a_figure_without_what_was_asked_for_in_force_is_no_winner() -> None:
    lowered = of("mnn", [[1.0], [1.01], [1.02]])
    told = [one.model_copy(update={"facts": {"precision": "bf16"}}) for one in lowered.sessions]
    lowered = lowered.model_copy(update={"sessions": told})
    table = only(view(stored(lowered, of("ncnn", SLOWER))))
    assert fastest(table.rows["x0_25"]) is None


def test_the_page_marks_the_fastest_and_nothing_else_in_its_table() -> None:
    text = section(view(two()))
    assert "| **2.010 ± 0.025 (3) B** | 2.110 ± 0.025 (3) B |" in text
    assert text.count("**") == 2, "one figure"
    assert "ONNX Runtime<br>onnxruntime 1.0 | MNN<br>mnn 1.0" in text


def test_load_memory_and_distance_stand_beside_the_time_as_medians_and_the_farthest() -> None:
    told = [(100e6, 50.0, 1e-6), (300e6, 70.0, 3e-6), (120e6, 51.0, 2e-6)]
    first = of("mnn")
    first = first.model_copy(
        update={
            "sessions": [
                session([2.0], load_ns=round(load), relative_l2=far, covariates={"peak_rss_mib": m})
                for load, m, far in told
            ]
        }
    )
    row = {row["runner"]: row for row in rows(view(stored(first, of("ncnn"))))}["mnn"]
    assert (row["load_ns"], row["peak_rss_mib"], row["relative_l2"]) == (
        "120000000",
        "51.0",
        "3e-06",
    )
    text = section(view(stored(first, of("ncnn"))))
    for name, value in (("Load time (ms)", "120"), ("Peak memory (MiB)", "51")):
        assert f"| {value} |" in text.split(f"{name}:\n")[1].split(":\n")[0]
    assert "3.0e-06" in text.split("Relative L2 from the reference:\n")[1]


def test_without_a_reading_of_memory_its_box_is_empty() -> None:
    assert {row["peak_rss_mib"] for row in rows(view(two()))} == {""}


def test_the_rows_for_machines_say_who_is_fastest_and_what_was_not_measured() -> None:
    shown = view(stored(of("onnxruntime"), of("mnn", SLOWER), of("ncnn", outcome=skipped())))
    found = {row["runner"]: row for row in rows(shown)}
    assert {name: row["fastest"] for name, row in found.items()} == {
        "onnxruntime": "True", "ncnn": "False", "mnn": "False",
    }  # fmt: skip
    assert (found["ncnn"]["outcome"], found["ncnn"]["latency_ns"]) == ("skipped", "")
    assert found["mnn"]["latency_ns"] == "2110000"


def test_without_a_comparison_there_is_no_section_no_file_and_no_plot() -> None:
    shown = view(stored(of("mnn")))
    assert "side by side" not in markdown.render(shown)
    assert write(shown, Path()) == {}


def test_a_plot_is_of_one_precision_batch_and_thread_count_of_a_system() -> None:
    tables = side_by_side(view(two(), two(precision="bf16"), two(batch=4, threads=2)))
    assert {stem(table) for table in tables} == {
        "engines-amd-epyc-2c-0123abcd-b1-t1", "engines-amd-epyc-2c-0123abcd-bf16-b1-t1",
        "engines-amd-epyc-2c-0123abcd-b4-t2",
    }  # fmt: skip


@pytest.mark.parametrize("other", ["quick", "thorough"])  # before and after "standard"
def test_of_tables_that_share_a_plot_the_one_with_most_sessions_is_drawn(other: str) -> None:
    few = stored(
        of("mnn", NARROW[:2], sampling={"preset": other}),
        of("ncnn", NARROW[:2], sampling={"preset": other}),
        run_id=RUN.format(9),
    )
    (drawn,) = plotted(side_by_side(view(two(), few)))
    assert drawn.first.preset == "standard"


def test_files_of_a_comparison_go_when_a_later_report_has_none(tmp_path: Path) -> None:
    replace_report(write(view(two()), tmp_path))
    assert len(list(tmp_path.iterdir())) == 4
    replace_report(write(view(stored(of("mnn"))), tmp_path), lambda: optional_files(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_files_are_the_rows_and_a_plot_in_two_formats_with_its_data() -> None:
    assert {path.name for path in write(view(two()), Path("there"))} == {
        "engines.csv", "engines-amd-epyc-2c-0123abcd-b1-t1.svg",
        "engines-amd-epyc-2c-0123abcd-b1-t1.png", "engines-amd-epyc-2c-0123abcd-b1-t1.csv",
    }  # fmt: skip
    assert "(engines-amd-epyc-2c-0123abcd-b1-t1.svg)" in section(view(two()))


def test_a_table_of_a_lower_precision_has_the_distance_beside_each_time_and_fp32s_has_not() -> None:
    shown = view(stored(of("mnn", precision="fp16"), of("mnn")))
    low, full = (
        part.split("\n## ")[0]
        for part in sorted(markdown.render(shown).split("\n## AMD")[1:], key=lambda t: "FP32" in t)
    )
    assert "| Latency(ms)<br>bs=1, thread=1 | Relative L2<br>bs=1, thread=1 |" in low
    assert "(3) B | 1.0e-06 |" in low
    assert "Relative L2" not in full


def test_no_plot_sets_the_published_accuracy_of_fp32_against_another_precision() -> None:
    from bench.reports.plots.figures import plotted as accuracy

    shown = view(stored(of("mnn", precision="bf16"), of("mnn")))
    assert [series.precision for series in accuracy(shown.series)] == ["fp32"]
