"""How much of this machine's CPU others use just now, and which of them. Starts no process.

Read from /proc/stat and /proc/*/stat (proc(5)) over a short window in which this process sleeps;
the time that a hypervisor took isn't in it. Elsewhere than on Linux nothing is known.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.devices.host.procfs import LIVE, text

WINDOW_S = 0.3
_NAMED = 3
_LEAST_NAMED = 0.05

# user, nice, system, irq and softirq of a line of /proc/stat: not idle, iowait and steal.
_BUSY_COLUMNS = (0, 1, 2, 5, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """How many of the `cores` that this process may use others keep busy, and the busiest of them
    by name, each with its cores.
    """

    used: float
    cores: int
    processes: tuple[tuple[str, float], ...] = ()

    @property
    def is_quiet(self) -> bool:
        """Whether so little runs that a session rarely waits for it: a tenth of a core."""
        return self.used <= max(0.1, 0.05 * self.cores)

    @property
    def sentence(self) -> str:
        """How busy it is: `busy: 1.8 of 2 cores used by others (python 1.0, cc1plus 0.8)`."""
        word = "quiet" if self.is_quiet else "busy"
        named = ", ".join(f"{name} {cores:.1f}" for name, cores in self.processes)
        most = f"{word}: {self.used:.1f} of {self.cores} cores used by others"
        return f"{most} ({named})" if named else most


@dataclass(frozen=True, slots=True)
class _Ticks:
    """Ticks so far: of each core that this process may use those that were busy and all, and of
    each other process on them its name and those it worked.
    """

    cores: Mapping[str, tuple[int, int]]
    processes: Mapping[str, tuple[str, int]]


def read_busy(
    root: Path = LIVE,
    *,
    sleep: Callable[[float], None] = time.sleep,
    window_s: float = WINDOW_S,
) -> Busy | None:
    """Return how busy others keep this machine over `window_s`, None where that can't be read."""
    before = _read(root)
    sleep(window_s)
    after = _read(root)
    busy, every = (
        sum(ticks[at] - before.cores.get(core, ticks)[at] for core, ticks in after.cores.items())
        for at in (0, 1)
    )
    if every <= 0:
        return None
    cores = len(after.cores)
    worked: Counter[str] = Counter()
    for pid, (name, ticks) in after.processes.items():
        worked[name] += ticks - before.processes.get(pid, (name, 0))[1]
    shares = [(name, cores * ticks / every) for name, ticks in worked.most_common(_NAMED)]
    return Busy(
        used=cores * max(0, busy) / every,
        cores=cores,
        processes=tuple((name, used) for name, used in shares if used >= _LEAST_NAMED),
    )


def _read(root: Path) -> _Ticks:
    affinity = getattr(os, "sched_getaffinity", None)
    usable = {str(core) for core in affinity(0)} if affinity else set()
    lines = re.findall(r"^cpu(\d+) (.+)$", text(root / "proc/stat"), flags=re.MULTILINE)
    cores = {core: _busy_and_all(line.split()) for core, line in lines if core in usable}
    processes = {}
    for stat in root.glob("proc/[0-9]*/stat"):
        # The name in parentheses may hold spaces and parentheses.
        head, _, rest = text(stat).rpartition(")")
        fields = rest.split()
        if len(fields) > 36 and fields[36] in usable and stat.parent.name != str(os.getpid()):
            ticks = int(fields[11]) + int(fields[12])
            processes[stat.parent.name] = (head.partition("(")[2], ticks)
    return _Ticks(cores, processes)


def _busy_and_all(columns: list[str]) -> tuple[int, int]:
    ticks = [int(column) for column in columns[:8]]
    return sum(ticks[at] for at in _BUSY_COLUMNS if at < len(ticks)), sum(ticks)
