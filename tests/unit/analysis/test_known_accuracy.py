"""Measured accuracy before what an entry declares, and that before what was published."""

from __future__ import annotations

from typing import Any

import pytest

from bench.analysis.accuracy import StoredAccuracy
from bench.analysis.known_accuracy import Known, known_accuracy
from bench.analysis.series import Declared
from bench.config.published import Published
from tests.fakes.accuracy_runs import accuracy_run, model
from tests.fakes.records import facts, record, stored, view

PUBLISHED = {"Net": Published("Net", "family", {"top1": 0.6, "top5": 0.8}, {})}
LABELS = [1, 2, 3, 4]


def known(*runs: StoredAccuracy, which: Any = "top1", **declared: Any) -> Known | None:
    shown = view(
        stored(record("x0_25"), models={"x0_25": facts("Net")}),
        published=PUBLISHED,
        declared={"x0_25": Declared(**declared)},
        accuracies=runs,
    )
    return known_accuracy(shown, "x0_25", which)


def run(right: int, of: int = 4, **fields: Any) -> StoredAccuracy:
    """A run over `of` images, so many of which are named rightly."""
    labels = list(range(of))
    answers = [it if it < right else 99 for it in labels]
    return accuracy_run(labels, {"x0_25": {"paddle": answers}}, **fields)


def test_the_published_figure_counts_where_nothing_else_is_known() -> None:
    assert known() == Known(share=0.6, source="published")
    assert known(which="top5") == Known(share=0.8, source="published")


def test_what_the_entry_declares_goes_before_the_published_figure() -> None:
    assert known(top1=0.7) == Known(share=0.7, source="declared")
    assert known(top1=0.7, which="top5") == Known(share=0.8, source="published")


def test_a_measured_accuracy_of_the_same_net_and_weights_goes_before_both() -> None:
    found = known(run(3), top1=0.7)
    assert found == Known(share=0.75, source="measured", images=4, run_id=run(3).manifest.run_id)


@pytest.mark.parametrize("other", [{"model_hash": "another"}, {"weights": "seeded"}])
def test_another_nets_accuracy_and_chance_count_for_nothing(other: dict[str, str]) -> None:
    found = known(run(3, models={"x0_25": model(**other)}))
    assert found == Known(share=0.6, source="published")


def test_the_run_over_most_images_counts_and_of_equals_the_newest() -> None:
    first, second, third = (f"20240{month}01T120000Z-0badc0de-00000001" for month in (1, 2, 3))
    found = known(run(2, run_id=first), run(3, run_id=second), run(0, of=2, run_id=third))
    assert found is not None
    assert (found.share, found.run_id) == (0.75, second)
