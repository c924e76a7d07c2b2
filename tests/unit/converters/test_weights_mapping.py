"""Which weights a net takes from a file that names them otherwise; tests/engine has real nets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.converters.weights_mapping import Misfit, fit, other_classes

BATCH_NORM = ("weight", "bias", "_mean", "_variance")


def tensors(**layers: tuple[int, ...]) -> dict[str, Any]:
    """Return weights by layers, `__` for a dot: a batch norm is one extent, else weight's shape."""
    found: dict[str, Any] = {}
    for name, shape in layers.items():
        for leaf in BATCH_NORM if len(shape) == 1 else ("weight",):
            label = f"{name.replace('__', '.').strip('_')}.{leaf}"
            found[label] = np.full(shape, len(found), np.float32)
    return found


def block(name: str, *words: str, width: int = 4) -> dict[str, tuple[int, ...]]:
    """Return a convolution and a norm, named by `words`, below `name`."""
    return {f"{name}__{words[0]}": (width, 3, 1, 1), f"{name}__{words[1]}": (width,)}


OURS = tensors(**block("stem", "0", "1"), **block("last", "0", "1"), fc=(4, 10))
THEIRS = tensors(**block("stem", "conv", "bn"), **block("last", "conv", "bn"), fc=(4, 10))


def named(result: dict[str, Any], given: dict[str, Any]) -> dict[str, str]:
    """Return which name of the file each name of the net got."""
    numbers = {float(tensor.flat[0]): name for name, tensor in given.items()}
    return {name: numbers[float(tensor.flat[0])] for name, tensor in result.items()}


def refusal(wanted: dict[str, Any], given: dict[str, Any]) -> str:
    with pytest.raises(Misfit) as refused:
        fit(wanted, given)
    return str(refused.value)


def test_layers_of_other_names_are_taken_in_their_order_and_each_tensor_by_its_own_name() -> None:
    names = named(fit(OURS, THEIRS), THEIRS)
    assert names["stem.0.weight"] == "stem.conv.weight"
    assert names["last.1._variance"] == "last.bn._variance"
    assert list(names) == list(OURS)
    assert sorted(names.values()) == sorted(THEIRS)


def test_the_nets_own_names_are_taken_in_whatever_order_they_stand() -> None:
    given = {name: OURS[name] for name in sorted(OURS, reverse=True)}
    assert named(fit(OURS, given), OURS) == {name: name for name in OURS}


def test_tensors_of_a_batch_norm_are_told_apart_by_name_not_by_place() -> None:
    first = [name for name in THEIRS if name.startswith("stem.bn.")]
    order = dict(zip(first, reversed(first), strict=True))
    given = {order.get(name, name): THEIRS[order.get(name, name)] for name in THEIRS}
    assert list(given) != list(THEIRS)
    assert named(fit(OURS, given), given)["stem.1._mean"] == "stem.bn._mean"


def test_the_net_below_a_first_word_is_taken_and_of_two_the_one_that_fits() -> None:
    student = {f"Student.{name}": it for name, it in THEIRS.items()}
    other = {f"Teacher.{name}": it for name, it in tensors(wide=(9, 3, 1, 1), fc=(9, 10)).items()}
    assert named(fit(OURS, student | other), student)["fc.weight"] == "Student.fc.weight"
    twin = {f"Teacher.{name}": it for name, it in THEIRS.items()}
    assert "several nets that fit, Student and Teacher" in refusal(OURS, student | twin)


