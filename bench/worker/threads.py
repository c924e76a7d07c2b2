"""What is effective in this process, as against requested: threads that worked, and on which cores.

Read from /proc/self/task before and after sampling, never during (proc(5): schedstat's first field
is a thread's time on a CPU in ns, stat's 39th the CPU it last ran on). Standard library only;
elsewhere than on Linux nothing is known, and nothing is said.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TASKS = Path("/proc/self/task")

# A thread that ran for less than this share of the busiest one's time helped, it did not share the
# work. Paddle 3.3's executor keeps one that frees tensors: with 1 thread it ran for 0.21-0.25 of
# the busiest one's time; with 2, the second worker ran for 0.83-0.90.
_WORKED = 0.5


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread's time on a CPU so far (ns) and the core that it last ran on."""

    on_cpu_ns: int
    core: int


def read_threads(tasks: Path = TASKS) -> dict[str, Thread]:
    """Return this process's threads by id, empty where they can't be read."""
    threads: dict[str, Thread] = {}
    for folder in sorted(tasks.glob("[0-9]*")):
        try:
            on_cpu = int((folder / "schedstat").read_text().split()[0])
            # The name in parentheses may hold spaces: count the fields after it.
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            threads[folder.name] = Thread(on_cpu, int(after_name[36]))
        except (OSError, ValueError, IndexError):
            continue
    return threads


def worked(before: Mapping[str, Thread], after: Mapping[str, Thread]) -> dict[str, str]:
    """Return how many threads worked between two readings, and on which cores they ended."""
    spent = {
        tid: (thread.on_cpu_ns - before[tid].on_cpu_ns if tid in before else thread.on_cpu_ns)
        for tid, thread in after.items()
    }
    busiest = max(spent.values(), default=0)
    if busiest <= 0:
        return {}
    workers = [tid for tid, ns in spent.items() if ns >= _WORKED * busiest]
    cores = sorted({after[tid].core for tid in workers})
    return {
        "threads_worked": str(len(workers)),
        "cores_worked": ",".join(str(core) for core in cores),
    }


# Intel's OpenMP lets its threads spin for 200 ms after the last work (KMP_BLOCKTIME): they would
# take the other arm's cores. A running thread's time on a CPU is updated at each tick of the
# scheduler only, which is at most 10 ms long.
_QUIET_CAP_S = 0.4


_QUIET_LOOK_S = 0.012


_QUIET_SHARE = 0.2


def pin(cores: Sequence[int], tasks: Path = TASKS) -> None:
    """Bind every thread that there is to `cores`; later ones inherit it from their makers.

    Does nothing where the system has no such call (macOS).
    """
    if not hasattr(os, "sched_setaffinity"):
        return
    for folder in tasks.glob("[0-9]*"):
        with suppress(ProcessLookupError):  # it has ended meanwhile
            os.sched_setaffinity(int(folder.name), cores)


def wait_until_quiet(
    read: Callable[[], Mapping[str, Thread]], sleep: Callable[[float], None]
) -> float:
    """Sleep until no thread of this process works any more, `_QUIET_CAP_S` at most.

    Returns the seconds slept; `read` returns each thread's time on a CPU.
    """
    slept_s = 0.0
    before = read()
    while slept_s < _QUIET_CAP_S:
        sleep(_QUIET_LOOK_S)
        slept_s += _QUIET_LOOK_S
        after = read()
        spent_ns = sum(thread.on_cpu_ns for thread in after.values()) - sum(
            thread.on_cpu_ns for thread in before.values()
        )
        if spent_ns <= _QUIET_SHARE * _QUIET_LOOK_S * 1e9:
            break
        before = after
    return slept_s
