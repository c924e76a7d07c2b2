"""Requests of any bytes are read or refused; what is read comes back as it was sent."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bench.serving.messages import DTYPES, HEADER_LENGTH, decode, encode
from bench.serving.net import Net, Port
from bench.serving.protocol import (
    Refusal,
    Request,
    most_bytes,
    read_request,
    write_answer,
)

SHAPE = (2, 3)


def net_of(*dtypes: str, most: int = 4) -> Net:
    """A net that gives back what it takes: an input and an output of each type."""
    ports = [
        Port(name=f"of {at}", dtype=dtype, row=SHAPE, batched=most > 1)
        for at, dtype in enumerate(dtypes)
    ]
    return Net(name="echo", platform="none", inputs=ports, outputs=ports, most=most)


FLOATS = net_of("float32", most=1)


def refusal(body: bytes, header: str | None = None, net: Net = FLOATS) -> str:
    with pytest.raises(Refusal) as refused:
        read_request(bytearray(body), header, net)
    assert refused.value.status == 400
    return refused.value.message


def read_or_refused(body: bytes) -> Request | None:
    """Whatever else is raised fails the test."""
    try:
        return read_request(bytearray(body), None, FLOATS)
    except Refusal:
        return None


def described(**change: object) -> bytes:
    one = {"name": "of 0", "shape": [2, 3], "datatype": "FP32", "data": [0.5] * 6}
    return json.dumps({"inputs": [{**one, **change}]}).encode()


@st.composite
def tensors(draw: st.DrawFn) -> tuple[Net, list[Any]]:
    """Nets of all types and values for them, of 1 to 4 rows."""
    dtypes = draw(st.lists(st.sampled_from(sorted(DTYPES.values())), min_size=1, max_size=3))
    rows = draw(st.integers(1, 4))
    finite = {"allow_nan": False, "allow_infinity": False}
    values = [
        draw(
            arrays.arrays(
                dtype, (rows, *SHAPE), elements=finite if np.dtype(dtype).kind == "f" else None
            )
        )
        for dtype in dtypes
    ]
    return net_of(*dtypes), values


@given(tensors(), st.booleans(), st.one_of(st.none(), st.text(max_size=20)))
def test_each_type_comes_through_as_binary_and_as_json(
    of: tuple[Net, list[Any]], binary: bool, name: str | None
) -> None:
    net, values = of
    sent = encode(
        {it.name: array for it, array in zip(net.inputs, values, strict=True)}, [], binary=binary
    )
    head = sent.data if sent.header is None else sent.data[: sent.header]
    body = json.dumps({**json.loads(head), **({} if name is None else {"id": name})}).encode()
    whole = bytearray(body + sent.data[len(head) :])
    read = read_request(whole, None if sent.header is None else str(len(body)), net)
    assert read.rows == len(values[0])
    answer = write_answer(read, read.inputs, net, "1")
    length = answer.headers.get(HEADER_LENGTH)
    assert (length is None) != binary
    outputs = decode(answer.body, None if length is None else int(length))
    for it, array in zip(net.inputs, values, strict=True):
        np.testing.assert_array_equal(outputs[it.name], array)
    assert json.loads(answer.body[: int(length)] if length else answer.body).get("id") == name


@given(st.binary(max_size=400), st.one_of(st.none(), st.text(max_size=6), st.integers(-5, 500)))
def test_any_bytes_are_refused(body: bytes, header: object) -> None:
    assert refusal(body, None if header is None else str(header))


JSONS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=12,
)


@given(st.sampled_from(["name", "shape", "datatype", "data", "parameters"]), JSONS)
def test_a_field_of_any_value_is_read_or_refused(field: str, value: object) -> None:
    read = read_or_refused(described(**{field: value}))
    assert read is None or read.inputs[0].nbytes == 24


@given(st.sampled_from(["inputs", "outputs", "parameters", "id"]), JSONS)
def test_a_request_with_any_value_is_read_or_refused(field: str, value: object) -> None:
    read = read_or_refused(json.dumps({**json.loads(described()), field: value}).encode())
    assert read is None or [it.nbytes for it in read.inputs] == [24]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data": [0.5] * 5}, "another number of values than its shape says"),
        ({"data": [[0.5, 0.5]] * 3}, "another number of values than its shape says"),
        ({"data": [0.5, [0.5]]}, "isn't a list of numbers"),
        ({"data": [1e39] * 6}, "has values beyond FP32"),
        ({"data": ["1"] * 6}, "has values that aren't of FP32"),
        ({"shape": [6]}, "takes a shape of [2, 3], not [6]"),
        ({"datatype": "FP16"}, "is of FP32, and the request gives another datatype"),
        ({"parameters": {"binary_data_size": 24}}, "has both 'data' and 'binary_data_size'"),
        ({"parameters": {"shared_memory_region": "r"}}, "lies in shared memory"),
        ({"name": "of 1"}, "the net has no input \"of 1\"; it has of 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_tensor_is_said(change: dict[str, object], said: str) -> None:
    assert said in refusal(described(**change))


def test_nested_values_and_whole_numbers_are_taken() -> None:
    read = read_request(bytearray(described(data=[[1, 2, 3], [4, 5, 6]])), None, FLOATS)
    np.testing.assert_array_equal(FLOATS.inputs[0].tensor(read.inputs[0]), [[1, 2, 3], [4, 5, 6]])


def test_whole_numbers_beyond_their_type_are_refused() -> None:
    net = net_of("uint8", most=1)
    for value in (-1, 256, 2**70, 0.5, True):
        body = described(datatype="UINT8", data=[value] * 6)
        assert "of UINT8" in refusal(body, net=net) or "beyond UINT8" in refusal(body, net=net)


def test_bytes_that_are_no_truth_values_are_refused() -> None:
    net = net_of("bool", most=1)
    sent = encode({"of 0": np.ones(SHAPE, bool)}, [], binary=True)
    assert sent.header is not None
    body = sent.data[: sent.header] + b"\1\0\2\1\1\1"
    assert "neither 0 nor 1" in refusal(body, str(sent.header), net)


def test_inputs_of_different_numbers_of_rows_are_refused() -> None:
    net = net_of("int8", "int8")
    one, two = (np.ones((rows, *SHAPE), np.int8) for rows in (1, 2))
    body = encode({"of 0": one, "of 1": two}, [], binary=False).data
    assert "different numbers of rows" in refusal(body, net=net)


def test_only_the_outputs_that_are_asked_for_come_each_as_asked() -> None:
    net = net_of("int8", "float32", most=1)
    values: list[Any] = [np.ones(SHAPE, np.int8), np.ones(SHAPE, np.float32)]
    inputs = {it.name: array for it, array in zip(net.inputs, values, strict=True)}
    asked = [{"name": "of 1", "parameters": {"binary_data": True}}, {"name": "of 0"}]
    body = {**json.loads(encode(inputs, [], binary=False).data), "outputs": asked}
    read = read_request(bytearray(json.dumps(body).encode()), None, net)
    answer = write_answer(read, read.inputs, net, "1")
    head = json.loads(answer.body[: int(answer.headers[HEADER_LENGTH])])
    binary, plain = head["outputs"]
    assert binary["parameters"] == {"binary_data_size": 24}
    assert plain["data"] == [1] * 6
    assert answer.body.endswith(values[1].tobytes())


def test_the_longest_request_that_is_read_has_all_digits() -> None:
    net = net_of("float64", most=2)
    worst = np.full((2, *SHAPE), -2.2250738585072014e-308)
    body = encode({"of 0": worst}, [], binary=False).data
    assert len(body) < most_bytes(net)
