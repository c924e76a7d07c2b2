"""What a client may do to a server: requests that aren't any, too many at once, and going away."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

import numpy as np

_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server's address, HOST:PORT, and the one image that its net takes."""

    address: str
    model: str
    input: str
    shape: Sequence[int]

    @property
    def path(self) -> str:
        return f"/v2/models/{self.model}/infer"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the headers in lower case, and the body; status 0: the connection ended."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def error(self) -> str:
        """The protocol's error message; raises where there is none."""
        values = json.loads(self.body)
        assert list(values) == ["error"]
        assert isinstance(values["error"], str)
        return str(values["error"])

    @property
    def outputs(self) -> list[Any]:
        """The first output of JSON, flat."""
        return list(json.loads(self.body)["outputs"][0]["data"])


def send(address: str, raw: bytes) -> Answer:
    """Send bytes on a connection of their own and return the answer."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), _WITHIN_S) as own:
        with suppress(OSError):  # it may have answered before it has read all
            own.sendall(raw)
        return read(own)


def read(own: socket.socket) -> Answer:
    """Read an answer from a connection."""
    answer = HTTPResponse(own)
    try:
        answer.begin()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, answer.read(), headers)
    except (HTTPException, OSError):
        return Answer(0)
    finally:
        answer.close()


def post(path: str, body: bytes, headers: Mapping[str, object] | None = None) -> bytes:
    """Return a request of HTTP."""
    own = {"Host": "here", "Content-Length": len(body), **(headers or {})}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def in_json(target: Target, x: Any, **more: object) -> bytes:
    """Return the request to infer `x`, as JSON."""
    own = {"name": target.input, "shape": list(x.shape), "datatype": "FP32"}
    values = {"inputs": [{**own, "data": x.ravel().tolist()}], **more}
    return post(target.path, json.dumps(values).encode())


def in_binary(target: Target, x: Any) -> bytes:
    """Return the request to infer `x`, its tensor as binary."""
    head, tensor = _binary(target, x.tobytes(), x.shape)
    return _with_header(target, head, tensor)


def _binary(target: Target, tensor: bytes, shape: Sequence[int]) -> tuple[bytes, bytes]:
    own = {
        "name": target.input,
        "shape": list(shape),
        "datatype": "FP32",
        "parameters": {"binary_data_size": len(tensor)},
    }
    return json.dumps({"inputs": [own]}).encode(), tensor


def _with_header(target: Target, head: bytes, rest: bytes, length: object = None) -> bytes:
    said = len(head) if length is None else length
    return post(target.path, head + rest, {"Inference-Header-Content-Length": said})


def malformed(target: Target, count: int, seed: int = 0) -> list[bytes]:
    """Return `count` requests that no server of the protocol may answer with an inference."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    makers = list(_makers(target))
    return [makers[at % len(makers)](rng) for at in range(count)]


def _makers(target: Target) -> Iterator[Callable[[random.Random], bytes]]:
    yield from _bodies(target)
    yield from _tensors(target)
    yield from _of_http(target)


def _bodies(target: Target) -> Iterator[Callable[[random.Random], bytes]]:
    """Yield makers of bodies that are no request."""
    for text in (
        b"", b"{", b"null", b"[]", b"7", b'"a"', b"{}", b'{"inputs": []}', b'{"inputs": {}}',
        b'{"inputs": [null]}', b'{"inputs": [[]]}', b"\xff\xfe\x00", b"[" * 20_000,
        b'{"inputs": ' + b"[" * 20_000, b"1" * 10_000, b'{"a": NaN}', b'{"inputs": [{"name": {}}]}',
    ):  # fmt: skip
        yield lambda _, text=text: post(target.path, text)  # type: ignore[misc]
    yield lambda rng: post(target.path, rng.randbytes(rng.randrange(1, 4000)))

    def cut(rng: random.Random) -> bytes:
        x = np.zeros(target.shape, np.float32)
        body = in_json(target, x).partition(b"\r\n\r\n")[2]
        return post(target.path, body[: rng.randrange(1, len(body) - 2)])

    yield cut


