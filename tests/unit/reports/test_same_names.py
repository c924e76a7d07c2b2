"""Two systems of one name are told apart wherever a figure of theirs stands."""

from __future__ import annotations

import re

import pytest

from bench.analysis.series import View
from bench.reports.language import words
from bench.reports.markdown import seed_page
from bench.reports.markdown.page import render
from bench.reports.page.charts.points import figures
from bench.reports.page.systems import systems_tables
from bench.reports.tables.systems import section
from bench.reports.terminal.cells import shown_cells
from tests.fakes.pages import OWN, ROW
from tests.fakes.records import record, stored, system, view

NAMES = ["AMD EPYC, 2 cores (box-1)", "AMD EPYC, 2 cores (box-2)"]


@pytest.fixture(scope="module")
def shown() -> View:
    runs = [
        stored(record(), on=system(system_id=f"box-{day}"), run_id=f"2024050{day}T120000Z-0badc0de")
        for day in (1, 2)
    ]
    return view(*runs, published={OWN: ROW})


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_heading_head_and_point_has_the_id(shown: View, lang: str) -> None:
    texts = words(lang)
    headings = re.findall(r"AMD EPYC, 2 cores \(box-\d\)", render(shown, texts))
    assert sorted(set(headings)) == NAMES
    assert sorted(str(row["system"]) for row in figures(shown, texts).values()) == NAMES
    (hardware,) = systems_tables(shown, texts)
    side_by_side = section(shown, texts)
    assert side_by_side is not None
    for table in (hardware, side_by_side.tables[0]):
        assert sorted(column.title[0] for column in table.columns[1:]) == NAMES
    page = seed_page.render(shown, texts)
    assert {name for name in NAMES if name in page} == set(NAMES)


def test_what_has_a_name_of_its_own_keeps_it(shown: View) -> None:
    alone = view(stored(record(), on=system(system_id="box-1")))
    assert [series.name for series in alone.series] == ["AMD EPYC, 2 cores"]
    assert {series.system.heading for series in shown.series} == {"AMD EPYC, 2 cores"}
    assert sorted(one.series.name for one in shown_cells(shown)) == NAMES
