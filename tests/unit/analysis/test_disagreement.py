"""Of all pairs the one that differs most, and on what."""

from __future__ import annotations

from bench.analysis.coverage import Rate
from bench.analysis.disagreement import Disagreement, Mixup
from tests.fakes.accuracy_runs import Answers, accuracy_run

LABELS = [1, 1, 2, 2, 3]


def found(answers: Answers) -> Disagreement | None:
    return accuracy_run(LABELS, answers).summary.disagreement


def test_the_two_nets_that_differ_most_are_compared_by_their_first_engine() -> None:
    right, wrong = [1, 1, 2, 2, 3], [1, 5, 5, 5, 4]
    it = found({
        "a": {"paddle": right, "mnn": [0] * 5},
        "b": {"paddle": [1, 1, 2, 2, 4], "mnn": [0] * 5},
        "c": {"paddle": wrong, "mnn": [0] * 5},
    })  # fmt: skip
    assert it == Disagreement(
        one=("a", "paddle"),
        other=("c", "paddle"),
        apart=Rate(hits=4, of=5),
        one_right=4,
        other_right=0,
        mixups=(
            Mixup(label=2, one=2, other=5, count=2, image=2),
            Mixup(label=1, one=1, other=5, count=1, image=1),
            Mixup(label=3, one=3, other=4, count=1, image=4),
        ),
    )


def test_of_one_net_its_engines_are_compared() -> None:
    it = found({"a": {"paddle": [1, 1, 2, 2, 3], "mnn": [1, 1, 2, 2, 3], "ort": [1, 1, 2, 3, 2]}})
    assert it is not None
    assert (it.one, it.other, it.apart.hits) == (("a", "paddle"), ("a", "ort"), 2)
    assert (it.one_right, it.other_right) == (2, 0)


def test_like_answers_and_a_single_engine_have_no_disagreement() -> None:
    assert found({"a": {"paddle": LABELS}, "b": {"paddle": LABELS}}) is None
    assert found({"a": {"paddle": LABELS}}) is None
