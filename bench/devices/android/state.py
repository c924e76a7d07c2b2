"""A phone's state just now, without root, in one round trip.

Units stand in the names, which are those of `bench.devices.host.state` where they mean the same;
what can't be read has no key. capped_cores counts the cores whose clock is held below its limit
just now, thermal_status is Android's own, 0 for none to 6 for shutdown. Sources: Android's
BatteryService, ThermalManagerService and PowerManagerService (their dump methods), Linux
Documentation/ filesystems/proc.rst, admin-guide/pm/cpufreq.rst, driver-api/thermal/sysfs-api.rst.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from bench.devices.android import sysfs
from bench.devices.android.adb.device import Device
from bench.devices.android.workspace import DF, free_mib

Reading = str | int | float

# `dumpsys` gives a service that hangs 10 s, and three services are read.
_TIMEOUT_S = 45.0

_THERMAL = "/sys/class/thermal"
# "soc" alone is a battery's state of charge on Qualcomm's; -step and -lowf repeat a sensor's zone
# for the kernel's own use.
_CPU_ZONE = re.compile(
    r"(?!.*-(?:step|lowf)$).*(?:cpu|tsens|cluster\d).*|(?:big|mid|little)\d?|soc[-_]thermal",
    re.IGNORECASE,
)
_HAL_CPU = re.compile(r"mValue=(-?\d+(?:\.\d+)?), mType=0,")
_POWERED = {"AC": "ac", "USB": "usb", "Wireless": "wireless", "Dock": "dock"}
_AWAKE = {"Awake": "on", "Dreaming": "on", "Dozing": "off", "Asleep": "off"}


def read_state(device: Device) -> dict[str, Reading]:
    """Read every sensor; raises what `sysfs.read` raises."""
    scripts = {name: text for name, (text, _) in _SENSORS.items()}
    texts = sysfs.read(device, scripts, timeout_s=_TIMEOUT_S)
    readings = [parse(texts.get(name, "")) for name, (_, parse) in _SENSORS.items()]
    return {
        name: value for reading in readings for name, value in reading.items() if value is not None
    }


def _load(text: str) -> dict[str, Reading | None]:
    load = re.search(r"^(\d{1,9}\.\d+) \d", text, re.MULTILINE)
    return {"load_1m": float(load[1]) if load else None}


def _memory(text: str) -> dict[str, Reading | None]:
    kib = sysfs.memory_kib(text, "MemAvailable")
    return {"memory_available_mib": None if kib is None else kib >> 10}


def _cores(text: str) -> dict[str, Reading | None]:
    files = sysfs.entries(text)
    governors = {value for path, value in files.items() if path.endswith("/scaling_governor")}
    khz = sysfs.per_core(files, "scaling_cur_freq").values()
    present, online = (sysfs.cores(files.get(name, "")) for name in ("present", "online"))
    return {
        "governor": ",".join(sorted(governors)) or None,
        "frequency_mhz": round(sum(khz) / len(khz) / 1000) if khz else None,
        "capped_cores": _capped(files),
        "offline_cores": len(present - online) if online else None,
    }


def _capped(files: Mapping[str, str]) -> int | None:
    limit, now = (sysfs.per_core(files, name) for name in ("cpuinfo_max_freq", "scaling_max_freq"))
    known = limit.keys() & now.keys()
    return sum(now[core] < limit[core] for core in known) if known else None


def _heat(text: str) -> dict[str, Reading | None]:
    """Read the hottest CPU zone, or what the thermal service says of the CPU where none is open."""
    known = list(_zones(text)) or list(_plausible(_HAL_CPU.findall(_hal(text))))
    return {
        "temperature_c": max(known, default=None),
        "thermal_status": _number(r"^Thermal Status: (\d+)", text),
    }


def _zones(text: str) -> Iterator[float]:
    files = sysfs.entries(text)
    kinds = {path.removesuffix("/type"): kind for path, kind in files.items()}
    named = (
        files.get(f"{zone}/temp", "") for zone, kind in kinds.items() if _CPU_ZONE.fullmatch(kind)
    )
    return _plausible(named)


def _plausible(values: Iterator[str] | list[str]) -> Iterator[float]:
    """Yield degrees; older kernels give degrees, newer ones thousandths; a dead sensor nonsense."""
    for value in values:
        if re.fullmatch(r"-?\d+(\.\d+)?", value):
            celsius = float(value) / (1 if abs(float(value)) < 1000 else 1000)
            if 0 < celsius < 150:
                yield round(celsius, 3)


def _hal(text: str) -> str:
    """Return the temperatures of now; those above them in the dump are older."""
    _, _, now = text.partition("Current temperatures from HAL:")
    return now.partition("\nCurrent cooling")[0] or text


def _battery(text: str) -> dict[str, Reading | None]:
    """Read charge and power; nothing while `dumpsys battery set` or `unplug` makes them up."""
    if "UPDATES STOPPED" in text:
        return {}
    powered = dict(re.findall(r"^[ \t]*(\w+) powered: (true|false)$", text, re.MULTILINE))
    sources = [word for name, word in _POWERED.items() if powered.get(name) == "true"]
    power = {"power": sources[0] if sources else "battery" if powered else None}
    if re.search(r"^[ \t]*present: false$", text, re.MULTILINE):
        return {**power}
    level, tenths = (
        _number(rf"^[ \t]*{field}: (-?\d+)$", text) for field in ("level", "temperature")
    )
    scale = _number(r"^[ \t]*scale: ([1-9]\d*)$", text) or 100
    return {
        "battery_percent": None if level is None or level < 0 else round(100 * level / scale),
        "battery_temperature_c": None if tenths is None else tenths / 10,
        **power,
    }


def _screen(text: str) -> dict[str, Reading | None]:
    """Read the display's state, or where a version lacks it whether the phone is awake."""
    if display := re.search(r"Display Power: state=(\w+)", text):
        return {"screen": "on" if display[1] == "ON" else "off"}
    words = re.search(r"\bmWakefulness=([A-Z][a-z]+)", text)
    return {"screen": _AWAKE.get(words[1]) if words else None}


def _data(text: str) -> dict[str, Reading | None]:
    return {"free_mib": free_mib(text)}


def _number(pattern: str, text: str) -> int | None:
    match = re.search(pattern, text, re.MULTILINE)
    return sysfs.whole(match[1]) if match else None


_FREQUENCIES = ("scaling_governor", "scaling_cur_freq", "scaling_max_freq", "cpuinfo_max_freq")
_CPUFREQ = " ".join(f"cpu[0-9]*/cpufreq/{name}" for name in _FREQUENCIES)

_ZONES = "thermal_zone[0-9]*/type thermal_zone[0-9]*/temp"

_SENSORS: Mapping[str, tuple[str, Callable[[str], Mapping[str, Reading | None]]]] = {
    "load": ("cat /proc/loadavg", _load),
    "memory": ("cat /proc/meminfo", _memory),
    "cores": (f"cd {sysfs.CPU} && grep -H . present online {_CPUFREQ}", _cores),
    "heat": (f"cd {_THERMAL} && grep -H . {_ZONES}; dumpsys thermalservice", _heat),
    "battery": ("dumpsys battery", _battery),
    "screen": ("dumpsys power | grep -E 'mWakefulness=|Display Power: state='", _screen),
    "data": (f"{' '.join(DF)} /data", _data),
}
