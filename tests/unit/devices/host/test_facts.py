"""The machine's facts, from trees that look like the machines of the world."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.devices.host import facts as host
from bench.devices.host.facts import HostFacts
from bench.devices.host.state import read_state
from bench.launcher.programs import output_of
from tests.fakes import machines
from tests.fakes.machines import CGROUP, CLOCKS, CORTEX, CPU, PRODUCT, VENDOR, XEON, plant

MonkeyPatch = pytest.MonkeyPatch
TempPathFactory = pytest.TempPathFactory
FACTS = HostFacts(
    cpu_model="AMD EPYC", architecture="x86_64", physical_cores=2, logical_cores=2, memory_gib=24,
    virtualization="kvm", simd=("avx", "avx2"),
)  # fmt: skip
GUEST = "hypervisor"
HYPER_V = {VENDOR: "Microsoft Corporation", PRODUCT: "Virtual Machine"}
WSL = {"proc/sys/kernel/osrelease": "5.15.90.1-microsoft-standard-WSL2"}
MAX = "sys/fs/cgroup/cpu.max"
V1_QUOTA, V1_PERIOD = (f"sys/fs/cgroup/cpu/cpu.cfs_{name}_us" for name in ("quota", "period"))


@pytest.fixture
def x86_guest(tmp_path: Path) -> Path:
    return machines.x86_guest(tmp_path)


@pytest.fixture
def arm_board(tmp_path: Path) -> Path:
    return machines.arm_board(tmp_path)


def test_an_x86_guest_is_read_from_its_files(x86_guest: Path) -> None:
    assert host.read_host(x86_guest) == replace(
        FACTS, cpu_model="Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz", logical_cores=4, memory_gib=16,
        simd=("amx_tile", "avx", "avx2", "avx512_vnni", "avx512f", "f16c", "fma"),
    )  # fmt: skip


def test_cores_are_counted_from_cpuinfo_where_there_is_no_topology(tmp_path: Path) -> None:
    listed = [XEON.format(n=n, core=n // 2, mhz="1", more="") for n in range(4)]
    facts = host.read_host(plant(tmp_path, {"proc/cpuinfo": "\n".join(listed)}))
    assert (facts.physical_cores, facts.logical_cores) == (2, 4)


def test_an_arm_board_is_named_by_its_device_tree(arm_board: Path) -> None:
    facts = host.read_host(arm_board)
    assert facts.cpu_model == "Example Board 4 Rev 1.1"
    assert (facts.physical_cores, facts.logical_cores, facts.memory_gib) == (6, 6, 4)
    assert facts.simd == ("asimd",), "sve is not in every core"


def test_an_arm_server_without_a_device_tree_is_named_by_its_cores(arm_board: Path) -> None:
    (arm_board / "proc/device-tree/model").unlink()
    assert host.read_host(arm_board).cpu_model == "ARM Cortex-A53 + ARM Cortex-A72"
    plant(arm_board, {"proc/cpuinfo": CORTEX.format(n=0, part="0xfff", more="")})
    assert host.read_host(arm_board).cpu_model == "ARM implementer 0x41 part 0xfff"


def test_an_instruction_set_in_place_of_a_name_gives_way_to_the_board(tmp_path: Path) -> None:
    cpuinfo = "processor\t: 0\nmodel name\t: ARMv7 Processor rev 3 (v7l)\nFeatures\t: neon\n"
    root = plant(tmp_path, {"proc/cpuinfo": cpuinfo, "proc/device-tree/model": "Board 2\0"})
    facts = host.read_host(root)
    assert (facts.cpu_model, facts.simd) == ("Board 2", ("neon",))


def test_nothing_to_read_gives_unknowns_and_no_guess(tmp_path: Path) -> None:
    assert host.read_host(tmp_path) == HostFacts(
        cpu_model="unknown", architecture="unknown", physical_cores=None, logical_cores=None,
        memory_gib=None, virtualization="unknown", simd=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "files", "kind"),
    [
        ("", {}, "none"), ("", {VENDOR: "Microsoft Corporation"}, "none"),
        ("", {".dockerenv": ""}, "docker"), ("", {"run/.containerenv": ""}, "podman"),
        ("", {"run/systemd/container": "lxc\n"}, "lxc"), (GUEST, {}, "vm-other"),
        (GUEST, {".dockerenv": ""}, "vm-other"), (GUEST, {PRODUCT: "VMware7,1"}, "vmware"),
        (GUEST, {VENDOR: "QEMU"}, "qemu"), (GUEST, {CLOCKS: "tsc kvm-clock"}, "kvm"),
        (GUEST, {PRODUCT: "VirtualBox", CLOCKS: "kvm-clock"}, "oracle"),
        (GUEST, {"sys/hypervisor/type": "xen\n"}, "xen"), (GUEST, HYPER_V, "microsoft"),
        (GUEST, WSL | HYPER_V, "wsl"),
    ],
)  # fmt: skip
def test_virtualization_is_told_from_what_the_machine_shows(
    tmp_path: Path, flags: str, files: dict[str, str], kind: str
) -> None:
    cpuinfo = {"proc/cpuinfo": XEON.format(n=0, core=0, mhz="1", more=flags)}
    assert host.read_host(plant(tmp_path, cpuinfo | files)).virtualization == kind


@pytest.mark.parametrize(("product", "kind"), [("c6g.large", "amazon"), ("a1.metal", "unknown")])
def test_an_arm_server_may_be_a_bare_one(tmp_path: Path, product: str, kind: str) -> None:
    files = {VENDOR: "Amazon EC2", PRODUCT: product}
    files["proc/cpuinfo"] = CORTEX.format(n=0, part="0xd0c", more="")
    assert host.read_host(plant(tmp_path, files)).virtualization == kind


def test_a_system_id_reads_as_the_machine_and_ends_in_a_digest() -> None:
    assert re.fullmatch(r"amd-epyc-2c-kvm-[0-9a-f]{8}", host.system_id(FACTS))
    xeon = replace(FACTS, cpu_model="Intel(R) Xeon(R) CPU @ 2.10GHz", virtualization="none")
    assert re.fullmatch(r"intel-xeon-2c-[0-9a-f]{8}", host.system_id(xeon))


def test_every_fact_of_the_hardware_makes_another_system() -> None:
    other = HostFacts(
        cpu_model="AMD EPYC 2", cpu_id="AuthenticAMD 25 17 2", architecture="aarch64",
        physical_cores=4, logical_cores=4, memory_gib=16, virtualization="none", simd=("avx",),
    )  # fmt: skip
    for field in fields(FACTS):
        changed: HostFacts = replace(FACTS, **{field.name: getattr(other, field.name)})
        same = host.system_id(changed)[-8:] == host.system_id(FACTS)[-8:]
        assert same == (field.name == "simd"), field.name


def unplugged(root: Path) -> None:
    (root / CPU / "cpu3/topology/thread_siblings_list").unlink()
    (root / CPU / "cpu2/topology/thread_siblings_list").write_text("2\n")
    plant(root, {f"{CPU}/online": "0-2\n"})
    cpuinfo = (root / "proc/cpuinfo").read_text().split("\n\n")
    (root / "proc/cpuinfo").write_text("\n\n".join(cpuinfo[:3]))


def without_threads(root: Path) -> None:
    for n in (1, 3):
        (root / CPU / f"cpu{n}/topology/thread_siblings_list").unlink()
    for n in (0, 2):
        (root / CPU / f"cpu{n}/topology/thread_siblings_list").write_text(f"{n}\n")
    plant(root, {f"{CPU}/online": "0,2\n", f"{CPU}/smt/control": "off\n"})


def one_core_left(root: Path) -> None:
    for n in (2, 3):
        (root / CPU / f"cpu{n}/topology/thread_siblings_list").unlink()
    plant(root, {f"{CPU}/online": "0-1\n"})


def crash_kernel(root: Path) -> None:
    plant(root, {"proc/meminfo": "MemTotal:       15741144 kB\nMemAvailable:    8388608 kB\n"})


def fewer_flags(root: Path) -> None:
    path = root / "proc/cpuinfo"
    path.write_text(path.read_text().replace("avx512f avx512_vnni", "").replace("fma", "new_flag"))


@pytest.mark.parametrize(
    "change", [unplugged, without_threads, one_core_left, crash_kernel, fewer_flags]
)
def test_what_a_kernel_or_a_setting_moves_leaves_the_system_the_same(
    x86_guest: Path, change: Callable[[Path], None]
) -> None:
    for n in range(4):
        siblings = f"{n // 2 * 2}-{n // 2 * 2 + 1}"
        plant(x86_guest, {f"{CPU}/cpu{n}/topology/thread_siblings_list": siblings})
    plant(x86_guest, {f"{CPU}/present": "0-3\n"})
    before = host.read_host(x86_guest)
    change(x86_guest)
    after = host.read_host(x86_guest)
    assert host.system_id(after) == host.system_id(before)
    assert host.heading(after) == "Intel Xeon Gold 6230, 2 cores, 4 threads, KVM virtual machine"


@pytest.mark.parametrize(
    ("kib", "gib"),
    [(24_684_084, 24), (24_159_796, 24), (3_884_312, 4), (65_700_000, 64), (524_288, 1), (0, None)],
)
def test_memory_is_what_is_installed(kib: int, gib: int | None) -> None:
    assert host.installed_gib(kib) == gib


def test_an_x86_processor_is_known_by_its_stepping_too(tmp_path: Path) -> None:
    lines = "processor: 0\nvendor_id: AuthenticAMD\ncpu family: 25\nmodel: 17\nstepping: 1\n"
    facts = host.read_host(plant(tmp_path, {"proc/cpuinfo": lines}))
    assert facts.cpu_id == "AuthenticAMD 25 17 1"


@given(model=st.text(max_size=80) | st.text("abc ", min_size=41, max_size=80))
def test_a_system_id_can_name_a_file_whatever_the_processor_is_called(model: str) -> None:
    assert re.fullmatch(r"[a-z0-9-]{8,56}", host.system_id(replace(FACTS, cpu_model=model)))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({}, "AMD EPYC, 2 cores, KVM virtual machine"),
        ({"logical_cores": 4}, "AMD EPYC, 2 cores, 4 threads, KVM virtual machine"),
        ({"virtualization": "none"}, "AMD EPYC, 2 cores"),
        ({"virtualization": "unknown"}, "AMD EPYC, 2 cores"),
        ({"virtualization": "docker"}, "AMD EPYC, 2 cores, Docker container"),
        ({"virtualization": "vm-other"}, "AMD EPYC, 2 cores, virtual machine"),
        ({"virtualization": "vmware"}, "AMD EPYC, 2 cores, VMware virtual machine"),
        ({"physical_cores": None}, "AMD EPYC, 2 logical cores, KVM virtual machine"),
        ({"cpu_model": "AMD Ryzen 5 5600X 6-Core Processor", "virtualization": "none"},
         "AMD Ryzen 5 5600X, 2 cores"),
        ({"cpu_model": "unknown", "physical_cores": None, "logical_cores": None},
         "unknown processor, KVM virtual machine"),
    ],
)  # fmt: skip
def test_a_heading_names_the_hardware(other: dict[str, object], words: str) -> None:
    facts: HostFacts = replace(FACTS, **other)  # type: ignore[arg-type]
    assert host.heading(facts) == words


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8), ({CGROUP: "0::/\n", MAX: "max 100000\n"}, 8),
        ({CGROUP: "0::/", MAX: "350000 100000"}, 3), ({CGROUP: "0::/", MAX: "50000 100000"}, 1),
        ({CGROUP: "0::/", MAX: "3200000 100000"}, 8),
        ({CGROUP: "0::/../x", MAX: "200000 100000"}, 2),
        ({CGROUP: "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "200000 100000\n",
          "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n"}, 2),
        ({CGROUP: "3:memory:/\n1:cpu,cpuacct:/docker/0123\n0::/\n",
          V1_QUOTA: "200000\n", V1_PERIOD: "100000\n"}, 2),
        ({CGROUP: "1:cpu:/\n", V1_QUOTA: "-1\n", V1_PERIOD: "100000\n"}, 8),
    ],
)  # fmt: skip
def test_usable_cores_are_the_affinity_or_the_tighter_quota(
    tmp_path: Path, monkeypatch: MonkeyPatch, files: dict[str, str], cores: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert host.usable_cores(plant(tmp_path, files)) == cores


def test_without_affinity_all_cores_are_usable(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    assert host.usable_cores(tmp_path) == 12


READ_FROM_JUNK = {"load_1m", "frequency_mhz", "steal_ms", "temperature_c", "context_switches"}


@example(junk="-1")
@example(junk="1111111")
@given(junk=st.text(max_size=60) | st.text(st.sampled_from("1-.: \n"), max_size=20))
def test_junk_does_not_stop_a_reading(tmp_path_factory: TempPathFactory, junk: str) -> None:
    text = junk.encode(errors="replace").decode()
    names = ("proc/stat", "proc/loadavg", CGROUP, f"{CPU}/online")
    texts = dict.fromkeys(names, text) | {
        "proc/cpuinfo": f"processor: 0\ncpu MHz: {text}\n{text}",
        "proc/meminfo": f"MemTotal: {text}", f"{CPU}/cpu0/cpufreq/scaling_cur_freq": text,
        "sys/class/thermal/thermal_zone0/temp": text,
    }  # fmt: skip
    root = plant(tmp_path_factory.mktemp("junk"), texts)
    facts, conditions = host.read_host(root), read_state(root)
    assert (facts.architecture, facts.physical_cores) == ("unknown", None)
    assert re.fullmatch(r"[a-z0-9-]{8,56}", host.system_id(facts))
    assert set(conditions) <= READ_FROM_JUNK
    assert 0 < float(conditions.get("temperature_c", 1)) < 150
    assert 1 <= host.usable_cores(root) <= (os.cpu_count() or 1)


def test_a_digest_stands_for_the_hosts_name(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "cafe")
    digest = host.host_digest()
    assert re.fullmatch(r"(?!.*cafe)[0-9a-f]{12}", digest)
    monkeypatch.setattr(platform, "node", lambda: "cafe2")
    assert host.host_digest() != digest
    monkeypatch.setattr(platform, "node", str)
    assert host.host_digest() == "unknown"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_this_machine_can_be_read() -> None:
    facts = host.read_host()
    assert facts.architecture == platform.machine()
    assert 1 <= host.usable_cores() <= (facts.logical_cores or 0)
    assert read_state()["memory_available_mib"]


def test_a_mac_is_asked_by_sysctl(monkeypatch: MonkeyPatch) -> None:
    answers = {"machdep.cpu.brand_string": "Apple M2", "kern.hv_vmm_present": "0"}
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(host, "output_of", lambda *command: answers[command[-1]])
    facts = host.read_host()
    assert (facts.cpu_model, facts.virtualization, facts.simd) == ("Apple M2", "none", ("neon",))


def test_a_program_that_is_missing_answers_nothing() -> None:
    assert output_of("no-such-program-anywhere") == ""
