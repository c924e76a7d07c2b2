"""The notes under a page: numbered, written once, and each led to by a mark."""

from __future__ import annotations

import re

import pytest

from bench.reports.markdown.page import render
from bench.storage.schema.common import Failed, Skipped
from tests.fakes.pages import FAULT, known, latency_rows, note, page_of
from tests.fakes.records import failed, record, skipped, stored


def test_a_failure_of_several_lines_is_a_note_of_one() -> None:
    page = page_of(record(outcome=failed("RuntimeError:\n\n| C++ Traceback\n## deep inside")))
    text = latency_rows(page)[0]["Latency(ms)<br>bs=1, thread=1"]
    assert note(page, text).endswith("RuntimeError: \\| C++ Traceback ## deep inside.")


@pytest.mark.parametrize("outcome", [failed("gone at noon"), skipped("none at noon")])
def test_cells_without_a_figure_for_the_same_reason_share_its_note(
    outcome: Failed | Skipped,
) -> None:
    page = page_of(*(record(name, outcome=outcome) for name in ("x0_25", "x0_5", "x1_0")))
    texts = [row["Latency(ms)<br>bs=1, thread=1"] for row in latency_rows(page)]
    assert texts == [f"{outcome.kind}[^1]"] * 3
    assert page.count("at noon") == 1
    assert " and 2 more: " in note(page, texts[0])


def test_every_note_of_the_page_is_led_to_and_every_mark_leads_to_one() -> None:
    run = stored(
        record(outcome=failed()), record(batch=4, steady=False), beside=["sd855_ms_threads1"]
    )
    page = render(known(run, faults=(FAULT,)))
    body, _, notes = page.partition("\n[^1]: ")
    marks = set(re.findall(r"\[\^(\d+)\]", body))
    assert marks == {"1", *re.findall(r"^\[\^(\d+)\]:", notes, flags=re.MULTILINE)} != set()
