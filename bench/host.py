"""The machine at hand: what it is (facts), how it is just now (conditions), what it lends us.

Files come from a root, so that a test can give a tree of its own; programs and system calls are
asked only where that root is the real one. What can't be read is left out, None or "unknown".

Sources: Linux Documentation/filesystems/proc.rst, Documentation/admin-guide/cgroup-v2.rst,
Documentation/ABI/testing/sysfs-devices-system-cpu; systemd src/basic/virt.c for the DMI marks.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.cell import canonical_digest

UNKNOWN = "unknown"
_LIVE = Path("/")
_CPU = "sys/devices/system/cpu"
_SALT = "bench: one harness's host names"
_SIMD = frozenset(
    ["amx_tile", "asimd", "avx", "avx2", "avx512_bf16", "avx512_vnni", "avx512f", "f16c", "fma", "neon", "sve"]
)
_DMI_MARKS = {
    ".metal": "none",  # Amazon's bare machines carry the same vendor as its virtual ones
    "Amazon EC2": "amazon",
    "Google Compute Engine": "google",
    "VMware": "vmware",
    "VirtualBox": "oracle",
    "Microsoft Corporation Virtual Machine": "microsoft",
    "Parallels": "parallels",
    "Apple Virtualization": "apple",
    "Xen": "xen",
    "KVM": "kvm",
    "KubeVirt": "kvm",
    "OpenStack": "kvm",
}
_VIRTUAL_NAMES = {
    "amazon": "Amazon EC2 virtual machine",
    "docker": "Docker container",
    "google": "Google Compute Engine virtual machine",
    "kvm": "KVM virtual machine",
    "microsoft": "Hyper-V virtual machine",
    "oracle": "VirtualBox virtual machine",
    "podman": "Podman container",
    "qemu": "QEMU virtual machine",
    "vm-other": "virtual machine",
    "vmware": "VMware virtual machine",
    "wsl": "Windows Subsystem for Linux",
    "xen": "Xen virtual machine",
}
# Linux arch/arm64/include/asm/cputype.h, implementer 0x41 (Arm).
_ARM_PARTS = {
    "0xd03": "Cortex-A53",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd40": "Neoverse-V1",
    "0xd42": "Cortex-A78AE",
    "0xd49": "Neoverse-N2",
    "0xd4f": "Neoverse-V2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What stays the same from day to day; `None` and "unknown" stand for what can't be read.

    A container inside a virtual machine counts as that virtual machine.
    """

    cpu_model: str
    architecture: str
    physical_cores: int | None
    logical_cores: int | None
    memory_gib: int | None
    virtualization: str
    simd: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"simd": list(self.simd)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> HostFacts:
        return cls(**{**values, "simd": tuple(values["simd"])})


def read_host(root: Path = _LIVE) -> HostFacts:
    """Read the facts from the Linux tree at `root`, or from sysctl on a Mac."""
    if root == _LIVE and platform.system() == "Darwin":
        return _read_mac()
    processors = _processors(root)
    machine = platform.machine() if root == _LIVE else ""
    memory_kib = _meminfo_kib(root, "MemTotal")
    return HostFacts(
        cpu_model=_cpu_model(root, processors),
        architecture=_text(root / "proc/sys/kernel/arch") or machine or UNKNOWN,
        physical_cores=_physical_cores(root, processors),
        logical_cores=_online(root) or len(processors) or None,
        memory_gib=None if memory_kib is None else round(memory_kib / (1 << 20)),
        virtualization=_virtualization(root, processors),
        simd=tuple(sorted(_SIMD & _flags(processors))),
    )


def system_id(facts: HostFacts) -> str:
    """Return a readable slug and 8 hex digits over every fact."""
    slug = re.sub(r"[^a-z0-9]+", "-", _short_model(facts).lower()).strip("-")[:40].strip("-")
    cores = facts.physical_cores or facts.logical_cores
    parts = [slug or UNKNOWN, f"{cores}c" if cores else ""]
    parts.append("" if facts.virtualization in {"none", UNKNOWN} else facts.virtualization)
    parts.append(canonical_digest(facts.to_json(), length=8))
    return "-".join(part for part in parts if part)


