"""What phones say: properties, files and dumps in the form of real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.devices.android.adb.device import Completed
from tests.fakes.device import said

SD855 = {
    "ro.product.model": "MI 9", "ro.product.manufacturer": "Xiaomi",
    "ro.board.platform": "msmnile", "ro.hardware": "qcom", "ro.product.cpu.abi": "arm64-v8a",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi", "ro.build.version.release": "11",
    "ro.build.version.sdk": "30", "ro.serialno": "3f5a81c2",
    "ro.build.fingerprint": "Xiaomi/cepheus/cepheus:11/RKQ1/V12:user/release-keys",
}  # fmt: skip
SD855_KHZ = (1_785_600,) * 4 + (2_419_200,) * 3 + (2_841_600,)

MEMINFO = """MemTotal:        7708412 kB
MemFree:          231640 kB
MemAvailable:    3538944 kB
"""

BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Dock powered: false
  Max charging current: 500000
 Time when the latest updated value of the voltage was sent via battery changed broadcast: +14h5m
 The last voltage value sent via the battery changed broadcast: 3775
  status: 2
  health: 2
  present: true
  level: 84
  scale: 100
  voltage: 4063
  temperature: 326
  technology: Li-ion
  Capacity level: 2
"""

THERMAL = """IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 1
Thermal Status: 0
Cached temperatures:
\tTemperature{mValue=99.0, mType=0, mName=CPU0, mStatus=3}
HAL Ready: true
HAL connection:
\tThermalHAL 2.0 connected: yes
Current temperatures from HAL:
\tTemperature{mValue=38.5, mType=0, mName=CPU0, mStatus=0}
\tTemperature{mValue=41.25, mType=0, mName=CPU7, mStatus=0}
\tTemperature{mValue=52.0, mType=1, mName=GPU, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
"""

POWER = """  mWakefulness=Awake
  mWakefulnessChanging=false
Display Power: state=OFF
"""

DF = """Filesystem      1024-blocks     Used Available Capacity Mounted on
/dev/block/dm-5   112341248 52428800  59768832      47% /data
"""

ZONES = {"cpu-0-0-usr": "36100", "cpu-1-7-usr": "43400", "soc": "84", "gpuss-0-usr": "61000"}


def cpufreq(
    max_khz: Sequence[int], *, now_khz: int = 1_200_000, capped: Mapping[int, int] | None = None
) -> dict[str, str]:
    """Return the files of cores of these limits, all with the governor schedutil."""
    files = {"present": f"0-{len(max_khz) - 1}", "online": f"0-{len(max_khz) - 1}"}
    for core, khz in enumerate(max_khz):
        folder = f"cpu{core}/cpufreq"
        files[f"{folder}/scaling_governor"] = "schedutil"
        files[f"{folder}/scaling_cur_freq"] = str(now_khz)
        files[f"{folder}/scaling_max_freq"] = str((capped or {}).get(core, khz))
        files[f"{folder}/cpuinfo_max_freq"] = str(khz)
    return files


def zones(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return the files of thermal zones of these kinds and readings."""
    files = {}
    for number, (kind, reading) in enumerate(kinds.items()):
        files[f"thermal_zone{number}/type"] = kind
        files[f"thermal_zone{number}/temp"] = reading
    return files


def grepped(files: Mapping[str, str]) -> str:
    return "".join(f"{path}:{value}\n" for path, value in files.items())


def answer(**parts: str) -> dict[str, Completed]:
    """Return the answer to the one script of a reading: what each of its parts prints."""
    text = "".join(f"@@bench {name}\n{part}\n" for name, part in parts.items())
    return {"@@bench": said(text)}
