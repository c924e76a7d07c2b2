"""A ratio's text, and what stands where a figure has none."""

from __future__ import annotations

from bench.analysis.turns import race
from bench.reports.markdown.tables import APART, ratio_texts
from tests.unit.analysis.test_turns import drifting, took_turns


def test_a_figure_that_was_not_measured_beside_the_fastest_is_apart() -> None:
    boxes = [
        took_turns(drifting(1e6)),
        took_turns(drifting(2e6)),
        took_turns(drifting(1e6), turn=3),
    ]
    first, second, other = ratio_texts(race([*boxes, None]), [*boxes, None])[:3]
    assert (first, other) == ("1", APART)
    assert second.startswith("2.000 [")


def test_in_a_row_of_figures_of_their_own_each_is_apart_and_a_gap_stays_empty() -> None:
    alone = took_turns(drifting(1e6), turn=None)
    assert ratio_texts(None, [alone, None, alone]) == [APART, "", APART]
