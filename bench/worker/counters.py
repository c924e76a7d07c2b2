"""Running counts that explain a slow sample, read right before and after a burst, never within.

proc(5) and Linux Documentation/ scheduler/sched-design-CFS.rst, scheduler/sched-bwc.rst: faults and
migrations are those of the process that does the work, steal is the whole machine's, throttling
that of the worker's cgroups. What can't be read has no name; elsewhere than on Linux that is all.
"""

from __future__ import annotations

import gc
import os
import re
import time
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path

from bench.devices.host.procfs import LIVE, cpu_groups

COUNTERS = (
    "major_faults",
    "minor_faults",
    "migrations",
    "involuntary_switches",
    "throttled_periods",
    "throttled_us",
    "steal_ms",
    "collections",
)

Counts = dict[str, int]
Reader = Callable[[], Counts]

# Two readings stay below 1% of a burst of 50 ms. /proc/stat takes longer with more cores and their
# interrupts, the folder of tasks with more threads (some 18 us each).
MOST_NS = 200_000
_TRIES = 3

_MIGRATIONS = re.compile(rb"^se\.nr_migrations\s*:\s*(\d+)", re.MULTILINE)
_SWITCHES = re.compile(rb"^nr_involuntary_switches\s*:\s*(\d+)", re.MULTILINE)
_PERIODS = re.compile(rb"^nr_throttled (\d+)", re.MULTILINE)
_THROTTLED = re.compile(rb"^throttled_(usec|time) (\d+)", re.MULTILINE)  # cgroup v1: time, in ns


class Counters:
    """Reads the counts of the process whose threads are in `tasks`; `own`: it is this process.

    What one reading takes is bounded by MOST_NS: `chosen` has the readers that fit in, by the
    fastest of a few first readings; the others' counts aren't known.
    """

    def __init__(
        self,
        tasks: Path,
        *,
        own: bool,
        root: Path = LIVE,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        folder, proc = str(tasks), str(tasks.parent)
        throttled = [str(path / "cpu.stat") for path in cpu_groups(root)]
        throttled = [path for path in throttled if _PERIODS.search(_read(path))]
        self.readers: tuple[Reader, ...] = (
            _collector if own else dict,
            partial(_faults, f"{proc}/stat"),
            partial(_throttling, throttled),
            partial(_scheduler, folder),
            partial(_steal, str(root / "proc/stat")),
        )
        self._clock = clock

    def read(self) -> Counts:
        """Return the counts so far, by those names of COUNTERS that are known."""
        counts: Counts = {}
        for read in self.chosen:
            counts.update(read())
        return counts

    @cached_property
    def chosen(self) -> tuple[Reader, ...]:
        """Read each for the first times, and return those that fit in."""
        fitting, left_ns = [], MOST_NS
        for read in self.readers:
            cost_ns = self._cost(read)
            if cost_ns <= left_ns:
                fitting.append(read)
                left_ns -= cost_ns
        return tuple(fitting)

    def _cost(self, read: Reader) -> int:
        times = []
        for _ in range(_TRIES):
            started = self._clock()
            read()
            times.append(self._clock() - started)
        return min(times)


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> Counts:
    """Return by how much each count that is in both grew; a thread that ended takes nothing back.

    steal_ms can go back too (proc(5)).
    """
    return {
        name: max(after[name] - before[name], 0)
        for name in COUNTERS
        if name in before and name in after
    }


def _read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a third of a Path's time
            return file.read(4096)
    except OSError:
        return b""


def _faults(path: str) -> Counts:
    """Read what the whole process has faulted: fields 10 and 12, counted after the name."""
    fields = _read(path).rpartition(b")")[2].split()
    try:
        return {"minor_faults": int(fields[7]), "major_faults": int(fields[9])}
    except (IndexError, ValueError):
        return {}


def _scheduler(folder: str) -> Counts:
    """Sum how often the threads went to another core, and were pushed off theirs."""
    try:
        tids = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return {}
    moved = pushed = known = 0
    for tid in tids:
        text = _read(f"{folder}/{tid}/sched")
        migrations, switches = _MIGRATIONS.search(text), _SWITCHES.search(text)
        if migrations and switches:
            moved, pushed, known = moved + int(migrations[1]), pushed + int(switches[1]), known + 1
    return {"migrations": moved, "involuntary_switches": pushed} if known else {}


def _throttling(paths: list[str]) -> Counts:
    """Sum in how many periods, and how long, a quota held back the groups; {}: none can be."""
    periods = us = 0
    for path in paths:
        text = _read(path)
        if found := _PERIODS.search(text):
            periods += int(found[1])
        if time_ := _THROTTLED.search(text):
            us += int(time_[2]) // (1 if time_[1] == b"usec" else 1000)
    return {"throttled_periods": periods, "throttled_us": us} if paths else {}


def _steal(path: str) -> Counts:
    fields = _read(path).split(b"\n", 1)[0].split()
    if len(fields) < 9 or fields[0] != b"cpu":
        return {}
    return {"steal_ms": int(fields[8]) * 1000 // os.sysconf("SC_CLK_TCK")}


def _collector() -> Counts:
    return {"collections": sum(each["collections"] for each in gc.get_stats())}
