"""Arms of one engine, forked from a worker that has imported it: `bench.worker.forks` is its side.

An arm is a worker as any other. What differs is who started it: its status is its forker's to tell.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.core.program import command
from bench.core.protocol import MODULE, REQUEST, request_for, write_json
from bench.launcher.client import Worker, WorkerFailed, open_child
from bench.launcher.environment import child_environment
from bench.launcher.process import ChildFailed, request_folder

_IMPORTS_WITHIN_S = 120.0
_FORKS_WITHIN_S = 10.0
_ANSWERS_WITHIN_S = 5.0


class _Pipes:
    """The two pipes of an arm; its own ends are open here too, until it has been forked."""

    def __init__(self) -> None:
        self.commands_fd, written = os.pipe()
        self.heard, self.replies_fd = os.pipe()
        self.commands = os.fdopen(written, "wb")

    @property
    def arms_ends(self) -> Sequence[int]:
        return [end for end in (self.commands_fd, self.replies_fd) if end >= 0]

    def close_arms_ends(self) -> None:
        for end in self.arms_ends:
            os.close(end)
        self.commands_fd = self.replies_fd = -1

    def close(self) -> None:
        self.close_arms_ends()
        os.close(self.heard)
        with suppress(OSError):  # the arm has gone, and a call is still in the buffer
            self.commands.close()


_Ask = Callable[..., Mapping[str, Any]]


class _ForkedProcess:
    """What `bench.launcher.client.Child` needs of an arm's process."""

    def __init__(self, ask: _Ask, pid: int, pipes: _Pipes) -> None:
        self.pid = pid
        self.stdin = pipes.commands
        self._ask = ask
        self._status: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status; raises TimeoutExpired, and WorkerFailed without a forker."""
        if self._status is not None:
            return self._status
        within_s = timeout or 0.0
        try:
            answer = self._ask(
                "ended", pid=self.pid, within_s=within_s, timeout_s=within_s + _ANSWERS_WITHIN_S
            )
        except WorkerFailed as failed:
            raise WorkerFailed(_with_its_forker(failed.failure)) from failed
        if not isinstance(answer.get("status"), int):
            raise subprocess.TimeoutExpired("an arm", within_s)
        self._status = int(answer["status"])
        return self._status

    def kill(self) -> None:
        """End it, unless its forker has reaped it and its pid may be another's."""
        if self._status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _with_its_forker(failure: ChildFailed) -> ChildFailed:
    """Return the failure of an arm whose forker ended: not the arm's own, so no remedy for it."""
    return replace(
        failure,
        kind="killed",
        message="the process that had imported the engine ended, and this one with it: "
        f"{failure.message}",
        hint=f"measure it again with {command('run --resume latest')}",
    )


class _ForkedWorker(Worker):
    """An arm that is stopped whenever it has nothing to do.

    OpenMP's threads spin for 200 ms after their last work (KMP_BLOCKTIME), on the cores of the next
    arm; to wait for that takes four times as long as a burst.
    """

    __slots__ = ()

    def first(self, *, timeout_s: float) -> Mapping[str, Any]:
        answer = super().first(timeout_s=timeout_s)
        self._signal(signal.SIGSTOP)
        return answer

    def call(self, operation: str, *, timeout_s: float, **arguments: Any) -> Mapping[str, Any]:
        self._signal(signal.SIGCONT)
        answer = super().call(operation, timeout_s=timeout_s, paused=True, **arguments)
        self._signal(signal.SIGSTOP)
        return answer

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it has ended, and what it is asked says so
            os.kill(self.process.pid, number)


class Forker:
    """A worker that has imported an engine and forks arms of it, as many as it has pipes for."""

    def __init__(self, worker: Worker, folder: Path, own_fd: int, pipes: Sequence[_Pipes]) -> None:
        self.worker = worker
        self._folder = folder
        self._own_fd = own_fd
        self._pipes = list(pipes)
        self._lock = threading.Lock()  # several threads may have arms

    @property
    def left(self) -> int:
        """How many arms it can still fork."""
        return len(self._pipes)

    def fork(self, request: Mapping[str, Any], **limits: int) -> Worker:
        """Return an arm that does `request` meanwhile; raises WorkerFailed.

        `limits` may have `most_bytes`, which no file that the arm writes exceeds.
        """
        own = self._pipes.pop(0)
        folder = self._folder / f"arm-{len(self._pipes)}"
        folder.mkdir(mode=0o700)
        write_json(folder / REQUEST, {**request, "replies_fd": own.replies_fd})
        answer = self._ask(
            "fork",
            folder=str(folder),
            commands_fd=own.commands_fd,
            replies_fd=own.replies_fd,
            close_fds=[self._own_fd, *(end for one in self._pipes for end in one.arms_ends)],
            **limits,
            timeout_s=_FORKS_WITHIN_S,
        )
        own.close_arms_ends()
        process = _ForkedProcess(self._ask, int(answer["pid"]), own)
        return _ForkedWorker(process=process, folder=folder, replies=own.heard)

    def _ask(self, operation: str, *, timeout_s: float, **arguments: Any) -> Mapping[str, Any]:
        with self._lock:
            return self.worker.call(operation, timeout_s=timeout_s, **arguments)


OpenForker = Callable[..., AbstractContextManager[Forker]]


@contextmanager
def open_forker(
    runner: str | None = None,
    *,
    imports: Sequence[str] = (),
    python: Path,
    env: Mapping[str, str],
    most: int,
) -> Iterator[Forker]:
    """Start a worker that has imported the engine of `runner` ("module:Class"), for `most` arms.

    Without a runner it has imported the modules `imports`. It and all arms are ended afterwards,
    whatever happened. Raises WorkerFailed where the import ends it, Unavailable where `python`
    can't be started.
    """
    with request_folder() as folder, ExitStack() as ends:
        pipes = []
        for _ in range(most):
            pipes.append(_Pipes())
            ends.callback(pipes[-1].close)
        own_fd = -1

        def command(replies: int) -> list[str]:
            nonlocal own_fd
            own_fd = replies
            what = {"imports": list(imports)} if runner is None else {"runner": runner}
            request = request_for("preload", **what, replies_fd=replies)
            write_json(folder / REQUEST, request)
            return [str(python), "-m", MODULE, str(folder)]

        held = [end for one in pipes for end in one.arms_ends]
        environment = child_environment(env)
        with open_child(Worker, command, folder, environment, pass_fds=held) as worker:
            worker.first(timeout_s=_IMPORTS_WITHIN_S)
            yield Forker(worker, folder, own_fd, pipes)
