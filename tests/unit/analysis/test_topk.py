"""Best classes, hits and distances; against scikit-learn on the same logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import top_k_accuracy_score

from bench.analysis.topk import best_classes, count_hits, farthest, first_infinite, probabilities

CASES = st.integers(3, 12).flatmap(
    lambda classes: st.tuples(
        st.just(classes),
        st.lists(
            # Few values, so that many are equal.
            st.tuples(
                st.lists(st.integers(-2, 2), min_size=classes, max_size=classes),
                st.integers(0, classes - 1),
            ),
            min_size=1,
            max_size=12,
        ),
    )
)


@given(case=CASES, k=st.integers(1, 5))
def test_shares_are_scikit_learns_with_ties_too(case: Any, k: int) -> None:
    classes, rows = case
    logits = np.array([scores for scores, _ in rows], np.float32)
    labels = [label for _, label in rows]
    k = min(k, classes - 1)  # scikit-learn warns where k names every class
    wanted = top_k_accuracy_score(labels, logits, k=k, labels=range(classes), normalize=False)
    assert count_hits(best_classes(logits).tolist(), labels, k) == wanted


def test_the_best_stand_first_and_of_equal_ones_the_later() -> None:
    logits = np.array([[0, 3, 1, 3, 2, 0, 0.5]], np.float32)
    assert best_classes(logits).tolist() == [[3, 1, 4, 2, 6]]


def test_fewer_classes_than_five_are_all_named() -> None:
    assert best_classes(np.array([[1, 2, 0]], np.float32)).tolist() == [[1, 0, 2]]


def test_labels_and_rows_are_as_many() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        count_hits([[1], [2]], [1], 1)


def test_probabilities_are_a_softmax_that_does_not_overflow() -> None:
    shares = probabilities(np.array([[1000.0, 1000.0, 0.0], [0.0, np.log(3.0), 0.0]]))
    assert shares == pytest.approx(np.array([[0.5, 0.5, 0.0], [0.2, 0.6, 0.2]]))


def rows(*values: tuple[float, ...]) -> NDArray[np.float64]:
    return np.array(values)


def test_the_farthest_row_is_told_with_its_distance() -> None:
    one, other = rows((3, 4), (0, 1), (6, 8)), rows((3, 4), (0, 1.5), (6, 9))
    worst = farthest(one, other)
    assert worst.row == 1
    assert worst.relative_l2 == pytest.approx(0.5)


def test_logits_of_zeros_are_no_division_by_zero() -> None:
    assert farthest(rows((0, 0)), rows((0, 0))).relative_l2 == 0
    assert farthest(rows((0, 0)), rows((0, 2))).relative_l2 == 2


@pytest.mark.parametrize(("bad", "row"), [(np.inf, 1), (np.nan, 1), (0.0, None)])
def test_a_row_that_is_not_finite_is_found(bad: float, row: int | None) -> None:
    assert first_infinite(rows((1, 2), (bad, 2), (3, bad))) == row


def test_what_is_a_softmax_already_is_not_taken_through_another() -> None:
    shares = np.array([[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]], np.float32)
    assert np.array_equal(probabilities(shares), shares.astype(np.float64))


@pytest.mark.parametrize("logits", [[[0.5, 0.7, -0.2]], [[0.7, 0.2, 0.2]], [[2.0, 0.0, 0.0]]])
def test_scores_that_are_negative_or_sum_to_something_else_than_one_are_no_shares(
    logits: list[list[float]],
) -> None:
    shares = probabilities(np.array(logits))
    assert not np.allclose(shares, logits)
    assert shares.sum() == pytest.approx(1.0)
