"""Trees of files that look like the machines of the world."""

from __future__ import annotations

from pathlib import Path

XEON = """processor\t: {n}
model name\t: Intel(R) Xeon(R) Gold 6230  CPU @ 2.10GHz
physical id\t: 0
core id\t\t: {core}
cpu MHz\t\t: {mhz}
flags\t\t: fpu sse2 avx avx2 fma f16c avx512f avx512_vnni avx512vl {more}
"""
CORTEX = """processor\t: {n}
Features\t: fp asimd evtstrm crc32 {more}
CPU implementer\t: 0x41
CPU part\t: {part}
"""
CPU = "sys/devices/system/cpu"
CLOCKS = "sys/devices/system/clocksource/clocksource0/available_clocksource"
VENDOR, PRODUCT = "sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/product_name"
CGROUP = "proc/self/cgroup"


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def x86_guest(root: Path) -> Path:
    """Four threads on two cores of a KVM guest that QEMU runs."""
    more = "hypervisor amx_tile"
    texts = [XEON.format(n=n, core=n // 2, mhz=f"2{n}00.5", more=more) for n in range(4)]
    siblings = {f"{CPU}/cpu{n}/topology/thread_siblings_list": f"{n // 2 * 2}" for n in range(4)}
    files = {
        "proc/cpuinfo": "\n".join(texts), f"{CPU}/online": "0-3\n", "proc/loadavg": "1.25 0.8\n",
        "proc/meminfo": "MemTotal:       16265432 kB\nMemAvailable:    8388608 kB\n",
        "proc/stat": "cpu  1 20 30 40 50 60 70 58 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\nctxt 4711\n",
        "proc/sys/kernel/arch": "x86_64\n", VENDOR: "QEMU\n", CLOCKS: "tsc kvm-clock\n",
    }  # fmt: skip
    return plant(root, siblings | files)


def arm_board(root: Path) -> Path:
    """A board with four small and two big cores, each kind with its own governor."""
    parts = ["0xd03"] * 4 + ["0xd08"] * 2
    files, processors = {}, []
    for n, part in enumerate(parts):
        big = part == "0xd08"
        files[f"{CPU}/cpu{n}/cpufreq/scaling_governor"] = "performance" if big else "schedutil"
        files[f"{CPU}/cpu{n}/cpufreq/scaling_cur_freq"] = "1800000" if big else "1200000"
        files[f"{CPU}/cpu{n}/thermal_throttle/core_throttle_count"] = "3"
        files[f"{CPU}/cpu{n}/topology/thread_siblings_list"] = str(n)
        processors.append(CORTEX.format(n=n, part=part, more="" if big else "sve"))
    hwmon = "sys/class/hwmon/hwmon"
    files |= {
        "proc/cpuinfo": "\n".join(processors) + "\nHardware\t: Rockchip\n",
        "proc/device-tree/model": "Example Board 4 Rev 1.1\0",
        "proc/meminfo": "MemTotal:        3884312 kB\n", f"{CPU}/online": "0-3,4-5",
        f"{hwmon}0/name": "cpu_thermal\n", f"{hwmon}0/temp1_input": "53750\n",
        f"{hwmon}1/name": "nvme\n", f"{hwmon}1/temp1_input": "70000\n",
    }  # fmt: skip
    for n, temperature in enumerate(("51200", "48000", "-274000", "1000000")):
        files[f"sys/class/thermal/thermal_zone{n}/temp"] = temperature
    return plant(root, files)
