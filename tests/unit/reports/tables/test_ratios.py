"""A ratio's text, and what stands where a figure has none."""

from __future__ import annotations

from bench.analysis.turns import race
from bench.reports.language import words
from bench.reports.tables.ratios import apart, ratio_entries
from tests.unit.analysis.test_turns import drifting, took_turns


def test_a_figure_that_was_not_measured_beside_the_fastest_is_apart() -> None:
    boxes = [
        took_turns(drifting(1e6)),
        took_turns(drifting(2e6)),
        took_turns(drifting(1e6), turn=3),
    ]
    found = ratio_entries(race([*boxes, None]), [*boxes, None], words("en"))
    first, second, other, gap = found
    assert (first.text, first.value, other.text, other.value) == ("1", 1.0, "apart", None)
    assert second.text.startswith("2.000 [")
    assert gap.text == ""
    assert [apart(found), apart([first, second, gap])] == [True, False]


def test_in_a_row_of_figures_of_their_own_each_is_apart_and_a_gap_stays_empty() -> None:
    alone = took_turns(drifting(1e6), turn=None)
    found = ratio_entries(None, [alone, None, alone], words("en"))
    assert [entry.text for entry in found] == ["apart", "", "apart"]
