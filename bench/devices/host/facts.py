"""The machine at hand: what it is, and what it lends us. `state` has how it is just now.

Files are read below a root, so that a test can give its own tree; programs are run only where
it is the real one. What can't be read is left out, None or "unknown". Sources: Linux
Documentation/ filesystems/proc.rst, admin-guide/cgroup-v2.rst; systemd src/basic/virt.c.
"""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.core.digest import canonical_digest
from bench.core.units import number_of
from bench.devices.host.procfs import CPU, LIVE, cpu_groups, each, memory, text
from bench.launcher.programs import output_of

UNKNOWN = "unknown"
_SALT = "bench: one harness's host names"
_SIMD = re.compile("amx_tile|asimd|avx|avx2|avx512(f|_vnni|_bf16)|f16c|fma|neon|sve")
_DMI_MARKS = re.compile(
    # Amazon's bare machines carry the same vendor as its virtual ones, and "metal" in their type.
    r"(?P<amazon>Amazon EC2(?!.*\.metal))|(?P<google>Google Compute Engine)|(?P<vmware>VMware)"
    r"|(?P<oracle>VirtualBox)|(?P<microsoft>Microsoft Corporation Virtual Machine)|(?P<xen>Xen)"
    r"|(?P<parallels>Parallels)|(?P<apple>Apple Virt)|(?P<kvm>KVM|KubeVirt|OpenStack)"
)
_ARM_NAMES = (  # Source: Linux arch/arm64/include/asm/cputype.h
    "0xd03 Cortex-A53, 0xd05 Cortex-A55, 0xd08 Cortex-A72, 0xd0b Cortex-A76, 0xd0c Neoverse-N1, "
    "0xd40 Neoverse-V1, 0xd42 Cortex-A78AE, 0xd49 Neoverse-N2, 0xd4f Neoverse-V2"
)
_ARM_PARTS = {name[:5]: name[6:] for name in _ARM_NAMES.split(", ")}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What stays the same from day to day; `None` and "unknown" stand for what can't be read.

    Cores count that are offline too. `cpu_id` is an x86 processor's maker, family, model and
    stepping. `simd` may change with the kernel, and is no part of the identity.
    """

    cpu_model: str
    cpu_id: str | None = None
    architecture: str
    physical_cores: int | None
    logical_cores: int | None
    memory_gib: int | None
    virtualization: str  # a container in a virtual machine counts as that machine
    simd: tuple[str, ...]


def read_host(root: Path = LIVE) -> HostFacts:
    """Read the facts from the Linux tree at `root`, or from sysctl on a Mac."""
    if root == LIVE and platform.system() == "Darwin":
        return _read_mac()
    processors = _processors(root)
    machine = platform.machine() if root == LIVE else ""
    return HostFacts(
        cpu_model=_cpu_model(root, processors),
        cpu_id=_cpu_id(processors),
        architecture=text(root / "proc/sys/kernel/arch") or machine or UNKNOWN,
        physical_cores=_physical_cores(root, processors),
        logical_cores=_present(root) or len(processors) or None,
        memory_gib=installed_gib(memory(root, "MemTotal", kib_per_unit=1)),
        virtualization=_virtualization(root, processors),
        simd=tuple(sorted(filter(_SIMD.fullmatch, _flags(processors)))),
    )


def hardware(facts: HostFacts) -> dict[str, object]:
    """Return the facts that make another system: those that no kernel or setting moves."""
    return {name: value for name, value in asdict(facts).items() if name != "simd"}


def installed_gib(total_kib: int | None) -> int | None:
    """Return the memory that a kernel that shows `total_kib` of it runs on, as it is sold.

    A kernel keeps some for itself, more or less of it from version to version: the next eighth of
    a power of two is meant.
    """
    if not total_kib:
        return None
    gib = total_kib / (1 << 20)
    step = 2.0 ** math.ceil(math.log2(gib)) / 8
    return max(1, round(math.ceil(gib / step) * step))


def system_id(facts: HostFacts) -> str:
    """Return a readable slug and 8 hex digits over the hardware."""
    slug = re.sub(r"[^a-z0-9]+", "-", _short_model(facts).lower()).strip("-")[:40].strip("-")
    cores = facts.physical_cores or facts.logical_cores
    virtual = facts.virtualization.replace("none", "").replace(UNKNOWN, "")
    parts = (
        slug,
        f"{cores}c" if cores else "",
        virtual,
        canonical_digest(hardware(facts), length=8),
    )
    return "-".join(part for part in parts if part)


def heading(facts: HostFacts) -> str:
    """Name the hardware for a table: `AMD EPYC, 2 cores, KVM virtual machine`."""
    model = "unknown processor" if facts.cpu_model == UNKNOWN else _short_model(facts)
    parts = (model, _cores_in_words(facts), _virtualization_in_words(facts.virtualization))
    return ", ".join(part for part in parts if part)


def usable_cores(root: Path = LIVE) -> int:
    """Return how many cores this process may use: its affinity, or the cgroup's quota if less.

    A quota is rounded down, but to 1 at least.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min([cores, *_quotas(root)]))


