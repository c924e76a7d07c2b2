"""What a phone is, from what phones say."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.devices.android.identity import (
    Cluster,
    PhoneFacts,
    big_cores,
    heading,
    read_identity,
    serial_digest,
)
from bench.targets.android import system_of
from tests.fakes.device import FakeDevice, ShellDevice
from tests.fakes.phones import MEMINFO, SD855, SD855_KHZ, answer, cpufreq, grepped

FACTS = PhoneFacts(
    model="MI 9", manufacturer="Xiaomi", soc="msmnile", abi="arm64-v8a",
    abis=("arm64-v8a", "armeabi-v7a", "armeabi"), android="11", sdk=30, build_digest="0123456789ab",
    cores=8, memory_gib=8, emulated=False,
    clusters=(
        Cluster(cores=(0, 1, 2, 3), max_khz=1_785_600), Cluster(cores=(4, 5, 6), max_khz=2_419_200),
        Cluster(cores=(7,), max_khz=2_841_600),
    ),
)  # fmt: skip


def phone(**properties: str) -> FakeDevice:
    """Return a Snapdragon 855 phone but for these properties, `_` for `.` in their names."""
    changed = {name.replace("_", "."): value for name, value in properties.items()}
    files = answer(cores=grepped(cpufreq(SD855_KHZ)), memory=MEMINFO)
    return FakeDevice(files, properties=SD855 | changed)


def with_prime_core(khz: int) -> tuple[Cluster, ...]:
    return (*FACTS.clusters[:-1], Cluster(cores=(7,), max_khz=khz))


def test_a_phone_is_read_in_one_command_from_its_properties_and_files() -> None:
    device = phone()
    facts = read_identity(device)
    assert replace(facts, build_digest=FACTS.build_digest) == FACTS
    assert len(device.commands) == 1


def test_the_builds_fingerprint_is_kept_as_a_digest_only() -> None:
    digest = read_identity(phone()).build_digest
    assert re.fullmatch("[0-9a-f]{12}", digest)
    assert read_identity(phone(ro_build_fingerprint="another")).build_digest != digest


def test_a_phone_that_says_nothing_gives_unknowns_and_no_guess() -> None:
    facts = read_identity(FakeDevice(answer()))
    assert facts == PhoneFacts(
        model="unknown", manufacturer="unknown", soc="unknown", abi="unknown", abis=("unknown",),
        android="unknown", sdk=None, build_digest="unknown", cores=None, clusters=(),
        memory_gib=None, emulated=False,
    )  # fmt: skip
    assert heading(facts) == "unknown chip"
    assert big_cores(facts) == frozenset()
    assert re.fullmatch("unknown-chip-[0-9a-f]{8}", system_of(facts).system_id)


def test_the_chip_is_named_by_the_first_property_that_tells() -> None:
    assert read_identity(phone(ro_soc_model="SM8150")).soc == "SM8150"
    assert read_identity(phone(ro_board_platform="")).soc == "qcom"


def test_cores_that_are_offline_belong_to_their_cluster_all_the_same() -> None:
    files = {"present": "0-7"}
    for first, related, khz in (
        (0, "0 1 2 3", 1_785_600),
        (4, "4 5 6", 2_419_200),
        (7, "7", 2_841_600),
    ):
        files[f"cpufreq/policy{first}/related_cpus"] = related
        files[f"cpufreq/policy{first}/cpuinfo_max_freq"] = str(khz)
    device = FakeDevice(answer(cores=grepped(files)), properties=SD855)
    assert read_identity(device).clusters == FACTS.clusters


def test_big_cores_are_those_of_every_cluster_above_the_slowest() -> None:
    assert big_cores(FACTS) == {4, 5, 6, 7}


def test_a_phone_whose_first_cores_are_the_fast_ones_has_them_for_its_big_ones() -> None:
    files = answer(cores=grepped(cpufreq(SD855_KHZ[::-1])))
    facts = read_identity(FakeDevice(files, properties=SD855))
    assert [cluster.max_khz for cluster in facts.clusters] == [1_785_600, 2_419_200, 2_841_600]
    assert big_cores(facts) == {0, 1, 2, 3}


def test_where_all_cores_are_alike_all_are_big() -> None:
    alike = replace(FACTS, cores=4, clusters=FACTS.clusters[:1])
    assert big_cores(alike) == {0, 1, 2, 3}


@pytest.mark.parametrize("shown", [FACTS.clusters[:1], FACTS.clusters[:2], FACTS.clusters[1:]])
def test_a_cluster_that_is_unplugged_makes_no_other_phone_and_no_little_core_big(
    shown: tuple[Cluster, ...],
) -> None:
    facts = replace(FACTS, clusters=shown)
    assert system_of(facts).system_id == system_of(FACTS).system_id
    assert big_cores(facts) == frozenset()


@pytest.mark.parametrize(
    ("soc", "khz", "words"),
    [
        ("msmnile", 2_841_600, "Snapdragon 855 (SM8150), 8 cores, Android 11"),
        ("SM8150", 2_841_600, "Snapdragon 855 (SM8150), 8 cores, Android 11"),
        ("SM8150-AC", 2_956_800, "Snapdragon 855+ or 860 (SM8150), 8 cores, Android 11"),
        ("kona", 3_187_200, "Snapdragon 870 (SM8250), 8 cores, Android 11"),
        ("SM8150", 1_900_000, "SM8150, 8 cores, Android 11"),
        ("lahaina", 2_841_600, "lahaina, 8 cores, Android 11"),
        ("MT6893", 2_600_000, "MT6893, 8 cores, Android 11"),
    ],
)
def test_a_chip_bears_a_sellers_name_only_where_number_and_clock_agree(
    soc: str, khz: int, words: str
) -> None:
    facts = replace(FACTS, soc=soc, clusters=with_prime_core(khz))
    assert heading(facts) == words


def test_a_chip_whose_clocks_cannot_be_read_bears_its_own_name() -> None:
    assert heading(replace(FACTS, clusters=())) == "msmnile, 8 cores, Android 11"


EMULATED = [
    {"ro_kernel_qemu": "1"}, {"ro_boot_qemu": "1"}, {"ro_hardware": "ranchu"},
    {"ro_hardware": "goldfish"}, {"ro_product_model": "sdk_gphone64_arm64"},
    {"ro_product_model": "Android Emulator"}, {"ro_bench_standin": "1"},
    {"ro_product_cpu_abi": "x86_64"},
]  # fmt: skip


@pytest.mark.parametrize("properties", EMULATED, ids=str)
def test_an_emulated_device_says_so_in_its_name_whatever_chip_it_claims(
    properties: dict[str, str],
) -> None:
    facts = read_identity(phone(ro_soc_model="SM8150", **properties))
    system = system_of(facts)
    assert facts.emulated
    assert system.emulated
    assert system.heading == "emulated Android device, 8 cores, Android 11"
    assert re.fullmatch("emulated-android-device-8c-[0-9a-f]{8}", system.system_id)


@pytest.mark.parametrize(
    "properties",
    [
        {"ro_kernel_qemu": "0"},
        {"ro_boot_qemu": ""},
        {"ro_hardware": "qcom"},
        {"ro_bench_standin": ""},
    ],
    ids=str,
)
def test_a_real_phone_is_not_called_emulated(properties: dict[str, str]) -> None:
    assert not system_of(read_identity(phone(**properties))).emulated


def test_a_system_is_stored_under_a_readable_name_without_what_changes_or_identifies() -> None:
    system = system_of(FACTS)
    assert re.fullmatch("msmnile-8c-[0-9a-f]{8}", system.system_id)
    assert system.facts == {
        "model": "MI 9", "manufacturer": "Xiaomi", "soc": "msmnile", "abi": "arm64-v8a",
        "abis": ["arm64-v8a", "armeabi-v7a", "armeabi"], "android": "11", "sdk": 30, "cores": 8,
        "clusters": [
            "cores 0,1,2,3: 1785600 kHz", "cores 4,5,6: 2419200 kHz", "cores 7: 2841600 kHz",
        ],
        "memory_gib": 8,
    }  # fmt: skip


def test_every_fact_but_the_build_and_the_clocks_makes_another_system() -> None:
    other = PhoneFacts(
        model="MI 9T", manufacturer="X", soc="kona", abi="armeabi-v7a", abis=(),
        android="12", sdk=31, build_digest="another", cores=6, clusters=(), memory_gib=12,
        emulated=True,
    )  # fmt: skip
    for field in fields(FACTS):
        changed: PhoneFacts = replace(FACTS, **{field.name: getattr(other, field.name)})
        same = system_of(changed).system_id[-8:] == system_of(FACTS).system_id[-8:]
        assert same == (field.name in ("build_digest", "clusters")), field.name


@given(soc=st.text(max_size=80))
def test_a_system_id_can_name_a_file_whatever_the_chip_is_called(soc: str) -> None:
    system = system_of(replace(FACTS, soc=soc, clusters=()))
    assert re.fullmatch(r"[a-z0-9-]{8,56}", system.system_id)


def test_a_digest_stands_for_the_serial_number_over_usb_and_network_alike() -> None:
    by_usb = FakeDevice(properties=SD855, serial="3f5a81c2")
    by_network = FakeDevice(properties=SD855, serial="192.0.2.7:5555")
    digest = serial_digest(by_usb)
    assert re.fullmatch("(?!.*3f5a81c2)[0-9a-f]{12}", digest)
    assert serial_digest(by_network) == digest
    assert serial_digest(FakeDevice(properties=SD855 | {"ro.serialno": "other"})) != digest


@pytest.mark.parametrize("shared", ["", "unknown", "0123456789ABCDEF", "EMULATOR34X1X10X0"])
def test_a_serial_number_that_many_devices_share_stands_for_none_of_them(shared: str) -> None:
    one, two = (
        FakeDevice(properties={"ro.serialno": shared}, serial=serial)
        for serial in ("emulator-5554", "emulator-5556")
    )
    assert serial_digest(one) != serial_digest(two)


def test_the_second_property_names_the_phone_where_the_first_is_empty() -> None:
    properties = {"ro.serialno": "", "ro.boot.serialno": "3f5a81c2"}
    assert serial_digest(FakeDevice(properties=properties)) == serial_digest(phone())


def test_the_script_reads_this_machines_files_in_a_real_shell(tmp_path: Path) -> None:
    facts = read_identity(ShellDevice(tmp_path))
    assert facts.cores
    assert facts.memory_gib is not None
