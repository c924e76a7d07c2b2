"""A stand-in for a server of the Open Inference Protocol: the standard library, and numpy.

Its one model answers with the sums of its input's rows, of which each value is weighed by its
place, after `delay_s`, by one thread at a time as an engine does.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

MODEL = "sums"
WIDTH = 16


def answer(x: Any) -> Any:
    """Return what the model says of an input of shape (N, WIDTH)."""
    weights = np.linspace(1.0, 2.0, WIDTH * 4, dtype=np.float32).reshape(WIDTH, 4)
    return (x @ weights).astype(np.float32)


@dataclass(slots=True)
class Behaviour:
    """What the server does: it takes `delay_s`, refuses every n-th request, drops all or those
    after some, and mixes up the answers to requests that are in flight together.
    """

    delay_s: float = 0.001
    refuse_every: int = 0
    mix_up: bool = False
    binary: bool = True
    lists: bool = False
    drop: bool = False
    drop_after: int = 1 << 60
    index: tuple[str, ...] = ()
    served: int = 0
    last: Any = None
    engine: threading.Lock = field(default_factory=threading.Lock)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    behaviour: Behaviour

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        tensors = {"datatype": "FP32", "shape": [-1, WIDTH]}
        pages: dict[str, Any] = {
            "/v2": {
                "name": "stand-in", "version": "1",
                "extensions": ["binary_tensor_data"] if self.behaviour.binary else [],
            },
            "/v2/health/ready": {},
            **({"/v2/models": {"models": [MODEL]}} if self.behaviour.lists else {}),
            f"/v2/models/{MODEL}": {
                "name": MODEL, "versions": ["1"], "platform": "numpy",
                "inputs": [{"name": "x", **tensors}],
                "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 4]}],
            },
        }  # fmt: skip
        if self.path in pages:
            self._send(200, json.dumps(pages[self.path]).encode())
        else:
            self._send(404, b'{"error": "there is no such model"}')

    def do_POST(self) -> None:
        behaviour = self.behaviour
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path == "/v2/repository/index" and behaviour.index:
            self._send(200, json.dumps([{"name": it} for it in behaviour.index]).encode())
            return
        if not self.path.endswith("/infer"):
            self._send(404, b"no such path")
            return
        with behaviour.engine:
            behaviour.served += 1
            count = behaviour.served
            time.sleep(behaviour.delay_s)
        if behaviour.drop or count > behaviour.drop_after:
            self.close_connection = True
            return
        if behaviour.refuse_every and count % behaviour.refuse_every == 0:
            self._send(503, b'{"error": "the queue is full"}')
            return
        length = self.headers.get("Inference-Header-Content-Length")
        head = json.loads(body[: int(length)] if length else body)
        given = head["inputs"][0]
        data = np.frombuffer(body[int(length) :], "<f4") if length else np.array(given["data"])
        y = answer(data.astype(np.float32).reshape(given["shape"]))
        behaviour.last, last = y, behaviour.last
        if behaviour.mix_up and last is not None and count > 60 and count % 5 == 0:
            y = last
        self._answer(y, binary=length is not None)

    def _answer(self, y: Any, *, binary: bool) -> None:
        output: dict[str, Any] = {"name": "y", "datatype": "FP32", "shape": list(y.shape)}
        if not binary:
            output["data"] = y.ravel().tolist()
            self._send(200, json.dumps({"model_name": MODEL, "outputs": [output]}).encode())
            return
        output["parameters"] = {"binary_data_size": y.nbytes}
        head = json.dumps({"model_name": MODEL, "outputs": [output]}).encode()
        length = {"Inference-Header-Content-Length": str(len(head))}
        self._send(200, head + y.tobytes(), length)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None: ...


@contextmanager
def v2_server(behaviour: Behaviour | None = None) -> Iterator[str]:
    """Yield the URL of a server that behaves so."""
    handler = type("Handler", (_Handler,), {"behaviour": behaviour or Behaviour()})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
