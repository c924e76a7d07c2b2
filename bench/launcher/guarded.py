"""Start a program below a guard, wait for it, end it: nothing of it stays, whatever happens."""

from __future__ import annotations

import errno
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bench.core.errors import Unavailable
from bench.core.protocol import STDERR, STDOUT, read_regular
from bench.core.threads import ended_by
from bench.launcher.guard import FLOODED, NOTE
from bench.launcher.orphans import end_orphans

_GUARD = Path(__file__).with_name("guard.py")
_ENDS_WITHIN_S = 10.0
_INTERRUPTS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@contextmanager
def started(
    command: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    *,
    stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    cwd: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start `command` below a guard (`bench.launcher.guard`), its logs in `folder`.

    It works there or in `cwd`, and its temporary files go with that folder. What is yielded is the
    guard: it ends as the command does, and has ended the command and all that this started when
    the context ends, or this process dies. Raises Unavailable where the program can't be started,
    and KeyboardInterrupt in a thread whose pool ended meanwhile.
    """
    _check_program(command[0])
    guard = [sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), str(folder)]
    with ExitStack() as ending:
        with uninterrupted():
            out = ending.enter_context((folder / STDOUT).open("wb"))
            err = ending.enter_context((folder / STDERR).open("wb"))
            process = subprocess.Popen(
                [*guard, *command],
                stdin=stdin,
                stdout=out,
                stderr=err,
                env={**env, "TMPDIR": str(folder)},
                cwd=cwd or folder,
                pass_fds=pass_fds,
                start_new_session=True,
            )
            ending.callback(_end, process, folder)
        with ended_by(process.terminate):
            yield process


def _check_program(program: str) -> None:
    if shutil.which(program) is None:
        missing = errno.EACCES if Path(program).exists() else errno.ENOENT
        raise Unavailable(
            f"the interpreter {program} can't be started: {os.strerror(missing)}",
            hint="delete its environment, which is then built again, or give one with --env",
        )


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Have the guard end everything; kill a guard that doesn't, and what it leaves with it."""
    with uninterrupted():
        process.terminate()
        try:
            process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode == -signal.SIGKILL:  # the guard itself may have been killed
            end_orphans(folder)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put Ctrl-C and requests to end off until the context ends.

    An interruption between a process's start and the note that it is to be ended would leave it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is ever interrupted
        return
    came: list[tuple[int, FrameType | None]] = []
    before = {number: signal.getsignal(number) for number in _INTERRUPTS}
    own = {number: handler for number, handler in before.items() if callable(handler)}
    for number in own:
        signal.signal(number, lambda *what: came.append(what))
    try:
        yield
    finally:
        for number, handler in own.items():
            signal.signal(number, handler)
        if came:
            first, frame = came[0]
            own[signal.Signals(first)](first, frame)


@contextmanager
def ended(pid: int) -> Iterator[select.poll]:
    """Yield what polls for the end of a process (Linux 5.3) and what else is registered there."""
    poll, descriptor = select.poll(), -1
    with suppress(AttributeError, ProcessLookupError):  # elsewhere; or nobody's any more
        descriptor = os.pidfd_open(pid)
        poll.register(descriptor, select.POLLIN)
    try:
        yield poll
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def wait(process: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    """Return the exit status, or None at the time-out, asleep all the while.

    Popen.wait(timeout) polls; a pidfd (Linux 5.3) lets the parent sleep while the child measures.
    """
    if hasattr(os, "pidfd_open"):
        with ended(process.pid) as poll:
            poll.poll(timeout_s * 1000)
        return process.poll()
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None


@dataclass(frozen=True, slots=True)
class Note:
    """What the guard in a folder says: the command's process (None: not started yet), the processes
    that the command left running, and whether it was ended for what it printed.
    """

    pid: int | None = None
    left: tuple[str, ...] = ()
    flooded: bool = False


def note_in(folder: Path) -> Note:
    """Return the guard's note, an empty one where there is none."""
    try:
        first, *left = read_regular(folder / NOTE).decode().splitlines()
        pid, _, flooded = first.partition(" ")
        return Note(int(pid), tuple(left), flooded == FLOODED)
    except (OSError, ValueError):
        return Note()
