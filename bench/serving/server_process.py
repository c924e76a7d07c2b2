"""`bench serve` as a process of its own, for as long as it is loaded."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from bench.launcher.client import WorkerFailed
from bench.launcher.environment import child_environment
from bench.launcher.guarded import ended, started
from bench.launcher.process import ChildFailed, log_tail, request_folder
from bench.serving.client import Connection, Endpoint
from bench.serving.messages import RequestFailed

_READY_WITHIN_S = 300.0
_ANSWERS_WITHIN_S = 5.0
_POLL_S = 0.1
MODULE = "bench"
_HOST = "127.0.0.1"


@contextmanager
def served(words: Sequence[str], env: Mapping[str, str]) -> Iterator[Endpoint]:
    """Start `bench serve` with these `words` and its own port; end it and its engine afterwards.

    Raises WorkerFailed where it isn't ready in time.
    """
    endpoint = Endpoint(host=_HOST, port=_free_port())
    command = [sys.executable, "-m", MODULE, "serve", *words, "--port", str(endpoint.port)]
    with (
        request_folder() as folder,
        started(command, folder, child_environment(env)) as process,
    ):
        if not _is_ready(process.pid, endpoint):
            raise WorkerFailed(
                ChildFailed(
                    kind="server",
                    message="the server didn't get ready",
                    hint="see what it printed",
                    log_tail=log_tail(folder),
                )
            )
        yield endpoint


def _free_port() -> int:
    with socket.socket() as one:
        one.bind((_HOST, 0))
        port: int = one.getsockname()[1]
        return port


def _is_ready(pid: int, endpoint: Endpoint) -> bool:
    """Wait until the server is ready; tell whether it is, in time and before its process ended."""
    deadline = time.monotonic() + _READY_WITHIN_S
    with ended(pid) as poll, closing(Connection(endpoint, _ANSWERS_WITHIN_S)) as connection:
        while time.monotonic() < deadline:
            try:
                connection.check_ready()
            except RequestFailed:
                if poll.poll(_POLL_S * 1000):
                    return False
            else:
                return True
    return False
