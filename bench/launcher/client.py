"""The parent's side of a worker that stays open: start it, call its operations, end it.

While a worker works this process sleeps in poll() on the worker's pipe. Whatever a worker does
instead of answering becomes a WorkerFailed with the kind that `bench.launcher.process` gives it.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from bench.core.errors import BenchError
from bench.core.protocol import MODULE, MOST_ANSWER_BYTES, REQUEST, parse_object, write_json
from bench.launcher.environment import child_environment
from bench.launcher.guarded import ended, note_in, started
from bench.launcher.process import MESSAGE_CHARS, ChildFailed, judge, log_tail, request_folder

_LEAVES_WITHIN_S = 10.0
_DIES_WITHIN_S = 5.0


class WorkerFailed(BenchError):
    """A worker gave no answer; `failure` says how it ended."""

    def __init__(self, failure: ChildFailed) -> None:
        super().__init__(failure.message, hint=failure.hint)
        self.failure = failure


class ChildProcess(Protocol):
    """What a Child needs of its process, as subprocess.Popen has it."""

    @property
    def pid(self) -> int: ...
    @property
    def stdin(self) -> IO[bytes] | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class Child:
    """A program that answers by JSON lines on the pipe `replies`; `process` is what ends with it:
    its guard, or of a fork itself.
    """

    process: ChildProcess
    folder: Path
    replies: int
    _rest: bytearray = field(default_factory=bytearray)
    _began: int = field(default_factory=time.perf_counter_ns)

    @property
    def pid(self) -> int:
        """Its process; once it has answered, for the guard starts it first."""
        return note_in(self.folder).pid or self.process.pid

    def ask(self, command: Mapping[str, object], timeout_s: float) -> Mapping[str, Any]:
        """Give it a line and return its answer; raises WorkerFailed."""
        assert self.process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self.process.stdin.write(json.dumps(command).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise WorkerFailed(self._end(timeout_s)) from None
        return self.hear(timeout_s)

    def hear(self, timeout_s: float) -> Mapping[str, Any]:
        """Return its next line; raises WorkerFailed where none comes within `timeout_s`."""
        line = self._line(time.monotonic() + timeout_s, timeout_s)
        try:
            return parse_object(line)
        except ValueError:
            raise WorkerFailed(self.garbage()) from None

    def garbage(self, message: str = "the worker's answer isn't one") -> ChildFailed:
        """Return the failure of a child whose answer isn't of the protocol's form."""
        return ChildFailed(
            kind="garbage-reply",
            message=message[:MESSAGE_CHARS],
            hint="its interpreter runs another version of the harness",
            log_tail=log_tail(self.folder),
        )

    def _line(self, deadline: float, timeout_s: float) -> bytes:
        searched = 0
        with ended(self.process.pid) as poll:
            poll.register(self.replies, select.POLLIN)
            while (end := self._rest.find(b"\n", searched)) < 0:
                if (searched := len(self._rest)) > MOST_ANSWER_BYTES:
                    raise WorkerFailed(self.garbage())
                left_s = deadline - time.monotonic()
                came = dict(poll.poll(left_s * 1000)) if left_s > 0 else {}
                if not came:
                    raise WorkerFailed(self._judged(None, timeout_s))
                # What a killed guard leaves may hold the pipe open.
                data = os.read(self.replies, 1 << 16) if self.replies in came else b""
                if not data:
                    raise WorkerFailed(self._end(timeout_s))
                self._rest += data
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return line

    def _end(self, timeout_s: float) -> ChildFailed:
        """Say how a child ended that has closed its pipe."""
        try:
            status: int | None = self.process.wait(_DIES_WITHIN_S)
        except subprocess.TimeoutExpired:
            status = None
        return self._judged(status, timeout_s)

    def _judged(self, status: int | None, timeout_s: float) -> ChildFailed:
        wall_ns = time.perf_counter_ns() - self._began
        result = judge(self.folder, status, self.pid, wall_ns, timeout_s)
        return result if isinstance(result, ChildFailed) else self.garbage()


class Worker(Child):
    """A worker that stays open; `bench.core.protocol` has its operations."""

    __slots__ = ()

    def first(self, *, timeout_s: float) -> Mapping[str, Any]:
        """Return the answer to the request that it was started on; raises WorkerFailed."""
        return self._answer(self.hear(timeout_s))

    def call(self, operation: str, *, timeout_s: float, **arguments: Any) -> Mapping[str, Any]:
        """Have it do `operation` and return its answer; raises WorkerFailed."""
        return self._answer(self.ask({"operation": operation, **arguments}, timeout_s))

    def _answer(self, reply: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = reply.get("ok")
        if not isinstance(answer, dict):
            raise WorkerFailed(self.garbage())
        return answer


AnyChild = TypeVar("AnyChild", bound=Child)
OpenWorker = Callable[..., AbstractContextManager[Worker]]


@contextmanager
def open_worker(
    request: Mapping[str, Any],
    *,
    python: Path,
    env: Mapping[str, str],
    pass_fds: Sequence[int] = (),
) -> Iterator[Worker]:
    """Start a worker on `request` and end it afterwards, whatever happened. It inherits `pass_fds`.

    It does the first operation meanwhile, so that several can open their engines at once:
    `first` waits for its answer. Raises Unavailable where `python` can't be started.
    """
    with request_folder() as folder:

        def command(replies: int) -> list[str]:
            write_json(folder / REQUEST, {**request, "replies_fd": replies})
            return [str(python), "-m", MODULE, str(folder)]

        with open_child(Worker, command, folder, child_environment(env), pass_fds) as worker:
            yield worker
            _close(worker.process)
            with suppress(subprocess.TimeoutExpired):
                worker.process.wait(_LEAVES_WITHIN_S)  # its calls have ended, and it tears down


@contextmanager
def open_child(
    kind: type[AnyChild],
    command: Callable[[int], Sequence[str]],
    folder: Path,
    env: Mapping[str, str],
    pass_fds: Sequence[int] = (),
) -> Iterator[AnyChild]:
    """Start `command` of the pipe that it answers on and end it afterwards, whatever happened.

    It inherits `pass_fds` beside that pipe.
    """
    heard, replies = os.pipe()
    try:
        with started(
            command(replies), folder, env, stdin=subprocess.PIPE, pass_fds=[replies, *pass_fds]
        ) as process:
            os.close(replies)
            replies = -1
            try:
                yield kind(process=process, folder=folder, replies=heard)
            finally:
                _close(process)
    finally:
        for descriptor in (heard, replies):
            if descriptor >= 0:
                os.close(descriptor)


def _close(process: ChildProcess) -> None:
    """Close a child's standard input: one that hears no more calls leaves."""
    if process.stdin is not None:
        with suppress(OSError):  # it has gone, and a call is still in the buffer
            process.stdin.close()
