"""Which of an engine's inputs gets which array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.core.errors import ArtifactError
from bench.runners.base import feeds_by

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
