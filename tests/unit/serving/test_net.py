"""What a net takes and gives, of its references; which nets can't share an inference."""

from __future__ import annotations

import numpy as np
import pytest

from bench.core.errors import InputError
from bench.core.tensors import Reference
from bench.serving.net import Net, net_of
from bench.serving.preparing import sizes


def reference(batch: int, **fixed: tuple[int, ...]) -> Reference:
    x = np.zeros((batch, 3), np.float32)
    others = {name: np.zeros(shape, np.int64) for name, shape in fixed.items()}
    return Reference(inputs={"x": x, **others}, outputs={"y": np.zeros((batch, 2), np.float32)})


def test_with_batches_the_first_extent_is_open() -> None:
    net = net_of("net", "engine_format", {size: reference(size) for size in sizes(6)})
    (described,) = net.metadata()["inputs"]
    assert described == {"name": "x", "datatype": "FP32", "shape": [-1, 3]}
    assert net.most == 6


def test_without_batches_a_net_of_any_shape_is_taken() -> None:
    net: Net = net_of("net", "engine_format", {1: reference(1, mask=(7, 2), scalar=())})
    assert [it["shape"] for it in net.metadata()["inputs"]] == [[1, 3], [7, 2], []]
    assert [it["datatype"] for it in net.metadata()["inputs"]] == ["FP32", "INT64", "INT64"]


def test_a_tensor_without_a_batch_is_refused_with_batches() -> None:
    references = {size: reference(size, mask=(2, 2)) for size in (1, 2)}
    with pytest.raises(InputError, match="input mask of the net has no batch as its first"):
        net_of("net", "engine_format", references)


def test_a_session_for_each_power_of_two_and_the_largest() -> None:
    assert [sizes(most) for most in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]
