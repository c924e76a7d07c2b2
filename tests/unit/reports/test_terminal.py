from __future__ import annotations

import pytest

from bench.reports.terminal import latency_tables
from tests.fakes.records import contended, facts, failed, record, skipped, stored, system, view


def row(text: str, title: str) -> list[str]:
    """The cells of the line that begins with `title`."""
    (line,) = [line for line in text.splitlines() if line.strip().startswith(title)]
    return [part.strip() for part in line.strip().removeprefix(title).split("  ") if part.strip()]


def test_a_table_has_its_heading_its_rows_and_what_its_figures_are() -> None:
    text = latency_tables(view(stored(record(), record(batch=4, samples_ms=[[8.0], [8.1]]))))
    lines = text.splitlines()
    assert (
        lines[0]
        == "AMD EPYC, 2 cores — Paddle Inference (paddle 3.2.0), FP32, onednn on, preset standard, "
        "suite cpu"
    )
    assert row(text, "latency, ms") == ["bs=1, thread=1", "bs=4, thread=1"]
    assert row(text, "ShuffleNetV2_x0_25") == ["2.05 ± 0.64 (2) D", "8.05 ± 0.64 (2) C"]
    assert lines[-1].startswith("mean of the sessions' medians ±")


def test_a_precision_below_fp32_has_the_outputs_distance_beside_each_time() -> None:
    text = latency_tables(view(stored(record(precision="bf16"))))
    assert row(text, "latency, ms") == ["bs=1, thread=1", "relative L2"]
    assert row(text, "ShuffleNetV2_x0_25") == ["2.05 ± 0.64 (2) D", "1.0e-06"]


def test_a_failed_and_a_skipped_cell_have_a_word_and_no_number() -> None:
    cells = record(outcome=failed("31.21")), record(batch=4, outcome=skipped("99.9"))
    assert row(latency_tables(view(stored(*cells))), "ShuffleNetV2_x0_25") == ["failed", "skipped"]


def test_a_cell_that_was_not_asked_for_stays_empty() -> None:
    cells = record(samples_ms=[[2.0]]), record("x1_0", batch=4, samples_ms=[[3.0]])
    text = latency_tables(view(stored(*cells)))
    assert row(text, "ShuffleNetV2_x0_25") == ["2.00 (1) D"]


def test_each_series_has_a_table_of_its_own() -> None:
    ids = ("20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002")
    other = stored(record(), on=system("Another machine", system_id="another"), run_id=ids[0])
    text = latency_tables(view(other, stored(record(), run_id=ids[1])))
    assert text.count("latency, ms") == 2
    assert text.index("AMD EPYC") < text.index("Another machine")


@pytest.mark.parametrize("title", ["a net [large]", "[/] net", ":smile: net"])
def test_a_models_title_is_printed_as_it_is_written(title: str) -> None:
    text = latency_tables(view(stored(record(), models={"x0_25": facts(None, title=title)})))
    assert title in text


def test_a_presets_name_is_printed_as_it_is_written() -> None:
    text = latency_tables(view(stored(record(sampling={"preset": "my[preset]"}))))
    assert "preset my[preset], suite cpu\n" in text


def test_a_table_of_many_columns_keeps_each_figure_in_one_line() -> None:
    cells = [record(threads=count, samples_ms=[[1234.5], [2345.6]]) for count in range(1, 9)]
    assert len(row(latency_tables(view(stored(*cells))), "ShuffleNetV2_x0_25")) == 8


def test_a_contended_figure_says_so_in_its_cell_and_below_the_table() -> None:
    busy, calm = contended(record(samples_ms=[[8.0] * 2] * 3), 0.76), record(batch=4)
    text = latency_tables(view(stored(busy, contended(calm, 0.01))))
    assert row(text, "ShuffleNetV2_x0_25") == ["8.00 ± 0 (3) D contended", "2.05 ± 0.64 (2) D"]
    (note,) = [line for line in text.splitlines() if "as little as" in line]
    assert note.startswith("x0_25 paddle b1 t1: contended: as little as 24% of the CPU")
    assert "contended" not in latency_tables(view(stored(calm)))


def test_cells_that_share_a_remark_share_its_line() -> None:
    busy = [
        contended(record(batch=2**n, samples_ms=[[8.0] * 2] * 3), share)
        for n, share in enumerate((0.76, 0.6, 0.5))
    ]
    both = latency_tables(view(stored(*busy))), latency_tables(view(stored(*busy, record(batch=8))))
    notes = [[it for it in text.splitlines() if "as little as" in it] for text in both]
    said = "contended: as little as 24–50% of the CPU was left to a session"
    assert [len(it) for it in notes] == [1, 1]
    assert notes[0][0].startswith(f"all 3 cells: {said}")
    names = ", ".join(f"x0_25 paddle b{n} t1" for n in (1, 2, 4))
    assert notes[1][0].startswith(f"{names}: {said}")


def test_a_name_is_not_cut_for_wide_figures() -> None:
    title = "a net whose name is a good deal longer than those of the catalogue are"
    cells = [contended(record(batch=2**n, samples_ms=[[8.0] * 2] * 3), 0.76) for n in range(4)]
    text = latency_tables(view(stored(*cells, models={"x0_25": facts(None, title=title)})))
    assert row(text, title) == ["8.00 ± 0 (3) D contended"] * 4
