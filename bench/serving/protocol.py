"""KServe's v2 protocol (Open Inference Protocol) over HTTP: requests read, answers written.

With the extension for binary tensors: a body is a JSON object of as many bytes as the header
Inference-Header-Content-Length says, and the bytes of tensors after it, in the order in which the
object names them. Each is little-endian and row by row.

What a client may have sent is anything: what isn't a request raises Refusal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from bench.serving.messages import HEADER_LENGTH
from bench.serving.net import Net, Port

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.uint8]

JSON, BINARY = "application/json", "application/octet-stream"
EXTENSIONS = ("binary_tensor_data",)
_SIZE = "binary_data_size"
_ELSEWHERE = "shared_memory_region"
_MOST_ID = 1024  # characters
# A number as JSON, with its comma and blanks: 25 are a float64 with all digits and its sign.
_BYTES_A_NUMBER = 32
_ROOM = 1 << 16


class Refusal(Exception):
    """Why a request has no answer but an error: the HTTP status, and the sentence."""

    def __init__(
        self, message: str, *, status: int = 400, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An output that a request asks for, by its index, as binary or as JSON."""

    index: int
    binary: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An inference request: the bytes of each input as rows, and which outputs it asks for."""

    id: str | None
    inputs: Sequence[Rows]
    outputs: Sequence[Wanted]

    @property
    def rows(self) -> int:
        """How many rows each of its inputs has."""
        return len(self.inputs[0])


def most_bytes(net: Net) -> int:
    """Return how long the body of a request to `net` can be, all tensors as JSON."""
    numbers = sum(prod(port.row) for port in net.inputs) * net.most
    return numbers * _BYTES_A_NUMBER + _ROOM


def read_request(body: bytearray, header_length: str | None, net: Net) -> Request:
    """Return the request that `body` is; `header_length` is the header's text. Raises Refusal."""
    head, tail = _split(body, header_length)
    values = _object(_parsed(head), "the request")
    given = _list(values, "inputs", "the request")
    inputs = {}
    for it in given:
        port = _port(_object(it, "an input"), net.inputs, "input")
        if port.name in inputs:
            raise Refusal(f"input '{port.name}' is there twice")
        inputs[port.name], tail = _rows(port, it, tail, net.most)
    missing = [port.name for port in net.inputs if port.name not in inputs]
    if missing:
        raise Refusal(f"the request lacks the net's input {', '.join(missing)}")
    if tail:
        raise Refusal(f"{len(tail)} bytes follow the tensors that the request names")
    rows = [inputs[port.name] for port in net.inputs]
    if len({len(it) for it in rows}) > 1:
        raise Refusal("the inputs have different numbers of rows: the first extent is the batch")
    return Request(id=_id(values), inputs=rows, outputs=_wanted(values, net.outputs))


def _split(body: bytearray, header_length: str | None) -> tuple[bytearray, memoryview]:
    """Return the JSON object of a body and the tensors after it."""
    if header_length is None:
        return body, memoryview(b"")
    is_number = header_length.isascii() and header_length.isdigit() and len(header_length) < 19
    if not is_number or int(header_length) > len(body):
        raise Refusal(
            f"{HEADER_LENGTH} is '{header_length[:40]}', no number of bytes within the body, which "
            f"has {len(body)}"
        )
    length = int(header_length)
    return body[:length], memoryview(body)[length:]


def _parsed(text: bytearray) -> object:
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError:
        raise Refusal("the request's JSON is nested too deep") from None
    except ValueError as error:  # text that isn't UTF-8 is one
        raise Refusal(f"the request isn't JSON: {error}"[:300]) from None


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Refusal(f"{what} isn't a JSON object")
    return value


def _list(values: Mapping[str, Any], name: str, what: str) -> list[object]:
    given = values.get(name)
    if not isinstance(given, list) or not given:
        raise Refusal(f"'{name}' of {what} isn't a list with something in it")
    return given


