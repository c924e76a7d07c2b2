"""What a phone is: its facts, its name in tables, and which of its cores are the big ones.

A serial number is never kept: `serial_digest` stands for it. Sources: Android's build.prop, Linux
Documentation/ admin-guide/pm/cpufreq.rst and ABI/testing/sysfs-devices-system-cpu.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bench.core.digest import canonical_digest
from bench.core.units import number_of
from bench.devices.android import sysfs
from bench.devices.android.adb.device import Device
from bench.devices.host.facts import installed_gib

UNKNOWN = "unknown"

_SALT = "bench: one harness's phone serials"
_FILES = {
    "cores": f"cd {sysfs.CPU} && grep -H . present "
    + " ".join(
        f"{folder}/{name}"
        for folder in ("cpu[0-9]*/cpufreq", "cpufreq/policy[0-9]*")
        for name in ("related_cpus", "cpuinfo_max_freq")
    ),
    "memory": "cat /proc/meminfo",
}
_SOC = ("ro.soc.model", "ro.board.platform", "ro.hardware")
_SERIALS = ("ro.serialno", "ro.boot.serialno")
# Every emulator of a version bears the same one, and some makers never set theirs.
_NO_SERIAL = re.compile(r"|unknown|0+|0?123456789ABCDEF|EMULAT.*", re.IGNORECASE)
_EMULATED = {
    "ro.kernel.qemu": "1",
    "ro.boot.qemu": "1",
    "ro.bench.standin": "1",
    "ro.hardware": "goldfish|ranchu|cutf.*|vbox86",
    "ro.product.model": ".*(?:sdk_gphone|emulator).*",
    "ro.product.cpu.abi": "(?:x86|riscv).*",  # an ARM program is translated there
}

# Board names that only one chip family bears; "lahaina" and "taro" are each shared by several.
_FAMILY = {"MSMNILE": "SM8150", "KONA": "SM8250"}
# Chips of one model number differ in the fastest core's clock, here in steps of 0.1 GHz.
# Source: the makers' product briefs and the kernels' device trees.
_SOLD_AS = {
    ("SDM845", 28): "Snapdragon 845",
    ("SM8150", 28): "Snapdragon 855",
    ("SM8150", 30): "Snapdragon 855+ or 860",
    ("SM8250", 28): "Snapdragon 865",
    ("SM8250", 31): "Snapdragon 865+",
    ("SM8250", 32): "Snapdragon 870",
    ("SM8350", 28): "Snapdragon 888",
    ("SM8350", 30): "Snapdragon 888+",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Cores of the same highest clock."""

    cores: tuple[int, ...]
    max_khz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneFacts:
    """What a phone says of itself; `None`, "unknown" and () stand for what it doesn't say.

    `clusters` are sorted, the slowest first. `build_digest` stands for the build's fingerprint: it
    changes with every update, so it is no part of what makes a system another one.
    """

    model: str
    manufacturer: str
    soc: str
    abi: str
    abis: tuple[str, ...]
    android: str
    sdk: int | None
    build_digest: str
    cores: int | None
    clusters: tuple[Cluster, ...]
    memory_gib: int | None
    emulated: bool


def read_identity(device: Device) -> PhoneFacts:
    """Read the facts in two round trips; raises what `sysfs.read` raises."""
    properties = device.properties()
    texts = sysfs.read(device, _FILES)
    files = sysfs.entries(texts.get("cores", ""))
    present = sysfs.cores(files.get("present", ""))
    kib = sysfs.memory_kib(texts.get("memory", ""), "MemTotal")
    abi = _first(properties, ("ro.product.cpu.abi",))
    sdk, fingerprint = (
        properties.get(f"ro.build.{property_name}", "")
        for property_name in ("version.sdk", "fingerprint")
    )
    return PhoneFacts(
        model=_first(properties, ("ro.product.model",)),
        manufacturer=_first(properties, ("ro.product.manufacturer",)),
        soc=_first(properties, _SOC),
        abi=abi,
        abis=tuple(filter(None, properties.get("ro.product.cpu.abilist", abi).split(","))),
        android=_first(properties, ("ro.build.version.release",)),
        sdk=sysfs.whole(sdk),
        build_digest=canonical_digest(fingerprint) if fingerprint else UNKNOWN,
        cores=len(present) or None,
        clusters=_clusters(files),
        memory_gib=installed_gib(kib),
        emulated=_is_emulated(properties),
    )


def heading(facts: PhoneFacts) -> str:
    """Name the hardware for a table: `Snapdragon 855 (SM8150), 8 cores, Android 12`."""
    cores = number_of(facts.cores, "core") if facts.cores else ""
    android = "" if facts.android == UNKNOWN else f"Android {facts.android}"
    return ", ".join(part for part in (_hardware(facts), cores, android) if part)


def big_cores(facts: PhoneFacts) -> frozenset[int]:
    """Return the cores of every cluster above the slowest, all of them where there is one only.

    An engine may count fewer: Paddle Lite takes those with a clock from the middle between highest
    and lowest on, or goes by the chip's name. Empty where the phone doesn't show the clusters of
    all its cores: the little ones could be the fastest that it shows.
    """
    if sum(len(cluster.cores) for cluster in facts.clusters) != facts.cores:
        return frozenset()
    above = facts.clusters[1:] or facts.clusters
    return frozenset(core for cluster in above for core in cluster.cores)


def serial_digest(device: Device) -> str:
    """Return 12 hex digits that stand for the phone, by USB and by network the same.

    Where the phone has no serial number of its own, they stand for the one that adb knows it by.
    """
    properties = device.properties()
    serials = (properties.get(name, "").strip() for name in _SERIALS)
    own = next((serial for serial in serials if not _NO_SERIAL.fullmatch(serial)), None)
    return canonical_digest([_SALT, own or device.serial])


def _first(properties: Mapping[str, str], names: tuple[str, ...]) -> str:
    values = (properties.get(name, "").strip() for name in names)
    return next((value for value in values if value and value != UNKNOWN), UNKNOWN)


def _is_emulated(properties: Mapping[str, str]) -> bool:
    return any(
        re.fullmatch(pattern, properties.get(name, "").strip(), re.IGNORECASE)
        for name, pattern in _EMULATED.items()
    )


def _clusters(files: Mapping[str, str]) -> tuple[Cluster, ...]:
    """Group cores by their highest clock; a policy names its cores even while they are offline."""
    khz = sysfs.per_core(files, "cpuinfo_max_freq")
    for path, value in files.items():
        policy, _, name = path.rpartition("/")
        limit = sysfs.whole(files.get(f"{policy}/cpuinfo_max_freq", ""))
        if name == "related_cpus" and limit is not None:
            khz |= dict.fromkeys(sysfs.cores(value), limit)
    return tuple(
        Cluster(cores=tuple(sorted(core for core in khz if khz[core] == limit)), max_khz=limit)
        for limit in sorted(set(khz.values()))
    )


def _hardware(facts: PhoneFacts) -> str:
    if facts.emulated:
        return "emulated Android device"
    if facts.soc == UNKNOWN:
        return "unknown chip"
    plain = facts.soc.upper().partition("-")[0]
    model = _FAMILY.get(plain, plain)
    fastest = facts.clusters[-1].max_khz if facts.clusters else 0
    sold_as = _SOLD_AS.get((model, round(fastest / 100_000)))
    return f"{sold_as} ({model})" if sold_as else facts.soc