def heading(facts: HostFacts) -> str:
    """Name the hardware for a table: `AMD EPYC, 2 cores, KVM virtual machine`."""
    virtual = facts.virtualization
    name = "" if virtual in {"none", UNKNOWN} else _VIRTUAL_NAMES.get(virtual, virtual)
    model = "unknown processor" if facts.cpu_model == UNKNOWN else _short_model(facts)
    return ", ".join(part for part in (model, _cores_in_words(facts), name) if part)


def usable_cores(root: Path = _LIVE) -> int:
    """Return how many cores this process may use: its affinity, and the cgroup's quota if less.

    A quota is rounded down, to 1 at least.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min([cores, *_quotas(root)]))


def read_conditions(root: Path = _LIVE) -> dict[str, str | int | float]:
    """Read what varies; units stand in the names, and what can't be read has no key.

    Starts no process. Files: /proc/{loadavg,meminfo,stat}, and for each core its governor,
    frequency (/proc/cpuinfo where there is no cpufreq) and throttle counts; thermal zones and the
    processor's hwmon sensors. steal_ms, context_switches and throttle_count (the sum of what each
    logical core counts) run from boot: only the difference of two readings means something.
    """
    stat = dict(line.partition(" ")[::2] for line in _text(root / "proc/stat").splitlines())
    readings: dict[str, str | int | float | None] = {
        "load_1m": _load(root),
        "memory_available_mib": _memory_available_mib(root),
        "governor": ",".join(sorted(set(_each(root, f"{_CPU}/cpu[0-9]*/cpufreq/scaling_governor"))))
        or None,
        "frequency_mhz": _frequency_mhz(root),
        "steal_ms": _steal_ms(stat.get("cpu", "")),
        "temperature_c": _temperature_c(root),
        "throttle_count": _throttle_count(root),
        "context_switches": _integer(stat.get("ctxt", "")),
    }
    return {name: value for name, value in readings.items() if value is not None}


def host_digest() -> str:
    """Return 12 hex digits that stand for the host's name, or "unknown": the name isn't kept."""
    name = platform.node()
    return canonical_digest([_SALT, name]) if name else UNKNOWN


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").replace("\0", "").strip()
    except OSError:
        return ""


def _each(root: Path, pattern: str) -> list[str]:
    return [text for path in root.glob(pattern) if (text := _text(path))]


def _integer(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?[0-9]+", text.strip()) else None


def _integers(texts: list[str]) -> list[int]:
    return [value for text in texts if (value := _integer(text)) is not None]


def _processors(root: Path) -> list[dict[str, str]]:
    blocks = []
    for block in _text(root / "proc/cpuinfo").split("\n\n"):
        pairs = (line.partition(":")[::2] for line in block.splitlines())
        blocks.append({key.strip(): " ".join(value.split()) for key, value in pairs})
    return [block for block in blocks if "processor" in block]


def _flags(processors: list[dict[str, str]]) -> frozenset[str]:
    """Return the flags that every processor lists; x86 calls them flags, ARM Features."""
    lists = [block.get("flags", block.get("Features", "")).split() for block in processors]
    return frozenset(lists[0]).intersection(*lists) if lists else frozenset()


def _cpu_model(root: Path, processors: list[dict[str, str]]) -> str:
    first = processors[0] if processors else {}
    name = first.get("model name", "")
    # 32-bit ARM says "ARMv7 Processor rev 3 (v7l)" there: the instruction set, not the processor.
    if name and not re.match(r"ARMv\d|AArch64", name):
        return name
    board = _text(root / "proc/device-tree/model")
    if board and not board.startswith("linux,dummy"):  # QEMU's generic ARM machine
        return board
    parts = {_arm_part(block) for block in processors if "CPU part" in block}
    return " + ".join(sorted(parts)) or name or UNKNOWN


def _arm_part(block: Mapping[str, str]) -> str:
    maker, part = block.get("CPU implementer", UNKNOWN), block["CPU part"]
    known = _ARM_PARTS.get(part) if maker == "0x41" else None
    return f"ARM {known}" if known else f"ARM implementer {maker} part {part}"


def _online(root: Path) -> int:
    spans = re.findall(r"(\d+)(?:-(\d+))?", _text(root / _CPU / "online"))
    return sum(int(last or first) - int(first) + 1 for first, last in spans)


def _physical_cores(root: Path, processors: list[dict[str, str]]) -> int | None:
    siblings = set(_each(root, f"{_CPU}/cpu[0-9]*/topology/thread_siblings_list"))
    listed = {(b.get("physical id"), b["core id"]) for b in processors if "core id" in b}
    return len(siblings) or len(listed) or None


def _virtualization(root: Path, processors: list[dict[str, str]]) -> str:
    if re.search("Microsoft|WSL", _text(root / "proc/sys/kernel/osrelease")):
        return "wsl"
    asked = _output("systemd-detect-virt", "--vm") if root == _LIVE else ""
    machine = asked or _virtual_machine(root, _flags(processors))
    return machine if machine not in {"none", UNKNOWN} else _container(root) or machine


def _virtual_machine(root: Path, flags: frozenset[str]) -> str:
    if kind := _text(root / "sys/hypervisor/type"):
        return kind
    if "fpu" in flags and "hypervisor" not in flags:  # x86 flags, and no hypervisor among them
        return "none"
    names = ("sys_vendor", "product_name", "bios_vendor", "board_vendor")
    dmi = " ".join(_text(root / "sys/class/dmi/id" / name) for name in names)
    if known := next((name for mark, name in _DMI_MARKS.items() if mark in dmi), ""):
        return known
    # A guest alone is offered its hypervisor's clock; small hypervisors have no DMI table.
    clocks = _text(root / "sys/devices/system/clocksource/clocksource0/available_clocksource")
    marks = {"kvm-clock": (clocks, "kvm"), "hyperv": (clocks, "microsoft"), "QEMU": (dmi, "qemu")}
    other = "vm-other" if "hypervisor" in flags else UNKNOWN
    return next((name for mark, (text, name) in marks.items() if mark in text), other)


def _container(root: Path) -> str:
    files = {".dockerenv": "docker", "run/.containerenv": "podman"}
    found = next((name for file, name in files.items() if (root / file).exists()), "")
    return found or _text(root / "run/systemd/container")


def _output(*command: str) -> str:
    import subprocess

    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _read_mac() -> HostFacts:
    def ask(name: str) -> str:
        return _output("sysctl", "-n", name)

    memory = _integer(ask("hw.memsize"))
    flags = f"{ask('machdep.cpu.features')} {ask('machdep.cpu.leaf7_features')}".lower()
    simd = _SIMD.intersection(flags.replace("avx1.0", "avx").split())
    neon = {"neon"} if "1" in {ask("hw.optional.neon"), ask("hw.optional.AdvSIMD")} else set()
    virtual = {"0": "none", "1": "vm-other"}.get(ask("kern.hv_vmm_present"), UNKNOWN)
    return HostFacts(
        cpu_model=ask("machdep.cpu.brand_string") or UNKNOWN,
        architecture=platform.machine() or UNKNOWN,
        physical_cores=_integer(ask("hw.physicalcpu")),
        logical_cores=_integer(ask("hw.logicalcpu")),
        memory_gib=None if memory is None else round(memory / (1 << 30)),
        virtualization=virtual,
        simd=tuple(sorted(simd | neon)),
    )


def _short_model(facts: HostFacts) -> str:
    """Drop what makers add to a name: marks, `CPU`, the clock, the count of cores."""
    noise = r"\((?:R|TM|C)\)|\bCPU\b|\bProcessor\b|\b\d+-Core\b|@.*"
    return " ".join(re.sub(noise, "", facts.cpu_model, flags=re.IGNORECASE).split())


def _cores_in_words(facts: HostFacts) -> str:
    cores, threads = facts.physical_cores, facts.logical_cores
    if cores is None:
        return "" if threads is None else f"{threads} logical core{'s' * (threads != 1)}"
    words = f"{cores} core{'s' * (cores != 1)}"
    return f"{words}, {threads} threads" if threads is not None and threads > cores else words


def _quotas(root: Path) -> Iterator[int]:
    """Yield each CPU quota that binds this process, in whole cores."""
    groups = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = groups / "cpu" if controllers else groups
        # A container sees its own group as the top one, under a path that only its host has.
        inner = Path() if ".." in path else Path(path.lstrip("/"))
        for folder in (inner, *inner.parents):
            yield from _quota(base / folder)


def _quota(folder: Path) -> Iterator[int]:
    first = f"{_text(folder / 'cpu.cfs_quota_us')} {_text(folder / 'cpu.cfs_period_us')}"
    if limit := re.fullmatch(r"(\d+) ([1-9]\d*)", _text(folder / "cpu.max") or first):
        yield int(limit[1]) // int(limit[2])
