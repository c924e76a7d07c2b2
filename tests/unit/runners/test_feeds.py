"""Which of an engine's inputs gets which array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.core.errors import ArtifactError, Unavailable
from bench.runners.feeds import cast, feeds_by

FEEDS: dict[str, Any] = {name: np.full(2, at, np.float32) for at, name in enumerate("abc")}


@pytest.mark.parametrize(
    ("names", "given"),
    [
        (["c", "a", "b"], [2, 0, 1]),
        (["in0", "in1", "in2"], [0, 1, 2]),
        (["b", "in0", "in1"], [1, 0, 2]),
        (["in0", "c", "a"], [1, 2, 0]),
    ],
)
def test_an_input_gets_what_bears_its_name_and_those_renamed_the_others_in_order(
    names: list[str], given: list[int]
) -> None:
    fed = feeds_by(names, FEEDS)
    assert list(fed) == names
    assert [int(array[0]) for array in fed.values()] == given


def test_another_number_of_inputs_is_refused() -> None:
    with pytest.raises(ArtifactError, match="the engine's inputs are a, the net's a, b, c"):
        feeds_by(["a"], FEEDS)


@pytest.mark.parametrize(
    ("given", "dtype"),
    [(np.array([2**40]), "int32"), (np.array([-1]), "uint8"), (np.array([2]), "bool")],
)
def test_whole_numbers_that_an_engine_would_cut_are_refused(given: Any, dtype: str) -> None:
    with pytest.raises(Unavailable, match=f"values of input 'x' are beyond {dtype}, as which MNN"):
        cast({"x": given}, {"x": dtype}, "MNN")


def test_values_of_an_engines_type_stay_as_they_are() -> None:
    feeds: dict[str, Any] = {"x": np.array([7, -7]), "y": np.array([0.1]), "z": np.array([True])}
    arrays = cast(feeds, {"x": "int32", "y": "float32", "z": "int32"}, "MNN")
    assert arrays["x"].tolist() == [7, -7]
    assert [str(array.dtype) for array in arrays.values()] == ["int32", "float32", "int32"]
