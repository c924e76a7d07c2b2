"""What the processor's packages have used, by the counters of RAPL. Starts no process.

Of whole packages: what others run there and what idles counts too. Linux shows Intel's and AMD's
counters in the same folders (Documentation/power/powercap/powercap.rst); many kernels let only root
read them. Cores, memory and the platform are zones of their own, and counted in no package twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.devices.host.procfs import LIVE, integers, text

_ZONES = "sys/class/powercap/intel-rapl:*"
_MOST_W = 1000
_UJ_PER_J = 1_000_000


@dataclass(frozen=True, slots=True)
class Counter:
    """A package's energy so far in uJ; after `range_uj` it begins at 0 again."""

    energy_uj: int
    range_uj: int

    def __sub__(self, before: Counter) -> int:
        """Return what it has grown by since `before`, in uJ."""
        grown = self.energy_uj - before.energy_uj
        return grown if grown >= 0 else grown + self.range_uj


def packages(root: Path = LIVE) -> list[Path]:
    """Return the folders of the packages' counters, readable or not."""
    zones = sorted(root.glob(_ZONES))
    return [zone for zone in zones if text(zone / "name").startswith("package")]


def read_energy(root: Path = LIVE) -> dict[str, Counter]:
    """Return each package's counter by its folder's name; nothing where one can't be read."""
    found = {}
    for zone in packages(root):
        values = integers([text(zone / "energy_uj"), text(zone / "max_energy_range_uj")])
        if len(values) != 2 or min(values) < 0:
            return {}
        found[zone.name] = Counter(*values)
    return found


def used_j(
    before: Mapping[str, Counter], after: Mapping[str, Counter], seconds: float
) -> float | None:
    """Return the energy in J of all packages between two readings that are `seconds` apart.

    None where it isn't known: a package came or went, or its counter may have begun anew twice.
    """
    if not before or before.keys() != after.keys():
        return None
    if any(seconds * _MOST_W * _UJ_PER_J > it.range_uj for it in after.values()):
        return None
    used_uj = sum(after[name] - it for name, it in before.items())
    return round(used_uj / _UJ_PER_J, 6)
