"""The parent's side of a live arm: start it, ask it, end it. See `bench.core.arm_protocol`.

While an arm works this process sleeps in poll() on the arm's pipe. Whatever an arm does instead of
answering becomes an ArmLost with the kind that `bench.launcher.process` would give it.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench.core.arm_protocol import MODULE
from bench.core.errors import BenchError
from bench.core.protocol import REQUEST, write_json
from bench.launcher.process import (
    ChildFailed,
    child_environment,
    judge,
    log_tail,
    request_folder,
    started,
)

_LEAVES_WITHIN_S = 10.0
_DIES_WITHIN_S = 5.0


class ArmLost(BenchError):
    """An arm gave no answer; `failure` says how it ended."""

    def __init__(self, failure: ChildFailed) -> None:
        super().__init__(failure.message, hint=failure.hint)
        self.failure = failure


class Live(Protocol):
    """An arm that is open."""

    @property
    def pid(self) -> int: ...

    def hear(self, timeout_s: float) -> Mapping[str, Any]:
        """Return its next line; raises ArmLost where none comes within `timeout_s`."""
        ...

    def ask(self, command: Mapping[str, object], timeout_s: float) -> Mapping[str, Any]:
        """Give it a command and return its answer; raises ArmLost."""
        ...


OpenArm = Callable[..., AbstractContextManager[Live]]


@contextmanager
def open_arm(
    request: Mapping[str, Any], *, python: Path, env: Mapping[str, str]
) -> Iterator[LiveArm]:
    """Start an arm on `request` (an ArmRequest's JSON) and end it afterwards, whatever happened.

    It opens its engine meanwhile: `hear` tells when it is ready. Raises Unavailable where `python`
    can't be started.
    """
    with request_folder() as folder:
        heard, replies = os.pipe()
        try:
            write_json(folder / REQUEST, {**request, "replies_fd": replies})
            with started(
                MODULE,
                folder,
                python,
                child_environment(env),
                stdin=subprocess.PIPE,
                pass_fds=[replies],
            ) as process:
                os.close(replies)
                replies = -1
                with _commands_closed(process):
                    yield LiveArm(process=process, folder=folder, replies=heard)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LEAVES_WITHIN_S)  # it was told to quit and tears down
        finally:
            for descriptor in (heard, replies):
                if descriptor >= 0:
                    os.close(descriptor)


@contextmanager
def _commands_closed(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Close the arm's standard input afterwards: an arm that hears no more commands leaves."""
    try:
        yield
    finally:
        if process.stdin is not None:
            with suppress(OSError):  # the arm has gone, and a command is still in the buffer
                process.stdin.close()


@dataclass(slots=True, kw_only=True)
class LiveArm:
    """A process that holds one engine open."""

    process: subprocess.Popen[bytes]
    folder: Path
    replies: int
    _rest: bytes = b""
    _began: int = field(default_factory=time.perf_counter_ns)

    @property
    def pid(self) -> int:
        return self.process.pid

    def ask(self, command: Mapping[str, object], timeout_s: float) -> Mapping[str, Any]:
        assert self.process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self.process.stdin.write(json.dumps(command).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise ArmLost(self._end(timeout_s)) from None
        return self.hear(timeout_s)

    def hear(self, timeout_s: float) -> Mapping[str, Any]:
        line = self._line(time.monotonic() + timeout_s, timeout_s)
        try:
            reply = json.loads(line)
        except ValueError:
            reply = None
        if not isinstance(reply, dict):
            raise ArmLost(self._garbage())
        return reply

    def _line(self, deadline: float, timeout_s: float) -> bytes:
        poll = select.poll()
        poll.register(self.replies, select.POLLIN)
        while b"\n" not in self._rest:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not poll.poll(left_s * 1000):
                raise ArmLost(self._judged(None, timeout_s))
            data = os.read(self.replies, 1 << 16)
            if not data:
                raise ArmLost(self._end(timeout_s))
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _end(self, timeout_s: float) -> ChildFailed:
        """Say how an arm ended that has closed its pipe."""
        try:
            status: int | None = self.process.wait(_DIES_WITHIN_S)
        except subprocess.TimeoutExpired:
            status = None
        return self._judged(status, timeout_s)

    def _judged(self, status: int | None, timeout_s: float) -> ChildFailed:
        wall_ns = time.perf_counter_ns() - self._began
        result = judge(self.folder, status, self.pid, wall_ns, timeout_s)
        return result if isinstance(result, ChildFailed) else self._garbage()

    def _garbage(self) -> ChildFailed:
        return ChildFailed(
            kind="garbage-reply",
            message="the arm's answer isn't one",
            hint="its interpreter runs another version of the harness",
            log_tail=log_tail(self.folder),
        )
