"""One run of a program that is timed from its start to its end. Standard library only.

Called in a worker, whose guard ends what the program leaves. The worker's stderr is the program's,
and the guard watches its length; it is emptied before each run, so that it holds the last one's.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import BenchError, Unavailable

_ALL_OF_IT = 0.98
_PYTHON_IGNORES = [signal.SIGPIPE, signal.SIGXFSZ]


class ProgramFailed(BenchError):
    """A program ended otherwise than with status 0; `problem` says how, without its name."""

    kind = "command-failed"


@dataclass(frozen=True, slots=True)
class Run:
    """A run's duration and CPU time in ns, the latter with that of all that it waited for.

    `wait_ns` is how long it waited for a CPU. None: not known, since the kernel keeps it of a
    process's first thread alone, and that one didn't do the work.
    """

    wall_ns: int
    cpu_ns: int
    wait_ns: int | None


def timed_run(words: Sequence[str], env: Mapping[str, str]) -> Run:
    """Run a program, its input and output /dev/null, and return its times.

    Raises Unavailable where it can't be started, and ProgramFailed.
    """
    os.lseek(2, 0, os.SEEK_SET)
    os.ftruncate(2, 0)
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1)]
    began = time.perf_counter_ns()
    try:
        pid = os.posix_spawnp(
            words[0], list(words), env, file_actions=null, setsigdef=_PYTHON_IGNORES
        )
    except OSError as error:
        raise Unavailable(f"can't be started: {error.strerror}", hint="run it by itself") from error
    if hasattr(os, "waitid"):  # macOS has none before Python 3.13
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    wall_ns = time.perf_counter_ns() - began
    first = _first_thread(pid)
    _, status, usage = os.wait4(pid, 0)
    wall_ns = wall_ns if hasattr(os, "waitid") else time.perf_counter_ns() - began
    cpu_ns = round(1e9 * (usage.ru_utime + usage.ru_stime))
    if code := os.waitstatus_to_exitcode(status):
        raise ProgramFailed(_end(code), hint="run it by itself to see why")
    return Run(wall_ns, cpu_ns, first[1] if first and first[0] >= _ALL_OF_IT * cpu_ns else None)


def _first_thread(pid: int) -> tuple[int, int] | None:
    """Return the time on a CPU and the wait of a process's first thread in ns, by proc(5)."""
    try:
        on_cpu, wait = Path(f"/proc/{pid}/schedstat").read_bytes().split()[:2]
        return (int(on_cpu), int(wait)) if int(on_cpu) else None  # zeros: it isn't counted
    except (OSError, ValueError):
        return None


def _end(code: int) -> str:
    if code > 0:
        return f"left with status {code}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"died of signal {-code}"