BRANCHES = tensors(block__left=(4, 3, 1, 1), block__right=(4, 3, 1, 1), fc=(4, 10))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (tensors(stem__conv=(4, 3, 1, 1), fc=(4, 10)), "it has 2 layers with weights, and the net"),
        (
            tensors(**block("stem", "bn", "conv"), **block("last", "bn", "conv"), fc=(4, 10))
            | {"fc.bias": np.zeros(10, np.float32)},
            "'fc.bias' has none like it in the net's 'fc'",
        ),
        (
            tensors(**block("last", "conv", "bn"), **block("stem", "conv", "bn"), fc=(4, 10)),
            "in another order: 'last.conv' would be 'stem.0', and the net has a 'last' of its own",
        ),
        (
            tensors(**block("stem", "conv", "bn", width=5), **block("on", "conv", "bn"), fc=(4, 9)),
            "'stem.conv.weight' is [5, 3, 1, 1] there and [4, 3, 1, 1] in the net",
        ),
        ({"fc.weight": np.zeros((4, 10), np.float16)}, "'fc.weight' is float16 there"),
        ({1: np.zeros(3)}, "'1' is a ndarray, no tensor by a name"),
        ({"LR_Scheduler": {"last_epoch": 3}}, "'LR_Scheduler' is a dict, no tensor by a name"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_one_sentence(given: dict[str, Any], why: str) -> None:
    wanted = {"fc.weight": OURS["fc.weight"]} if len(given) == 1 else OURS
    assert why in refusal(wanted, given)


def test_branches_of_equal_shapes_are_refused_unless_the_net_has_one_of_their_names() -> None:
    unnamed = tensors(block__0=(4, 3, 1, 1), block__1=(4, 3, 1, 1), fc=(4, 10))
    assert "'left' and 'right' are of equal shapes" in refusal(unnamed, BRANCHES)
    half = tensors(block__left=(4, 3, 1, 1), block__1=(4, 3, 1, 1), head=(4, 10))
    assert named(fit(half, BRANCHES), BRANCHES)["block.1.weight"] == "block.right.weight"


def test_words_that_could_change_places_in_one_block_but_not_in_another_are_no_doubt() -> None:
    given = tensors(
        blocks__0__wide=(4, 4, 1, 1), blocks__0__thin=(4, 4, 1, 1),
        blocks__1__wide=(8, 4, 1, 1), blocks__1__thin=(6, 8, 1, 1),
    )  # fmt: skip
    wanted = tensors(_1__0=(4, 4, 1, 1), _1__1=(4, 4, 1, 1), _2__0=(8, 4, 1, 1), _2__1=(6, 8, 1, 1))
    assert named(fit(wanted, given), given)["1.1.weight"] == "blocks.0.thin.weight"


def test_numbered_layers_of_equal_shapes_count_up_or_are_refused() -> None:
    wanted = tensors(**{f"features__{i}": (4, 4, 1, 1) for i in range(11)})
    given = {f"blocks.{i}.weight": np.full((4, 4, 1, 1), i, np.float32) for i in range(11)}
    assert named(fit(wanted, given), given)["features.10.weight"] == "blocks.10.weight"
    by_name = {name: given[name] for name in sorted(given)}
    assert refusal(wanted, by_name) == ("'10' stands before '2' in it: it isn't in the net's order")


def test_only_another_number_of_classes_is_told_as_such() -> None:
    fewer = {**THEIRS, "fc.weight": np.zeros((4, 7), np.float32)}
    assert other_classes(OURS, fewer) == 7
    assert other_classes(OURS, THEIRS) is None
    assert other_classes(OURS, {**fewer, "stem.conv.weight": np.zeros((5, 3, 1, 1))}) is None


def test_neighbours_in_one_order_here_and_in_another_there_are_refused() -> None:
    wanted = tensors(s1__x=(3, 3), s1__y=(3, 3), s2__x=(3, 3), s2__y=(5, 5))
    given = tensors(p1__b=(3, 3), p1__a=(3, 3), p2__a=(3, 3), p2__b=(5, 5))
    assert "'a' and 'b' stand in both orders in it" in refusal(wanted, given)


def test_a_word_of_both_stands_for_itself_below_a_name_that_all_layers_share() -> None:
    wanted = tensors(backbone__conv2=(3, 3), backbone__conv1=(3, 3))
    given = tensors(model__conv1=(3, 3), model__conv2=(3, 3))
    assert "another order" in refusal(wanted, given)
