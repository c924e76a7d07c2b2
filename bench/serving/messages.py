"""Requests and answers of the Open Inference Protocol (KServe v2), on the client's side."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.core.errors import BenchError, InputError
from bench.core.tensors import Tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADER_LENGTH = "Inference-Header-Content-Length"

DTYPES: Mapping[str, str] = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64",
    "INT8": "int8", "INT16": "int16", "INT32": "int32", "INT64": "int64",
    "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
"""numpy's name of each of the protocol's datatypes that has one."""

DATATYPES: Mapping[str, str] = {dtype: name for name, dtype in DTYPES.items()}
"""The other way round. The protocol's BYTES are of no net here."""


class RequestFailed(BenchError):
    """A request without a right answer. `kind` is what failures are counted by.

    status NNN, connection, time-out, no-answer (what came is no answer of the protocol).
    """

    def __init__(self, kind: str, problem: str) -> None:
        hint = "see what the server printed, and whether its address is right"
        super().__init__(problem, hint=hint)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Body:
    """A request for an inference, encoded once; `header` is the length of its JSON, None: all."""

    data: bytes
    header: int | None

    @property
    def headers(self) -> dict[str, str]:
        if self.header is None:
            return {"Content-Type": "application/json"}
        return {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(self.header)}


def parsed(data: bytes) -> Any:
    """Return the JSON that `data` is; raises RequestFailed."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise RequestFailed("no-answer", "what it answered is no JSON") from None


def table_in(value: Any) -> dict[str, Any]:
    """Return `value` as a JSON object; raises RequestFailed."""
    if not isinstance(value, dict):
        raise RequestFailed("no-answer", "what it answered is no JSON object")
    return value


def encode(inputs: Tensors, outputs: Sequence[str], *, binary: bool) -> Body:
    """Return the request for the `outputs` (none: all) of `inputs`; raises InputError."""
    parts: list[bytes] = []
    described = []
    for name, array in inputs.items():
        if array.dtype.name not in DATATYPES:
            hint = f"choose from {', '.join(DATATYPES)}"
            raise InputError(f"input {name} is {array.dtype}, which has no datatype", hint=hint)
        entry: dict[str, Any] = {
            "name": name,
            "shape": list(array.shape),
            "datatype": DATATYPES[array.dtype.name],
        }
        if binary:
            parts.append(
                np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
            )
            entry["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            entry["data"] = array.ravel().tolist()
        described.append(entry)
    request: dict[str, Any] = {"inputs": described}
    if outputs:
        wanted = {"parameters": {"binary_data": True}} if binary else {}
        request["outputs"] = [{"name": name, **wanted} for name in outputs]
    elif binary:
        request["parameters"] = {"binary_data_output": True}
    head = json.dumps(request).encode()
    return Body(b"".join([head, *parts]), len(head) if binary else None)


@dataclass(slots=True)
class _Rest:
    """The bytes behind an answer's JSON, taken off from the front."""

    data: memoryview
    taken: int = field(default=0)

    def take(self, size: object) -> memoryview:
        if type(size) is not int or not 0 <= size <= len(self.data) - self.taken:
            raise ValueError("its bytes are fewer than it says")
        self.taken += size
        return self.data[self.taken - size : self.taken]


def decode(data: bytes, header: int | None) -> dict[str, NDArray[Any]]:
    """Return the outputs of an answer, whose JSON ends at `header`; raises RequestFailed."""
    end = len(data) if header is None else header
    answer = table_in(parsed(data[:end]))
    rest = _Rest(memoryview(data)[end:])
    try:
        return {it["name"]: _array(it, rest) for it in answer["outputs"]}
    except (LookupError, TypeError, ValueError) as error:
        raise RequestFailed("no-answer", f"its outputs aren't the protocol's: {error}") from None


def _array(output: Mapping[str, Any], rest: _Rest) -> NDArray[Any]:
    shape, dtype = tuple(output["shape"]), np.dtype(DTYPES[output["datatype"]])
    size = dict(output.get("parameters") or {}).get("binary_data_size")
    if size is None:
        return np.array(output["data"], dtype).reshape(shape)
    if size != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{size} bytes don't fill {dtype}{list(shape)}")
    return np.frombuffer(rest.take(size), dtype.newbyteorder("<")).reshape(shape)