def _parameters(values: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    given = _object(values.get("parameters", {}), f"'parameters' of {what}")
    if _ELSEWHERE in given:
        raise Refusal(f"{what} lies in shared memory, which this server doesn't read")
    return given


def _port(values: Mapping[str, Any], ports: Sequence[Port], end: str) -> Port:
    name = values.get("name")
    for port in ports:
        if port.name == name:
            return port
    known = ", ".join(port.name for port in ports)
    raise Refusal(f"the net has no {end} {json.dumps(name)[:100]}; it has {known}")


def _id(values: Mapping[str, Any]) -> str | None:
    given = values.get("id")
    if given is None or (isinstance(given, str) and len(given) <= _MOST_ID and _is_text(given)):
        return given
    raise Refusal(f"'id' isn't a text of at most {_MOST_ID} characters")


def _is_text(text: str) -> bool:
    """Tell whether a text is one: half of a surrogate pair has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _flag(parameters: Mapping[str, Any], name: str, otherwise: bool) -> bool:  # noqa: FBT001
    given = parameters.get(name, otherwise)
    if not isinstance(given, bool):
        raise Refusal(f"parameter '{name}' isn't true or false")
    return given


def _rows(port: Port, values: Any, tail: memoryview, most: int) -> tuple[Rows, memoryview]:
    """Return the bytes of an input, and what is left of `tail`."""
    what = f"input '{port.name}'"
    shape = _shape(port, values, most)
    if values.get("datatype") != port.datatype:
        raise Refusal(f"{what} is of {port.datatype}, and the request gives another datatype")
    count = shape[0] if port.batched else 1
    size = _parameters(values, what).get(_SIZE)
    if size is None:
        whole = _from_json(port, values.get("data"), shape)
        return whole.reshape(-1).view(np.uint8).reshape(count, -1), tail
    if "data" in values:
        raise Refusal(f"{what} has both 'data' and '{_SIZE}'")
    if type(size) is not int or size != count * port.row_bytes:
        raise Refusal(f"{what} takes {count * port.row_bytes} bytes: '{_SIZE}' isn't that")
    if len(tail) < size:
        raise Refusal(f"{what} takes {size} bytes, and the body has {len(tail)} left")
    flat = np.frombuffer(tail[:size], np.uint8)
    if port.dtype == "bool" and (flat > 1).any():
        raise Refusal(f"{what} is of BOOL, and a byte of it is neither 0 nor 1")
    return flat.reshape(count, -1), tail[size:]


def _shape(port: Port, values: Mapping[str, Any], most: int) -> tuple[int, ...]:
    given = values.get("shape")
    if isinstance(given, list) and all(type(it) is int for it in given):
        shape = tuple(given)
        if shape == port.row and not port.batched:
            return shape
        if port.batched and shape[1:] == port.row and 1 <= shape[0] <= most:
            return shape
    takes = f"{port.shape}, the first of them 1 to {most}" if port.batched else f"{port.shape}"
    raise Refusal(f"input '{port.name}' takes a shape of {takes}, not {json.dumps(given)[:100]}")


_KINDS = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}


def _from_json(port: Port, data: object, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return the tensor that `data` is, flat or nested as its shape says."""
    what = f"'data' of input '{port.name}'"
    if not isinstance(data, list):
        raise Refusal(f"{what} isn't a list, and the request gives no '{_SIZE}' either")
    try:
        given = np.array(data)
    except (ValueError, OverflowError):
        raise Refusal(f"{what} isn't a list of numbers, flat or nested as its shape says") from None
    if given.shape not in (shape, (prod(shape),)):
        raise Refusal(f"{what} has another number of values than its shape says")
    dtype = np.dtype(port.dtype)
    if given.dtype.kind not in _KINDS[dtype.kind]:
        raise Refusal(f"{what} has values that aren't of {port.datatype}")
    with np.errstate(over="ignore"):
        tensor = np.ascontiguousarray(given, dtype)
    fits = np.isfinite(tensor).all() if dtype.kind == "f" else np.array_equal(tensor, given)
    if not fits:
        raise Refusal(f"{what} has values beyond {port.datatype}")
    return tensor.reshape(shape)


def _wanted(values: Mapping[str, Any], ports: Sequence[Port]) -> list[Wanted]:
    """Return the outputs that a request asks for; without any it asks for all."""
    parameters = _parameters(values, "the request")
    binary = _flag(parameters, "binary_data_output", otherwise=False)
    if values.get("outputs") is None:
        return [Wanted(index=index, binary=binary) for index in range(len(ports))]
    wanted = {}
    for it in _list(values, "outputs", "the request"):
        asked = _object(it, "an output")
        port = _port(asked, ports, "output")
        own = _parameters(asked, f"output '{port.name}'")
        if "classification" in own:
            raise Refusal("parameter 'classification' is of an extension that isn't here")
        if port.name in wanted:
            raise Refusal(f"output '{port.name}' is asked for twice")
        wanted[port.name] = Wanted(
            index=ports.index(port), binary=_flag(own, "binary_data", otherwise=binary)
        )
    return list(wanted.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The body of an answer, and the headers that say what it is."""

    body: bytes
    headers: Mapping[str, str]


def write_answer(request: Request, outputs: Sequence[Rows], net: Net, version: str) -> Answer:
    """Return the answer to `request`; `outputs` are all of the net's. Raises Refusal."""
    described, parts = [], []
    for it in request.outputs:
        port = net.outputs[it.index]
        tensor = port.tensor(outputs[it.index])
        about = {"name": port.name, "datatype": port.datatype, "shape": list(tensor.shape)}
        if it.binary:
            parts.append(tensor.tobytes())
            described.append({**about, "parameters": {_SIZE: len(parts[-1])}})
        else:
            described.append({**about, "data": tensor.ravel().tolist()})
    values = {"model_name": net.name, "model_version": version, "outputs": described}
    if request.id is not None:
        values["id"] = request.id
    try:
        head = json.dumps(values, allow_nan=False).encode()
    except ValueError:
        raise Refusal(
            "an output holds infinities or NaN, which JSON has no word for: ask for binary_data",
            status=422,
        ) from None
    if not parts:
        return Answer(body=head, headers={"Content-Type": JSON})
    headers = {"Content-Type": BINARY, HEADER_LENGTH: str(len(head))}
    return Answer(body=b"".join([head, *parts]), headers=headers)
