from __future__ import annotations

import numpy as np
import pytest

from bench.converters.subnormals import count

TINY = np.finfo(np.float32).tiny


@pytest.mark.parametrize(
    ("values", "counted"),
    [
        ([0.0, -0.0, 1.0, -3e38, np.inf, np.nan], 0),
        ([TINY, -TINY, np.nextafter(TINY, np.float32(1))], 0),
        ([np.nextafter(TINY, np.float32(0)), -1e-39, 1e-45], 3),
    ],
)
def test_a_subnormal_is_what_is_smaller_than_the_smallest_normal_number_and_not_zero(
    values: list[float], counted: int
) -> None:
    assert count([np.array(values, np.float32)]) == counted


def test_arrays_are_counted_together_and_those_of_other_types_left_out() -> None:
    small = np.full(3, 1e-40, np.float32)
    assert count([small, np.full(5, 1e-40), np.array([1, 0]), small.reshape(3, 1)]) == 6
