"""`python -m bench.serving.generator DIR`: one run of LoadGen against one server, and its figures.

A process of its own: LoadGen can't be ended from within, and what the load costs is what this
process costs. Standard library, numpy and LoadGen. The request is a `LoadRequest`, the answer has
the fields of `bench.storage.schema.serving.LoadFields` that the parent doesn't know itself.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from bench.core.protocol import check_version
from bench.core.tensors import read_reference
from bench.serving.client import Connection, Endpoint, describe
from bench.serving.loadgen import complete, drive, loadgen, read_log
from bench.serving.messages import RequestFailed
from bench.serving.samples import Parity, Sample, moved, prepare
from bench.serving.scenarios import Settings
from bench.worker.serve import Reply, serve

_CHECK_EVERY_S = 0.02  # an answer of each connection is compared once in so long
_LOST_AFTER = 20  # requests in a row that reached no server
_LOST_WAIT_S = 0.001  # LoadGen would ask a server that has gone a million times a second
_NULL_S = 0.2
_WAITS = (50, 99, 100)  # percentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """A load: where, on which model, by which settings; `out` takes LoadGen's logs.

    `reference` is a file of `bench.core.tensors.write_reference`; `compared` tells whether its
    outputs are the net's: otherwise the server's own answers before the load are all there is.
    """

    endpoint: Endpoint
    model: str | None
    version: str | None
    reference: Path
    compared: bool
    tolerance: float
    timeout_s: float
    settings: Settings
    out: Path

    def to_json(self) -> dict[str, Any]:
        paths = {"reference": str(self.reference), "out": str(self.out)}
        return {**asdict(self), **paths}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> LoadRequest:
        names = ("model", "version", "compared", "tolerance", "timeout_s")
        return cls(
            endpoint=Endpoint(**values["endpoint"]),
            reference=Path(values["reference"]),
            out=Path(values["out"]),
            settings=Settings(**values["settings"]),
            **{name: values[name] for name in names},
        )


@dataclass(slots=True)
class Client:
    """Sends LoadGen's samples: at once where one is in flight at a time, else by a thread for each
    connection, from a queue.
    """

    request: LoadRequest
    path: str
    samples: Sequence[Sample]
    parity: Parity
    errors: Counter[str] = field(default_factory=Counter)
    first_errors: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    reopened: int = 0
    waits_ns: array[int] = field(default_factory=lambda: array("q"))
    all_busy_ns: int = 0
    most_in_flight: int = 0
    _queue: SimpleQueue[tuple[Any, int] | None] = field(default_factory=SimpleQueue)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _in_flight: int = 0
    _all_busy_since: int = 0
    _failed_in_a_row: int = 0
    _own: _Sender | None = None

    def issue(self, query: Sequence[Any]) -> None:
        """Take a query of LoadGen's: it calls this, and no exception may leave it."""
        if self._own is not None:
            for sample in query:
                self._own.send(sample, time.perf_counter_ns())
            return
        now = time.perf_counter_ns()
        for sample in query:
            self._queue.put((sample, now))

    def run(self) -> None:
        """Run LoadGen to its end."""
        count = self.request.settings.connections
        if count == 1:
            self._own = _Sender(self)
            self._drive()
            self._own.end()
            return
        senders = [_Sender(self) for _ in range(count)]
        threads = [threading.Thread(target=it.work, daemon=True) for it in senders]
        for thread in threads:
            thread.start()
        self._drive()
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            thread.join()

    def _drive(self) -> None:
        drive(self.request.settings, self.issue, len(self.samples), self.request.out)

    def next(self) -> tuple[Any, int] | None:
        return self._queue.get()

    @property
    def lost(self) -> bool:
        """Whether no server has answered for long."""
        return self._failed_in_a_row >= _LOST_AFTER

    def starts(self, issued_ns: int) -> None:
        now = time.perf_counter_ns()
        with self._lock:
            self.requests += 1
            self.waits_ns.append(now - issued_ns)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            if self._in_flight == self.request.settings.connections:
                self._all_busy_since = now

    def ended(self, error: RequestFailed | None) -> None:
        with self._lock:
            if self._in_flight == self.request.settings.connections:
                self.all_busy_ns += time.perf_counter_ns() - self._all_busy_since
            self._in_flight -= 1
            reached = error is None or error.kind != "connection"
            self._failed_in_a_row = 0 if reached else self._failed_in_a_row + 1
            if error is not None:
                self.errors[error.kind] += 1
                self.first_errors.setdefault(error.kind, error.problem)

    def figures(self) -> dict[str, Any]:
        """Return what is told of the load: counts, and times in ns."""
        waits = sorted(self.waits_ns)
        last = len(waits) - 1
        return {
            "requests": self.requests,
            "reopened": self.reopened,
            "all_busy_ns": self.all_busy_ns,
            "most_in_flight": self.most_in_flight,
            "wait_ns": {str(p): waits[min(last, len(waits) * p // 100)] for p in _WAITS if waits},
        }

    def compare(self, index: int, outputs: Mapping[str, Any]) -> None:
        with self._lock:
            if not self.parity.check(outputs, self.samples[index].outputs):
                self.errors["wrong-output"] += 1
                self.first_errors.setdefault("wrong-output", self.parity.first_wrong)


class _Sender:
    """One connection, and the thread that uses it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        request = client.request
        self._connection = Connection(request.endpoint, request.timeout_s)
        self._compared_s = 0.0

    def work(self) -> None:
        while (item := self._client.next()) is not None:
            self.send(*item)
        self.end()

    def end(self) -> None:
        self._client.reopened += self._connection.reopened
        self._connection.close()

    def send(self, sample: Any, issued_ns: int) -> None:
        """Send a sample, tell LoadGen once it is answered, and compare some of the answers."""
        client, index, error = self._client, sample.index, None
        client.starts(issued_ns)
        outputs: Mapping[str, Any] = {}
        try:
            if client.lost:
                time.sleep(_LOST_WAIT_S)
                raise RequestFailed("connection", "the server has gone")
            outputs = self._connection.infer(client.path, client.samples[index].body)
        except RequestFailed as failed:
            error = failed
        client.ended(error)
        complete([sample.id])
        now = time.monotonic()
        if error is None and now - self._compared_s >= _CHECK_EVERY_S:
            self._compared_s = now
            client.compare(index, outputs)


def null_ns(seed: int) -> float:
    """Return what a query costs LoadGen and Python where it is answered at once, in ns."""
    settings = Settings(
        scenario="single-stream", duration_s=_NULL_S, queries=64, percentile=90, connections=1,
        seed=seed,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        drive(settings, lambda query: complete([it.id for it in query]), 1, Path(folder))
        return 1e9 / (read_log(Path(folder))["completed_per_s"] or 1.0)


def work(request: Mapping[str, Any], reply: Reply) -> None:
    """Answer a LoadRequest; raises Unavailable, InputError, and RequestFailed before the load."""
    check_version(request)
    loadgen()
    load = LoadRequest.from_json(request)
    with closing(Connection(load.endpoint, load.timeout_s)) as connection:
        served = describe(connection, load.model, load.version)
        reference = read_reference(load.reference)
        wanted = reference.outputs if load.compared else None
        inputs = moved(reference.inputs)
        samples, parity = prepare(connection, served, inputs, wanted, load.tolerance)
    each_ns = null_ns(load.settings.seed)
    client = Client(load, served.path, samples, parity)
    if parity.wrong:
        client.errors["wrong-output"] = parity.wrong
        client.first_errors["wrong-output"] = parity.first_wrong
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    client.run()
    cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
    reply(
        {
            "server": {
                "name": served.server, "version": served.server_version, "model": served.model,
                "platform": served.platform, "binary": served.binary,
            },
            "loadgen": read_log(load.out),
            "client": {
                **client.figures(), "wall_ns": wall, "cpu_ns": cpu, "null_ns": round(each_ns),
            },
            "parity": {"reference": load.compared, **parity.figures()},
            "errors": dict(client.errors),
            "first_errors": client.first_errors,
        }
    )  # fmt: skip


if __name__ == "__main__":
    serve(work, sys.argv[1:])