def host_digest() -> str:
    """Return 12 hex digits that stand for the host's name, or "unknown": the name isn't kept."""
    name = platform.node()
    return canonical_digest([_SALT, name]) if name else UNKNOWN


def _processors(root: Path) -> list[dict[str, str]]:
    blocks = text(root / "proc/cpuinfo").split("\n\n")
    pairs = [[line.partition(":")[::2] for line in block.splitlines()] for block in blocks]
    fields = [{key.strip(): " ".join(value.split()) for key, value in block} for block in pairs]
    return [block for block in fields if "processor" in block]


def _flags(processors: list[dict[str, str]]) -> frozenset[str]:
    """Return the flags that every processor lists; x86 calls them flags, ARM Features."""
    lists = [block.get("flags", block.get("Features", "")).split() for block in processors]
    return frozenset(lists[0]).intersection(*lists) if lists else frozenset()


def _cpu_model(root: Path, processors: list[dict[str, str]]) -> str:
    name = processors[0].get("model name", "") if processors else ""
    # 32-bit ARM says "ARMv7 Processor rev 3 (v7l)" there: the instruction set, not the processor.
    if name and not re.match(r"ARMv\d|AArch64", name):
        return name
    board = text(root / "proc/device-tree/model")
    if board and not board.startswith("linux,dummy"):  # QEMU's generic ARM machine
        return board
    parts = {_arm_part(block) for block in processors if "CPU part" in block}
    return " + ".join(sorted(parts)) or name or UNKNOWN


def _arm_part(block: dict[str, str]) -> str:
    maker, part = block.get("CPU implementer", UNKNOWN), block["CPU part"]
    known = _ARM_PARTS.get(part) if maker == "0x41" else None
    return f"ARM {known}" if known else f"ARM implementer {maker} part {part}"


def _cpu_id(processors: list[dict[str, str]]) -> str | None:
    names = ("vendor_id", "cpu family", "model", "stepping")
    parts = [processors[0].get(name, "") for name in names] if processors else []
    return " ".join(parts) if parts and all(parts) else None


def _present(root: Path) -> int:
    """Count the logical cores that there are, offline ones among them."""
    return _count(text(root / CPU / "present") or text(root / CPU / "online"))


def _count(spans: str) -> int:
    ranges = re.findall(r"(\d+)(?:-(\d+))?", spans)
    return sum(max(0, int(last or first) - int(first) + 1) for first, last in ranges)