def _tensors(target: Target) -> Iterator[Callable[[random.Random], bytes]]:
    """Yield makers of requests whose tensor isn't the net's."""
    zeros = np.zeros(target.shape, np.float32).ravel().tolist()
    whole = {"name": target.input, "shape": list(target.shape), "datatype": "FP32", "data": zeros}
    changes: list[dict[str, object]] = [
        {"name": "another"}, {"name": None}, {"shape": None}, {"shape": [-1]}, {"shape": [1e9]},
        {"shape": [2**70, 3]}, {"shape": [True]}, {"shape": list(target.shape)[1:]}, {"data": None},
        {"shape": [10**6, *list(target.shape)[1:]]}, {"datatype": "FP64"}, {"datatype": "BYTES"},
        {"datatype": 7}, {"data": []}, {"data": {}}, {"data": zeros[1:]}, {"data": [zeros, zeros]},
        {"data": ["1", *zeros[1:]]}, {"data": [None, *zeros[1:]]}, {"data": [[], *zeros[1:]]},
        {"data": [1e300, *zeros[1:]]}, {"data": [10**40, *zeros[1:]]}, {"parameters": 7},
        {"parameters": {"binary_data_size": 8}}, {"parameters": {"shared_memory_region": "a"}},
    ]  # fmt: skip
    for change in changes:
        body = json.dumps({"inputs": [{**whole, **change}]}).encode()
        yield lambda _, body=body: post(target.path, body)  # type: ignore[misc]
    beside: list[dict[str, object]] = [
        {"inputs": [whole, whole]}, {"outputs": [{"name": "another"}]}, {"outputs": []}, {"id": 7},
        {"outputs": 7}, {"parameters": {"binary_data_output": "yes"}}, {"parameters": []},
    ]  # fmt: skip
    for more in beside:
        body = json.dumps({"inputs": [whole], **more}).encode()
        yield lambda _, body=body: post(target.path, body)  # type: ignore[misc]


def _of_http(target: Target) -> Iterator[Callable[[random.Random], bytes]]:
    """Yield makers of requests whose lengths, headers or paths are wrong."""
    tensor = bytes(4 * int(np.prod(target.shape)))
    head, _ = _binary(target, tensor, target.shape)
    for length in (-1, 10**30, "a", "", len(head) - 1, len(head) + 1, "1.5", "½"):
        yield lambda _, length=length: _with_header(target, head, tensor, length)  # type: ignore[misc]
    yield lambda rng: _with_header(target, head, tensor[: rng.randrange(len(tensor))])
    yield lambda rng: _with_header(target, head, tensor + rng.randbytes(8))
    yield lambda _: post(target.path, head + tensor)
    yield lambda _: post(target.path, head, {"Content-Encoding": "gzip"})
    yield lambda _: post(target.path, b"{}", {"Content-Length": 10**12})
    yield lambda _: post(target.path, b"{}", {"Content-Length": "-5"})
    yield lambda _: post(target.path, b"{}\r\n", {"Transfer-Encoding": "chunked"})
    yield lambda _: post("/v2/models/another/infer", head + tensor)
    yield lambda _: post(f"/v2/models/{target.model}/versions/7/infer", head)
    yield lambda _: post("/v2/health/live", b"")
    yield lambda _: post("/v2/%ff%00/../../etc/passwd", b"")
    yield lambda rng: rng.randbytes(rng.randrange(1, 2000)) + b"\r\n\r\n"
    yield lambda _: b"GET " + b"/a" * 40_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n"
    yield lambda _: b"GET /v2 HTTP/1.1\r\n" + b"A: b\r\n" * 40_000 + b"\r\n"


def drop(target: Target, count: int, x: Any, seed: int = 0) -> None:
    """Begin `count` requests to infer `x` and go away: within the head, the body, or after it."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    raw = in_binary(target, x)
    host, _, port = target.address.rpartition(":")
    for at in range(count):
        with socket.create_connection((host, int(port)), _WITHIN_S) as own:
            whole = at % 2 == 0
            own.sendall(raw if whole else raw[: rng.randrange(1, len(raw))])
            if at % 3 == 0:  # a reset in the place of an end
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def at_once(raws: Sequence[bytes], address: str) -> list[Answer]:
    """Send requests on connections of their own, all at the same moment."""
    together = threading.Barrier(len(raws))

    def one(raw: bytes) -> Answer:
        together.wait()
        return send(address, raw)

    with ThreadPoolExecutor(len(raws)) as pool:
        return list(pool.map(one, raws))


def rss_kib(pid: int) -> int:
    """Return what a process holds in memory, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
