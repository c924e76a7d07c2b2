"""The machine's state just now, sensor by sensor. Starts no process.

Units stand in the names; what can't be read has no key. steal_ms, context_switches,
throttle_count, cgroup_throttled, cgroup_throttled_ms and cpu_pressure_ms are running counts: only
the difference of two readings means something. Sources: Linux Documentation/ filesystems/proc.rst,
admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst, accounting/psi.rst.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.devices.host.procfs import (
    CPU,
    LIVE,
    cpu_groups,
    each,
    first_integer,
    integers,
    memory,
    text,
)

Reading = str | int | float
Sensor = Callable[[Path], Mapping[str, Reading | None]]


def _load(root: Path) -> dict[str, float | None]:
    load = re.match(r"\d+(\.\d+)?", text(root / "proc/loadavg"))
    return {"load_1m": float(load[0]) if load else None}


def _memory(root: Path) -> dict[str, int | None]:
    return {"memory_available_mib": memory(root, "MemAvailable", kib_per_unit=1 << 10)}


def _clocks(root: Path) -> dict[str, str | int | None]:
    """Read each core's governor and frequency; /proc/cpuinfo's where there is no cpufreq."""
    governors = sorted(set(each(root, f"{CPU}/cpu[0-9]*/cpufreq/scaling_governor")))
    return {"governor": ",".join(governors) or None, "frequency_mhz": _frequency_mhz(root)}


def _frequency_mhz(root: Path) -> int | None:
    khz = integers(each(root, f"{CPU}/cpu[0-9]*/cpufreq/scaling_cur_freq"))
    if khz:
        return round(sum(khz) / len(khz) / 1000)
    mhz = re.findall(r"\ncpu MHz\s*: (\d+(?:\.\d+)?)\n", text(root / "proc/cpuinfo"))
    return round(sum(map(float, mhz)) / len(mhz)) if mhz else None


def _steal(root: Path) -> dict[str, int | None]:
    ticks = first_integer(r"^cpu +(?:\d+ ){7}(\d+)", text(root / "proc/stat"))
    return {"steal_ms": None if ticks is None else round(ticks * 1000 / os.sysconf("SC_CLK_TCK"))}


def _temperature(root: Path) -> dict[str, float | None]:
    """Read the highest; a sensor that is off or broken gives 0 or nonsense."""
    sensors = each(root, "sys/class/thermal/thermal_zone*/temp")
    for name in root.glob("sys/class/hwmon/hwmon*/name"):
        if text(name) in {"coretemp", "cpu_thermal", "k10temp", "zenpower"}:
            sensors += each(name.parent, "temp*_input")
    known = (c / 1000 for c in integers(sensors) if 0 < c < 150_000)
    return {"temperature_c": max(known, default=None)}


def _throttling(root: Path) -> dict[str, int | None]:
    """Read how often heat held the cores back, summed over what each logical core counts."""
    counts = integers(each(root, f"{CPU}/cpu[0-9]*/thermal_throttle/*_throttle_count"))
    return {"throttle_count": sum(counts) if counts else None}


def _cgroup(root: Path) -> dict[str, int | None]:
    """Read in how many periods, and how long, a quota held back this process's cgroup or one above.

    A cgroup whose cpu.stat doesn't count them has no CPU controller, hence no quota.
    """
    stats = [stat for folder in cpu_groups(root) if (stat := text(folder / "cpu.stat"))]
    counts = [first_integer(r"^nr_throttled (\d+)", stat) or 0 for stat in stats]
    us = [first_integer(r"^throttled_usec (\d+)", stat) or 0 for stat in stats]
    ns = [first_integer(r"^throttled_time (\d+)", stat) or 0 for stat in stats]  # cgroup v1
    return {
        "cgroup_throttled": sum(counts) if stats else None,
        "cgroup_throttled_ms": round(sum(us) / 1e3 + sum(ns) / 1e6) if stats else None,
    }


def _pressure(root: Path) -> dict[str, int | None]:
    """Read how long some process of the machine has waited for a CPU."""
    us = first_integer(r"^some .*total=(\d+)", text(root / "proc/pressure/cpu"))
    return {"cpu_pressure_ms": None if us is None else round(us / 1e3)}


def _context_switches(root: Path) -> dict[str, int | None]:
    return {"context_switches": first_integer(r"^ctxt (\d+)", text(root / "proc/stat"))}


SENSORS: Mapping[str, Sensor] = {
    "load": _load,
    "memory": _memory,
    "governor, frequency": _clocks,
    "steal": _steal,
    "temperature": _temperature,
    "throttling": _throttling,
    "cgroup throttling": _cgroup,
    "CPU pressure": _pressure,
    "context switches": _context_switches,
}


def read_state(root: Path = LIVE) -> dict[str, Reading]:
    """Read every sensor of the Linux tree at `root`."""
    readings = [sensor(root) for sensor in SENSORS.values()]
    return {
        name: value for reading in readings for name, value in reading.items() if value is not None
    }