def _physical_cores(root: Path, processors: list[dict[str, str]]) -> int | None:
    """Return how many cores there are: a core that is offline shows no topology of its own."""
    siblings = each(root, f"{CPU}/cpu[0-9]*/topology/thread_siblings_list")
    listed = {(b.get("physical id"), b["core id"]) for b in processors if "core id" in b}
    shown = len(set(siblings)) or len(listed)
    online, present = _count(text(root / CPU / "online")), _present(root)
    if not shown or not present or online in {0, present}:
        return shown or None
    off = text(root / CPU / "smt/control") in {"off", "forceoff"}
    threads = 2 if off else max(map(_count, siblings), default=1)
    return max(shown, -(-present // threads))


def _virtualization(root: Path, processors: list[dict[str, str]]) -> str:
    if re.search("Microsoft|WSL", text(root / "proc/sys/kernel/osrelease")):
        return "wsl"
    detected = output_of("systemd-detect-virt", "--vm") if root == LIVE else ""
    machine = detected or _virtual_machine(root, _flags(processors))
    return machine if machine not in {"none", UNKNOWN} else _container(root) or machine


def _virtual_machine(root: Path, flags: frozenset[str]) -> str:
    if kind := text(root / "sys/hypervisor/type"):
        return kind
    if "fpu" in flags and "hypervisor" not in flags:  # x86 flags, and no hypervisor among them
        return "none"
    names = ("sys_vendor", "product_name", "bios_vendor", "board_vendor")
    dmi = " ".join(text(root / "sys/class/dmi/id" / name) for name in names)
    known = _DMI_MARKS.search(dmi)
    # Only a guest is offered its hypervisor's clock; small hypervisors have no DMI table.
    clocks = text(root / "sys/devices/system/clocksource/clocksource0/available_clocksource")
    if known or "kvm-clock" in clocks:
        return (known and known.lastgroup) or "kvm"
    emulated = "qemu" if "QEMU" in dmi else ""
    return emulated or ("vm-other" if "hypervisor" in flags else UNKNOWN)


def _container(root: Path) -> str:
    files = {".dockerenv": "docker", "run/.containerenv": "podman"}
    known = (name for file, name in files.items() if (root / file).exists())
    return next(known, "") or text(root / "run/systemd/container")


def _read_mac() -> HostFacts:
    import psutil

    guest = output_of("sysctl", "-n", "kern.hv_vmm_present")
    return HostFacts(
        cpu_model=output_of("sysctl", "-n", "machdep.cpu.brand_string") or UNKNOWN,
        architecture=platform.machine() or UNKNOWN,
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=psutil.cpu_count(),
        memory_gib=round(psutil.virtual_memory().total / (1 << 30)),
        virtualization={"0": "none", "1": "vm-other"}.get(guest, UNKNOWN),
        simd=("neon",) if platform.machine() == "arm64" else (),
    )


def _short_model(facts: HostFacts) -> str:
    """Drop what makers add to a name: marks, `CPU`, the clock, the count of cores."""
    noise = r"\((?:R|TM|C)\)|\bCPU\b|\bProcessor\b|\b\d+-Core\b|@.*"
    return " ".join(re.sub(noise, "", facts.cpu_model, flags=re.IGNORECASE).split())


def _cores_in_words(facts: HostFacts) -> str:
    cores, threads = facts.physical_cores, facts.logical_cores
    if cores is None:
        return "" if threads is None else number_of(threads, "logical core")
    words = number_of(cores, "core")
    return f"{words}, {threads} threads" if threads is not None and threads > cores else words


def _virtualization_in_words(kind: str) -> str:
    if kind in {"none", UNKNOWN}:
        return ""
    short = kind.upper() if kind in {"kvm", "lxc", "qemu", "wsl"} else kind.capitalize()
    name = {"vm-other": "", "vmware": "VMware"}.get(kind, short)
    container = kind in {"docker", "lxc", "podman", "systemd-nspawn"}
    return f"{name} {'container' if container else 'virtual machine'}".strip()


def _quotas(root: Path) -> Iterator[int]:
    """Yield each CPU quota that binds this process, in whole cores."""
    for folder in cpu_groups(root):
        older = f"{text(folder / 'cpu.cfs_quota_us')} {text(folder / 'cpu.cfs_period_us')}"
        if limit := re.fullmatch(r"(\d+) ([1-9]\d*)", text(folder / "cpu.max") or older):
            yield int(limit[1]) // int(limit[2])
