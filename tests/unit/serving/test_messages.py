"""Requests as tritonclient writes them, and answers of which anything may be wrong."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from hypothesis import given
from hypothesis import strategies as st

from bench.core.errors import InputError
from bench.serving.messages import DTYPES, RequestFailed, decode, encode

ARRAYS = {name: (np.arange(6).reshape(2, 3) % 2).astype(dtype) for name, dtype in DTYPES.items()}


@pytest.mark.parametrize("datatype", sorted(ARRAYS))
def test_a_request_is_what_tritonclient_sends(datatype: str) -> None:
    array = ARRAYS[datatype]
    given = triton.InferInput("x", list(array.shape), datatype)
    given.set_data_from_numpy(array, binary_data=True)
    wanted = triton.InferRequestedOutput("y", binary_data=True)
    theirs, length = triton.InferenceServerClient.generate_request_body([given], outputs=[wanted])
    ours = encode({"x": array}, ["y"], binary=True)
    assert json.loads(ours.data[: ours.header]) == json.loads(theirs[:length])
    assert ours.data[ours.header :] == theirs[length:]


@pytest.mark.parametrize("datatype", sorted(ARRAYS))
@pytest.mark.parametrize("binary", [True, False])
def test_an_answer_is_read_as_it_was_written(datatype: str, binary: bool) -> None:
    array = ARRAYS[datatype]
    body = encode({"x": array}, [], binary=binary)
    head = json.loads(body.data[: body.header])
    answer = json.dumps({"outputs": head["inputs"]}).encode()
    rest = b"" if body.header is None else body.data[body.header :]
    (read,) = decode(answer + rest, len(answer)).values()
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


def test_what_has_no_datatype_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="input x is <U1"):
        encode({"x": np.array(["a"])}, [], binary=True)


def answer(**output: Any) -> bytes:
    good = {"name": "y", "shape": [2], "datatype": "FP32", "data": [1.0, 2.0]}
    return json.dumps({"outputs": [good | output]}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b'{"outputs": 3}', b'{"outputs": [1]}', b"\xff", b"[" * 100_000,
        answer(datatype="BYTES"), answer(shape=[3]), answer(shape="2"), answer(data=["a", "b"]),
        answer(parameters={"binary_data_size": 8}), answer(parameters={"binary_data_size": -1}),
        answer(parameters={"binary_data_size": "8"}), answer(parameters={"binary_data_size": 4}),
        answer(parameters=[1]), answer(name=[1]),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_a_failure_that_counts(data: bytes) -> None:
    with pytest.raises(RequestFailed) as failed:
        decode(data, None)
    assert failed.value.kind == "no-answer"


@given(st.binary(max_size=40), st.integers(0, 50))
def test_any_bytes_are_an_answer_or_a_failure(tail: bytes, header: int) -> None:
    data = answer(parameters={"binary_data_size": 8})[:header] + tail
    assert outcome(data, header) in ("no-answer", {"y": (2,)})


def outcome(data: bytes, header: int) -> str | dict[str, tuple[int, ...]]:
    """The kind of failure that an answer is, or the shapes of its outputs."""
    try:
        return {name: it.shape for name, it in decode(data, header).items()}
    except RequestFailed as failed:
        return failed.kind
