"""How much memory is left, of this machine and of the control group that this process is in."""

from __future__ import annotations

from pathlib import Path

from bench.devices.host.procfs import LIVE, first_integer, memory, text

# One more arm may take all of it: the largest measured so far held 670 MiB (x2_0 at batch 8), which
# is a fifth of a machine of 3.3 GiB.
_LEFT = 0.2
_GROUP = "sys/fs/cgroup"


def has_room(root: Path = LIVE) -> bool:
    """Tell whether a fifth of the memory is free, or how much is free isn't known."""
    return all(free >= _LEFT * total for free, total in (_machine(root), _group(root)))


def _machine(root: Path) -> tuple[float, float]:
    """Return what is free and how much there is, zeros where it isn't known."""
    total = memory(root, "MemTotal", kib_per_unit=1)
    free = memory(root, "MemAvailable", kib_per_unit=1)
    return (0.0, 0.0) if total is None or free is None else (free, total)


def _group(root: Path) -> tuple[float, float]:
    """Return the same of the control group that this process sees as its own (cgroup v2)."""
    limit = text(root / _GROUP / "memory.max")
    used = text(root / _GROUP / "memory.current")
    if not (limit.isdecimal() and used.isdecimal()):
        return 0.0, 0.0
    cached = first_integer(r"^file (\d+)", text(root / _GROUP / "memory.stat")) or 0
    return int(limit) - int(used) + cached, int(limit)
