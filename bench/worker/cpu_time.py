"""How long a burst of samples had the CPU, and how long its threads waited for one.

Read right before and after a burst, never within a timed call: proc(5), the second field of a
thread's schedstat is its time on a run queue in ns. A thread that waits at a reading counts in the
next burst; one that ends counts up to the reading before. Elsewhere than on Linux nothing is known.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.core.cell import Sampling
from bench.core.units import Nanoseconds
from bench.worker.counters import COUNTERS, grown
from bench.worker.sampling import Sample

# The kernel turns some 0.1 ms of a neighbour away in one burst into 0.2% of it, and what two
# readings (0.3 ms at most) and a canary (0.4 ms) cost stays a small part of the session.
BURST_NS = 50_000_000
_LEAST_BURSTS = 4  # so that some are left where others disturbed one or two

_KNOWN = ("samples", "wait_ns", "cpu_ns", "wall_ns")
_MORE = ("started_ns", "canary_ns", *COUNTERS)

OWN_CLOCK = time.CLOCK_PROCESS_CPUTIME_ID


@dataclass(frozen=True, slots=True)
class CpuTime:
    """So far, in ns: each thread's wait by its id, the process's time on a CPU, and the clock."""

    waited: Mapping[str, int]
    cpu: int
    at: int


def cpu_clock(pid: int) -> int:
    """Return the id of the clock that counts a process's time on a CPU (clock_getcpuclockid(3))."""
    return (~pid << 3) | 2


def read_cpu_time(tasks: Path, clock: int = OWN_CLOCK) -> CpuTime | None:
    """Return what the threads in `tasks` have waited; None where the kernel doesn't count it."""
    waited, counted = {}, False
    for tid, (on_cpu, wait) in _schedstats(tasks):
        waited[tid] = wait
        # A kernel that doesn't count writes zeros; a process that reads this has run.
        counted = counted or on_cpu > 0
    try:
        cpu = time.clock_gettime_ns(clock)
    except OSError:  # the process has ended
        return None
    return CpuTime(waited, cpu, time.perf_counter_ns()) if counted else None


def _schedstats(tasks: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each thread's id, its time on a CPU and its wait; plain paths take a third of the time
    that Path objects do.
    """
    folder = str(tasks)
    try:
        tids = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return
    for tid in tids:
        try:
            with open(f"{folder}/{tid}/schedstat", "rb", buffering=0) as file:  # noqa: PTH123
                on_cpu, wait = file.read(64).split()[:2]
            yield tid, (int(on_cpu), int(wait))
        except (OSError, ValueError):
            continue  # it has ended meanwhile


def burst_figures(
    before: CpuTime | None,
    after: CpuTime | None,
    counts: tuple[Mapping[str, int], Mapping[str, int]] = ({}, {}),
    canary_ns: int | None = None,
) -> dict[str, int]:
    """Return {wait_ns, cpu_ns, wall_ns, started_ns} between two readings, and what is known of
    {canary_ns, *COUNTERS}; nothing where a reading isn't known.

    started_ns is on the clock of all processes of this machine since its start (CLOCK_MONOTONIC).
    """
    if before is None or after is None:
        return {}
    waits = (ns - before.waited.get(tid, 0) for tid, ns in after.waited.items())
    return {
        "wait_ns": sum(max(wait, 0) for wait in waits),
        "cpu_ns": after.cpu - before.cpu,
        "wall_ns": after.at - before.at,
        "started_ns": before.at,
        **({} if canary_ns is None else {"canary_ns": canary_ns}),
        **grown(*counts),
    }


@dataclass(frozen=True, slots=True)
class Watch:
    """What is read around each burst of a process, and the canary that runs before it."""

    cpu_time: Callable[[], CpuTime | None]
    counts: Callable[[], Mapping[str, int]] = dict
    canary: Callable[[], int | None] = lambda: None

    def burst(self, sample: Sample, count: int) -> tuple[list[Nanoseconds], dict[str, int]]:
        """Take a burst of `count` samples; return them and the burst's figures."""
        canary_ns = self.canary()
        counted = self.counts()
        before = self.cpu_time()
        samples = sample(count)
        after = self.cpu_time()
        return samples, burst_figures(before, after, (counted, self.counts()), canary_ns)


def calls_per_burst(warm_ns: Sequence[int], rule: Sampling) -> int:
    """Return how many inferences make a burst of BURST_NS; of a fast net's session a quarter.

    The fastest of the warm-up decides: a machine that is busy just then would make bursts short.
    """
    each_ns = max(min(warm_ns, default=BURST_NS), 1)
    return max(1, min(math.ceil(BURST_NS / each_ns), rule.samples // _LEAST_BURSTS))


class Bursts:
    """Takes samples burst by burst, and keeps what `watch` reads around each."""

    def __init__(self, sample: Sample, watch: Watch) -> None:
        self._sample = sample
        self._watch = watch
        self._taken: list[dict[str, int]] = []

    def sample(self, count: int) -> list[Nanoseconds]:
        """Take one burst of `count` samples."""
        samples, figures = self._watch.burst(self._sample, count)
        self._taken.append({"samples": len(samples), **figures})
        return samples

    def figures(self) -> dict[str, list[int]] | None:
        """Return the columns of the bursts so far."""
        return columns(self._taken)


def columns(bursts: Sequence[Mapping[str, int]]) -> dict[str, list[int]] | None:
    """Return each figure that all `bursts` have as a list, one of each a burst.

    `bursts` are {"samples": count, **burst_figures(...)}. None where a wait isn't known.
    """
    names = [name for name in (*_KNOWN, *_MORE) if all(name in burst for burst in bursts)]
    if not set(_KNOWN) <= set(names):
        return None
    return {name: [burst[name] for burst in bursts] for name in names}
