"""Runs one program for the harness and leaves nothing of it behind. A program of its own.

    python -I -S guard.py PARENT FOLDER COMMAND...

It starts COMMAND in a process group of its own and sleeps. It ends everything that COMMAND started,
however deep and in whatever group, once COMMAND has ended, the process PARENT has died, SIGTERM
came, or one of COMMAND's logs (its stdout and stderr, files) is longer than LOG_LIMIT. Then it ends
as COMMAND did: with its status, or of its signal. FOLDER/guard.txt has COMMAND's process, FLOODED
where a log was too long, and a line for each process that COMMAND left running.

The kernel does the main part: what COMMAND leaves becomes this process's own child, and COMMAND
dies should this process be killed (Linux; elsewhere only COMMAND's group is ended). Started by its
path and by itself, and before each session: it imports little, and of the standard library only.
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys
import time

NOTE = "guard.txt"
FLOODED = "flooded"
LOG_LIMIT = 64 << 20
_LOOKS_EVERY_S = 0.25  # at the logs' lengths
_LEAVE_WITHIN_S = 0.5  # what COMMAND started, once it has ended: a helper that hears of its end
_DIE_WITHIN_S = 5.0
_DEATH_SIGNAL, _ADOPTS = 1, 36  # PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER


def main(parent: int, folder: str, command: list[str]) -> int:
    """Run `command`; return its status, or die of its signal."""
    heard, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    _prctl(_ADOPTS, 1)
    _prctl(_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel knew whom to tell
        return 1
    child = os.fork()
    if child == 0:
        _become(command)
    _write(folder, str(child), [])
    _close_all_but(heard, wake)
    status = _wait(child, heard)
    left = [] if status is None else _left_after(_LEAVE_WITHIN_S)
    status = _end_all(child, status)
    if left or _is_flooded():
        _write(folder, f"{child} {FLOODED if _is_flooded() else ''}", left)
    return _leave(status)


def _close_all_but(heard: int, wake: int) -> None:
    """Close the pipes that are COMMAND's: who reads them waits for the last one to close them."""
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    for low, high in ((3, heard), (heard + 1, wake), (wake + 1, 1 << 16)):
        os.closerange(low, high)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _become(command: list[str]) -> None:
    guard = os.getppid()
    os.setsid()
    _prctl(_DEATH_SIGNAL, signal.SIGKILL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
        signal.signal(number, signal.SIG_DFL)
    try:
        if os.getppid() == guard:
            os.execvp(command[0], command)  # noqa: S606 - a list, never a shell
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _wait(child: int, heard: int) -> int | None:
    """Return the child's status, None where it is to be ended first."""
    poll = select.poll()
    poll.register(heard, select.POLLIN)
    while True:
        signals = os.read(heard, 64) if poll.poll(_LOOKS_EVERY_S * 1000) else b""
        status = _reap(child)
        if status is not None:
            return status
        if signal.SIGTERM in signals or _is_flooded():
            return None


def _is_flooded() -> bool:
    return any(os.fstat(log).st_size > LOG_LIMIT for log in (1, 2))


def _reap(child: int, status: int | None = None) -> int | None:
    """Take in all children that have ended; return `status`, or the child's where it is one.

    Raises ChildProcessError once there are no children any more.
    """
    while True:
        pid, ended = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return status
        if pid == child:
            return ended


def _left_after(within_s: float) -> list[str]:
    """Return the processes that are still there after a while, by name."""
    until = time.monotonic() + within_s
    try:
        while time.monotonic() < until:
            _reap(0)
            time.sleep(0.01)
    except ChildProcessError:
        return []
    return [f"{name!r} (pid {pid})" for pid, name in _children()]


def _end_all(child: int, status: int | None) -> int:
    """Kill until there is nothing left to kill; return the child's status."""
    until = time.monotonic() + _DIE_WITHIN_S
    try:
        while time.monotonic() < until:
            status = _reap(child, status)
            _kill(os.killpg, child)
            for pid, _ in _children():
                _kill(os.kill, pid)
            time.sleep(0.005)
    except ChildProcessError:
        pass
    return signal.SIGKILL if status is None else status


def _kill(kill: object, pid: int) -> None:
    try:
        kill(pid, signal.SIGKILL)  # type: ignore[operator]
    except (ProcessLookupError, PermissionError):
        pass


def _children() -> list[tuple[int, str]]:
    """Return this process's children and their names; none where there is no /proc."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else []):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                head, _, tail = file.read().decode("utf-8", "replace").rpartition(")")
        except OSError:
            continue
        if int(tail.split()[1]) == os.getpid():
            found.append((int(name), head.partition("(")[2]))
    return found


def _write(folder: str, first: str, left: list[str]) -> None:
    beside = os.path.join(folder, f".{NOTE}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        with open(os.open(beside, flags, 0o600), "w", encoding="utf-8") as file:
            file.write("\n".join([first, *left]))
        os.replace(beside, os.path.join(folder, NOTE))
    except OSError:  # a full disk, say: the child's end is told by its status all the same
        pass


def _leave(status: int) -> int:
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
