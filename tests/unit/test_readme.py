"""The README's figures are the report's: whoever refreshes the one has to refresh the other."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
REPORT = (ROOT / "results" / "report" / "report.md").read_text(encoding="utf-8")


def tables(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Each table of nets: its heads and its rows."""
    for block in re.findall(r"(?m)^\| Models .*(?:\n\|.*)+", text):
        heads, _, *rows = ([it.strip() for it in re.split(r" ?\| ?", line)[1:-1]]
                           for line in block.splitlines())  # fmt: skip
        yield heads, rows


def without_notes(row: list[str]) -> list[str]:
    return [re.sub(r"\[\^\d+\]", "", cell) for cell in row]


@pytest.mark.parametrize("number", range(2))
def test_each_table_of_figures_is_one_of_the_reports_or_its_first_columns(number: int) -> None:
    heads, rows = list(tables(README))[number]
    width = len(heads)
    assert [*map(without_notes, rows)] in [
        [without_notes(row[:width]) for row in theirs]
        for known, theirs in tables(REPORT)
        if known[:width] == heads
    ]


def test_the_heading_over_each_is_the_reports_too() -> None:
    for said in re.findall(r"(?m)^(AMD EPYC.*(?:suite \w+))[:;]", README):
        assert re.search(rf"(?m)^###? {re.escape(said)}$", REPORT), said


def test_every_picture_is_there() -> None:
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file(), path


def test_what_is_said_of_the_engines_is_what_their_table_holds() -> None:
    with (ROOT / "results" / "report" / "engines.csv").open(encoding="utf-8") as file:
        cells = [row for row in csv.DictReader(file) if row["suite"] == "engines"]
    assert {row["outcome"] for row in cells} == {"measured"}
    farthest = max(float(row["relative_l2"]) for row in cells)
    assert f"All {len(cells)} cells" in README
    assert f"{farthest:.1e} from the reference" in README
    assert farthest <= 1e-4


def test_every_plot_of_accuracy_names_each_net_that_it_shows() -> None:
    plots = sorted((ROOT / "results" / "report").glob("top1-*.svg"))
    assert plots
    for plot in plots:
        text = plot.read_text(encoding="utf-8")
        labels = set(re.findall(r'id="([\w-]+-label\d+)"', text))
        assert len(labels) == 7, plot.name
