"""The process that does a session's work: its threads, what it has used, and its facts."""

from __future__ import annotations

import os
import platform
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bench.runners.base import Capability, RemoteSession, Session, Usage
from bench.worker import subnormals
from bench.worker.canary import canary_ns
from bench.worker.counters import Counters
from bench.worker.cpu_time import OWN_CLOCK, CpuTime, Watch, cpu_clock, read_cpu_time
from bench.worker.threads import TASKS

# ru_maxrss is in KiB on Linux and in bytes on macOS (getrusage(2) of each).
_RSS_PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10
_STATUS = Path("/proc/self/status")


def peak_rss_mib() -> float:
    """Return the most memory that this program has held, in MiB.

    Not ru_maxrss where /proc is: on Linux that survives exec, and a child of a parent of 200 MiB
    that holds 14 says 213.
    """
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _RSS_PER_MIB, 1)


@dataclass(frozen=True, slots=True)
class Process:
    """The process that does a session's work: where its threads are read, and what it has used."""

    tasks: Path
    usage: Callable[[], Usage]
    counters: Counters
    clock: int = OWN_CLOCK

    @property
    def watch(self) -> Watch:
        """Return what is read around each of its bursts; the canary runs in this process."""
        return Watch(self.cpu_time, self.counters.read, canary_ns)

    def cpu_time(self) -> CpuTime | None:
        """Return what its threads have run and waited so far, None where that isn't known."""
        return read_cpu_time(self.tasks, self.clock)


def process_of(session: Session, capabilities: frozenset[Capability]) -> Process:
    """Return the process that does the work of `session`: this one, or one that it names."""
    if "remote" not in capabilities:
        return Process(TASKS, own_usage, Counters(TASKS, own=True))
    remote = cast("RemoteSession", session)
    tasks = Path("/proc") / str(remote.pid) / "task"
    return Process(tasks, remote.usage, Counters(tasks, own=False), cpu_clock(remote.pid))


def own_usage() -> Usage:
    """Return what this process has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(
        involuntary_switches=used.ru_nivcsw,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_rss_mib=peak_rss_mib(),
    )


def spent(before: Usage, after: Usage) -> dict[str, float]:
    """Return the covariates of the work between two readings."""
    return {
        "involuntary_switches": after.involuntary_switches - before.involuntary_switches,
        "cpu_s": round(after.cpu_s - before.cpu_s, 6),
    }


def process_facts(*, works_here: bool) -> dict[str, str]:
    """Return the facts of this process: its interpreter, the cores it may run on and, where the
    engine's arithmetic is its own, what becomes of subnormal numbers.
    """
    facts = {"python": platform.python_version()}
    if works_here:
        facts["subnormals"] = subnormals.effective()
    if hasattr(os, "sched_getaffinity"):
        facts["affinity"] = ",".join(str(core) for core in sorted(os.sched_getaffinity(0)))
    return facts
