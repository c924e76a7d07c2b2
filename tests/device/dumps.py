"""What the stand-in says of itself: a phone of the Snapdragon 855's class, and no real one.

The forms are Android 12's; the figures are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Cores, lowest and highest clock in kHz: four small ones, three big ones, and one more.
CLUSTERS = (
    (range(4), 300_000, 1_785_600),
    (range(4, 7), 710_400, 2_419_200),
    (range(7, 8), 825_600, 2_841_600),
)
# A zone that reports what no chip can have stands for the broken ones that every phone has.
ZONES = {"cpu-0-0-usr": 0.0, "cpu-1-0-usr": 1.0, "gpuss-0-usr": -2.0, "xo-therm": -3.0}
BROKEN_ZONE = ("pm8150b_tz", -273_000)
DISK_KIB = 115_609_600


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What changes on a phone. `power` is usb, ac, wireless or battery; `screen` on or off.

    `max_khz` holds cores below their highest clock, `properties` adds to getprop or overrides it.
    """

    abi: str = "arm64-v8a"
    temperature_c: float = 38.0
    thermal_status: int = 0
    max_khz: Mapping[int, int] = field(default_factory=dict)
    offline: frozenset[int] = frozenset()
    governor: str = "schedutil"
    load_1m: float = 0.5
    battery_percent: int = 85
    battery_temperature_c: float = 29.0
    power: str = "usb"
    screen: str = "off"
    memory_available_mib: int = 4096
    free_mib: int = 40_000
    properties: Mapping[str, str] = field(default_factory=dict)


def properties(state: State) -> dict[str, str]:
    """Return what getprop knows; the chip is named as one of its class, the phone as none."""
    return {
        "ro.bench.standin": "1",
        "ro.board.platform": "msmnile",
        "ro.build.fingerprint": "standin/standin/standin:12/EMULATED/1:user/test-keys",
        "ro.build.version.release": "12",
        "ro.build.version.sdk": "31",
        "ro.hardware": "standin",
        "ro.product.brand": "standin",
        "ro.product.cpu.abi": state.abi,
        "ro.product.cpu.abilist": _abis(state.abi),
        "ro.product.device": "standin",
        "ro.product.manufacturer": "emulated",
        "ro.product.model": "stand-in",
        "ro.product.name": "standin",
        "ro.serialno": "EMULATED",
        "ro.soc.manufacturer": "QTI",
        "ro.soc.model": "SM8150",
        "sys.boot_completed": "1",
        **state.properties,
    }


def _abis(abi: str) -> str:
    return "arm64-v8a,armeabi-v7a,armeabi" if abi == "arm64-v8a" else f"{abi},armeabi"


def files(state: State) -> dict[str, str]:
    """Return the texts of sysfs and proc, by path without the leading slash."""
    found = {
        "proc/cpuinfo": "".join(f"processor\t: {n}\nCPU implementer\t: 0x51\n\n" for n in range(8))
        + "Hardware\t: emulated stand-in\n",
        "proc/loadavg": f"{state.load_1m:.2f} 0.40 0.30 1/900 4711\n",
        "proc/meminfo": "MemTotal:        7812345 kB\nMemFree:          512000 kB\n"
        f"MemAvailable:    {state.memory_available_mib * 1024} kB\n",
    }
    cpu = "sys/devices/system/cpu"
    found[f"{cpu}/possible"] = found[f"{cpu}/present"] = "0-7\n"
    found[f"{cpu}/online"] = ",".join(str(n) for n in range(8) if n not in state.offline) + "\n"
    for cores, lowest, highest in CLUSTERS:
        for core in cores:
            found[f"{cpu}/cpu{core}/online"] = f"{int(core not in state.offline)}\n"
            if core not in state.offline:
                found |= _clock(f"{cpu}/cpu{core}/cpufreq", core, cores, lowest, highest, state)
    return found | _zones(state)


def _clock(
    folder: str, core: int, cores: range, lowest: int, highest: int, state: State
) -> dict[str, str]:
    allowed = state.max_khz.get(core, highest)
    told = {
        "cpuinfo_min_freq": lowest, "cpuinfo_max_freq": highest, "scaling_min_freq": lowest,
        "scaling_max_freq": allowed, "scaling_cur_freq": min(allowed, 1_209_600),
        "scaling_governor": state.governor, "related_cpus": " ".join(map(str, cores)),
    }  # fmt: skip
    return {f"{folder}/{name}": f"{value}\n" for name, value in told.items()}


def _zones(state: State) -> dict[str, str]:
    milli = {name: round(1000 * (state.temperature_c + off)) for name, off in ZONES.items()}
    milli["battery"] = round(1000 * state.battery_temperature_c)
    milli |= dict([BROKEN_ZONE])
    zones: dict[str, str] = {}
    for number, (name, value) in enumerate(milli.items()):
        folder = f"sys/class/thermal/thermal_zone{number}"
        zones |= {f"{folder}/type": f"{name}\n", f"{folder}/temp": f"{value}\n"}
    return zones


def services(state: State) -> dict[str, str]:
    """Return what dumpsys prints, by service."""
    lit = state.screen == "on"
    return {
        "battery": _battery(state),
        "thermalservice": _thermal(state),
        "power": "POWER MANAGER (dumpsys power)\n\nPower Manager State:\n"
        f"  mWakefulness={'Awake' if lit else 'Asleep'}\n"
        f"Display Power: state={'ON' if lit else 'OFF'}\n",
        "display": f"DISPLAY MANAGER (dumpsys display)\n  mScreenState={'ON' if lit else 'OFF'}\n",
    }


def _battery(state: State) -> str:
    powered = {name: str(state.power == name).lower() for name in ("ac", "usb", "wireless")}
    return f"""Current Battery Service state:
  AC powered: {powered["ac"]}
  USB powered: {powered["usb"]}
  Wireless powered: {powered["wireless"]}
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: 3100000
  status: {3 if state.power == "battery" else 2}
  health: 2
  present: true
  level: {state.battery_percent}
  scale: 100
  voltage: 4200
  temperature: {round(10 * state.battery_temperature_c)}
  technology: Li-ion
"""


def _thermal(state: State) -> str:
    skin = f"mName=skin, mStatus={state.thermal_status}"
    return f"""IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 1
\tkilled: false
\tbroadcasts count: -1
ThermalStatusListeners:
\tcallbacks: 1
\tkilled: false
\tbroadcasts count: -1
Thermal Status: {state.thermal_status}
Cached temperatures:
\tTemperature{{mValue={state.temperature_c - 6:.1f}, mType=3, {skin}}}
HAL Ready: true
HAL connection:
\tThermalHAL 2.0 connected: yes
Current temperatures from HAL:
\tTemperature{{mValue={state.temperature_c:.1f}, mType=0, mName=CPU0, mStatus=0}}
\tTemperature{{mValue={state.temperature_c - 6:.1f}, mType=3, {skin}}}
Current cooling devices from HAL:
\tCoolingDevice{{mValue=0, mType=2, mName=thermal-cpufreq-0}}
"""


def disk(state: State) -> str:
    """Return what df prints of /data."""
    free = state.free_mib * 1024
    used = max(DISK_KIB - free, 0)
    return (
        "Filesystem      1K-blocks     Used Available Use% Mounted on\n"
        f"/dev/block/dm-0 {DISK_KIB:9d} {used:8d} {free:9d} {100 * used // DISK_KIB:3d}% /data\n"
    )
