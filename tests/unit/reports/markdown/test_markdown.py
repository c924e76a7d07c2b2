"""What each section of the page says."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis import naming
from bench.analysis.series import Declared
from bench.analysis.variance import Components
from bench.core.escape import markdown
from bench.reports.markdown.page import render, write
from bench.reports.markdown.tables import table
from bench.storage.schema.common import Failed, Skipped
from tests.fakes.accuracy_runs import accuracy_run
from tests.fakes.pages import FAULT, OWN, known, latency_rows, note, page_of, tables
from tests.fakes.records import (
    costs,
    facts,
    failed,
    only_series,
    provenance,
    record,
    skipped,
    stored,
    system,
    view,
)


def test_a_measured_cell_reads_value_interval_and_sessions() -> None:
    (row,) = latency_rows(page_of(record(samples_ms=[[2.0], [2.1]])))
    assert row["Latency(ms)<br>bs=1, thread=1"] == "2.05 ± 0.64 (2) D"


def test_the_engines_part_of_a_latency_stands_beside_it_where_sessions_tell_it() -> None:
    whole = record(samples_ms=[[2.0], [2.2]])
    sessions = [
        session.model_copy(update={"figures_ns": {"run": [run_ns]}})
        for session, run_ns in zip(whole.sessions, (1_800_000, 2_000_000), strict=True)
    ]
    page = page_of(whole.model_copy(update={"sessions": sessions}), record("x1_0"))
    told = [row["Engine alone(ms)<br>bs=1, thread=1"] for row in latency_rows(page)]
    assert told == ["1.90", ""]
    assert "without the copies of input and output" in page
    assert "Engine alone" not in page_of(whole)


def test_a_cell_of_one_session_has_no_interval_and_the_page_says_why() -> None:
    page = page_of(record(samples_ms=[[2.0]]))
    assert latency_rows(page)[0]["Latency(ms)<br>bs=1, thread=1"] == "2.00 (1) D"
    assert "one session's samples, which bears no interval" in page


@pytest.mark.parametrize(
    ("outcome", "word", "reason"),
    [
        (failed("died after 31.21 s"), "failed", "crash: died after 31.21 s."),
        (skipped("no such unit"), "skipped", "no such unit: take another chip."),
    ],
)
def test_what_was_not_measured_is_a_word_and_a_note(
    outcome: Failed | Skipped, word: str, reason: str
) -> None:
    one = record(outcome=outcome)
    page = page_of(one)
    text = latency_rows(page)[0]["Latency(ms)<br>bs=1, thread=1"]
    assert re.fullmatch(rf"{word}\[\^\d\]", text)
    assert note(page, text) == f"{one.cell_id}: {reason}"


def test_a_cell_that_was_not_asked_for_is_empty() -> None:
    rows = latency_rows(page_of(record(), record("x1_0", batch=4)))
    assert [row["Latency(ms)<br>bs=4, thread=1"] == "" for row in rows] == [True, False]


def test_sessions_that_never_settled_are_told() -> None:
    page = page_of(record(steady=False))
    text = latency_rows(page)[0]["Latency(ms)<br>bs=1, thread=1"]
    assert "had not settled in 2 of 2 sessions" in note(page, text)


def test_published_latencies_stand_beside_in_columns_that_name_their_hardware() -> None:
    (row,) = latency_rows(page_of(record(), beside=["sd855_ms_threads1", "no_such_column"]))
    published = {head: text for head, text in row.items() if "published" in head}
    wanted = "published, Snapdragon 855,<br>Paddle Lite:<br>time(ms) bs=1, thread=1"
    assert published == {wanted: "1.94"}


def test_a_published_figure_with_a_known_fault_is_marked_wherever_it_stands() -> None:
    run = stored(record(), beside=["sd855_ms_threads1"])
    page = render(known(run, faults=(FAULT,)))
    (row,) = latency_rows(page)
    assert note(page, [*row.values()][-1]) == f"{OWN}, published: a copying error."
    assert "1.94[^1]" in page


def test_counted_and_published_costs_stand_in_columns_of_their_own() -> None:
    (row,) = tables(page_of(record()))["Accuracy and costs"]
    assert (row["MACs (M)"], row["Params (M)"]) == ("17.58", "0.61")
    assert row["FLOPs (M),<br>paddle.flops"] == "18.95"
    assert (row["FLOPs (M)<br>published, list"], row["Top1<br>(published)"]) == ("18.95", "0.4990")


def test_what_an_entry_declares_has_columns_of_its_own() -> None:
    run = stored(record("mine"), record("x0_25"), models={"x0_25": facts()})
    page = render(view(run, declared={"mine": Declared(top1=0.612)}))
    rows = {row["Models"]: row for row in tables(page)["Accuracy and costs"]}
    assert rows["a net of one's own"]["Top1<br>(declared)"] == "0.612"
    assert "Top5<br>(declared)" not in rows["a net of one's own"]
    assert "declared" not in render(view(run))


def test_where_no_nets_accuracy_is_known_no_table_has_accuracies() -> None:
    page = render(view(stored(record("mine"))))
    assert "## Costs" in page
    assert "Top1" not in page


def test_of_stored_accuracies_the_newest_of_each_net_and_images_is_shown() -> None:
    answers = {"mine": {"paddle": [1, 2, 3, 9]}}
    better = {"mine": {"paddle": [1, 2, 3, 4]}}
    old, new = "20240601T120000Z-0badc0de-00000001", "20240602T120000Z-0badc0de-00000002"
    runs = [
        accuracy_run([1, 2, 3, 4], answers, run_id=old),
        accuracy_run([1, 2, 3, 4], better, run_id=new),
    ]
    page = render(view(accuracies=runs))
    (row,) = tables(page)["Accuracy, measured"]
    assert (row[r"Top1<br>\[95%\]"], row["Run"]) == ("1.0000 [0.3976, 1.0000]", new)
    assert (row["Images"], row["Weights"]) == ("4 of 4, folders 01234567", "Pretrained")
    assert "Nothing has been measured" not in page


def test_what_nobody_published_of_a_net_is_empty_never_a_figure_of_our_own() -> None:
    models = {"x0_25": facts(None, title="My net"), "x1_0": facts(OWN)}
    mine, _ = tables(page_of(record(), models=models))["Accuracy and costs"]
    assert mine["Models"] == "My net"
    assert {text for head, text in mine.items() if "published" in head} == {""}


def test_of_a_users_own_nets_no_table_has_a_published_column() -> None:
    models = {"x0_25": facts(None, title="My net")}
    page = page_of(record(), models=models, beside=["sd855_ms_threads1"])
    assert "ublished" not in page
    assert list(tables(page)["Costs"][0]) == [
        "Models", "MACs (M)", "FLOPs (M),<br>paddle.flops", "Params (M)",
    ]  # fmt: skip


MISSING = {"costs": "the export fell over", "storage": "there is no Python 3.10"}
WITHOUT = facts(None, title="My net", costs=None, storage=None, missing=MISSING)


def test_a_cost_that_is_missing_is_a_dash_with_the_reason() -> None:
    page = page_of(record(), models={"x0_25": facts(OWN), "mine": WITHOUT})
    found = tables(page)
    macs, size = found["Accuracy and costs"][1]["MACs (M)"], found["Storage"][1]
    (measured,) = [text for head, text in size.items() if "MiB" in head]
    assert (macs[0], measured[0]) == ("–", "–")
    assert note(page, macs) == "My net: the export fell over"
    assert note(page, measured) == "My net: there is no Python 3.10"


def test_what_is_missing_of_every_net_is_no_column_but_a_reason_said_once() -> None:
    other = WITHOUT.model_copy(update={"title": "another"})
    page = page_of(record(), models={"x0_25": WITHOUT, "x1_0": other})
    assert "## Costs\n\nMy net and 1 more: the export fell over\n\n" in page
    assert "## Storage\n\nMy net and 1 more: there is no Python 3.10\n\n" in page
    assert "–" not in page


def test_operators_that_were_not_counted_are_named() -> None:
    models = {"x0_25": facts(OWN, costs=costs(uncounted=["det", "lu"]))}
    page = page_of(record(), models=models)
    macs = tables(page)["Accuracy and costs"][0]["MACs (M)"]
    assert (macs[:5], note(page, macs)) == ("17.58", f"{OWN}: not counted: det, lu.")


def test_costs_of_which_nothing_was_counted_are_unknown_and_not_zero() -> None:
    none = costs(macs=0, flops_paddle=0, uncounted=["conv2d"])
    page = page_of(record(), models={"x0_25": facts(OWN, costs=none)})
    row = tables(page)["Accuracy and costs"][0]
    assert "0.00" not in row.values()
    assert "MACs (M)" not in row
    assert f"\n{OWN}: not counted: conv2d.\n" in page


def test_storage_is_in_mib_beside_the_published_figure() -> None:
    (row,) = tables(page_of(record()))["Storage"]
    assert list(row.values()) == [OWN, "2.70", "2.7"]


def test_each_series_is_a_section_and_an_emulated_one_says_so() -> None:
    other = stored(record(), on=system("Cortex-A76", system_id="b", emulated=True))
    headings = [h for h in tables(render(known(other, stored(record())))) if " — " in h]
    assert [heading.split(" — ")[0] for heading in headings] == [
        "AMD EPYC, 2 cores", "emulated: Cortex-A76",
    ]  # fmt: skip


def test_the_sources_name_each_run_that_a_figure_comes_from_once() -> None:
    origin = provenance(dirty=True, conditions={"load_1m": 0.516})
    replaced = stored(record(batch=4), run_id="1")
    run = stored(record(batch=4), record(runner="other"), run_id="2", provenance=origin)
    (row,) = tables(render(known(replaced, run)))["Where the figures come from"]
    assert list(row.values()) == [
        "2", "complete", "2024-05-01T12:00:00+00:00", "amd-epyc-2c-0123abcd", "0badc0de (changed)",
        "`python -m bench run`", "unknown", "0.52",
    ]  # fmt: skip


def test_a_source_s_command_can_be_pasted_into_a_shell() -> None:
    words = ["python", "-m", "bench", "run", "my net (2).onnx", "--input", "x=Nx3"]
    (row,) = tables(page_of(record(), provenance=provenance(command=words)))[
        "Where the figures come from"
    ]
    assert row["Command"] == "`python -m bench run 'my net (2).onnx' --input x=Nx3`"


def test_a_source_whose_commit_and_load_are_not_known_says_so() -> None:
    origin = provenance(commit=None, dirty=None, conditions={})
    (row,) = tables(page_of(record(), provenance=origin))["Where the figures come from"]
    assert (row["Commit"], row["Load"]) == ("unknown", "unknown")


def test_the_pictures_that_the_page_shows_are_those_that_are_drawn() -> None:
    shown = re.findall(r"\]\((.*)\.svg\)", page_of(record()))
    assert shown == [
        "top1-latency-amd-epyc-2c-0123abcd-paddle-onednn_on-fp32",
        "top1-storage", "top1-flops", "top1-params",
    ]  # fmt: skip


def test_without_a_picture_there_is_no_heading_for_pictures() -> None:
    page = page_of(record("mine"))
    assert "## Accuracy against cost" not in page
    assert "## Where the figures come from" in page


def test_without_results_the_page_says_how_to_get_some() -> None:
    page = render(known())
    assert "Nothing has been measured yet: run `make bench`." in page
    assert "|" not in page


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    cells = [markdown(text) for text in ("a|b", "`2|3`")]
    assert table(["a", "c"], [cells]).splitlines()[-1] == "| a\\|b | `2\\|3` |"


def test_the_page_is_written_as_report_md_and_ends_with_one_newline() -> None:
    for shown in (known(), known(stored(record())), known(stored(record(outcome=failed())))):
        ((path, data),) = write(shown, Path("somewhere")).items()
        assert path == Path("somewhere/report.md")
        assert data.decode() == render(shown)
        assert data.endswith(b"\n")
        assert not data.endswith(b"\n\n")


def test_tails_stand_only_where_every_session_has_the_samples_for_them() -> None:
    many = [[2.0 + 0.001 * n for n in range(64)]] * 2
    page = render(view(stored(record(samples_ms=many), record("x0_5", samples_ms=[[3.0]] * 2))))
    (tails,) = [part for part in page.split("\n\n") if "p90(ms)" in part]
    assert "p95(ms)" not in page
    head, _, *rows = tails.strip().splitlines()
    assert head == "| Models | p90(ms)<br>bs=1, thread=1 |"
    assert rows == ["| ShuffleNetV2_x0_25 | 2.06 |"]


def test_without_enough_samples_there_is_no_table_of_tails() -> None:
    assert "p90" not in render(view(stored(record())))


def test_a_runs_variance_stands_with_the_sentence_that_follows() -> None:
    shown = view(stored(record()))
    run_id = next(iter(shown.sources))
    parts = Components(iteration=0.012, session=0.034, round=0.005, cells=4, rounds=5, samples=30)
    page = render(replace(shown, variances={run_id: parts}))
    assert f"| {run_id} | 1.2% | 3.4% | 0.5% | 4 x 5 | Repeat sessions, not samples" in page
    assert "Where the variance comes from" not in render(shown)


def test_a_figure_that_the_audit_finds_odd_is_marked_with_the_reason() -> None:
    shown = view(stored(record()))
    where = f"{naming.heading(only_series(shown))}: bs=1, thread=1"
    marks = {("measured", "ShuffleNetV2_x0_25", where): ["it can't be"]}
    page = render(replace(shown, marks=marks))
    assert "2.05 ± 0.64 (2) D[^1]" in page
    (one,) = only_series(shown).boxes["x0_25"].values()
    assert f"[^1]: {one.cell_id}: it can't be." in page
