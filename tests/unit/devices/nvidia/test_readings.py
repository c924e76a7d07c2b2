"""Identity and readings, with every answer that NVML may leave out left out."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from bench.core.errors import Unavailable
from bench.devices.nvidia.choice import Gpu, choose
from bench.devices.nvidia.identity import Identity, read_identity
from bench.devices.nvidia.nvml import Nvml, open_nvml
from bench.devices.nvidia.readings import read
from bench.runners.gpu import Gauge, open_gauge
from tests.fakes.nvml import FakeCard, FakeNvml, nvml

FULL: dict[str, Any] = {
    "NumGpuCores": 5120,
    "MaxClockInfo": {1: 1530, 2: 877}, "MaxPcieLinkGeneration": 3, "EnforcedPowerLimit": 300_000,
    "PersistenceMode": 1, "ComputeMode": 3, "EccMode": [1, 1], "ApplicationsClock": {1: 1312},
    "CurrPcieLinkGeneration": 3, "ClockInfo": {1: 1290, 2: 877}, "Temperature": {0: 41},
    "PowerUsage": 43_210, "PerformanceState": 0, "TotalEnergyConsumption": 5_000,
    "CurrentClocksEventReasons": 0x1,
    "ViolationStatus": {0: SimpleNamespace(violationTime=7), 1: SimpleNamespace(violationTime=0)},
}  # fmt: skip


def gpu_of(found: Nvml) -> Gpu:
    return choose(found, name=None, visible=None)


def identity(card: FakeCard, **system: Any) -> Identity:
    found = nvml(card, **system)
    return read_identity(found, gpu_of(found))


def readings(**answers: Any) -> dict[str, Any]:
    found = nvml(FakeCard("GPU-1", **answers))
    return read(found, gpu_of(found))


def test_a_card_that_tells_everything_is_read_whole() -> None:
    card = FakeCard("GPU-1", **FULL)
    it = identity(card, DriverVersion="550.54.15", CudaDriverVersion_v2=12040)
    assert (it.name, it.capability) == ("Tesla V100-SXM2-16GB", "7.0")
    assert it.facts == {
        "gpu": "Tesla V100-SXM2-16GB", "compute_capability": "7.0", "gpu_cores": 5120,
        "gpu_memory_mib": 16384,
        "mig": "off", "max_memory_mhz": 877, "max_pcie_generation": 3,
    }  # fmt: skip
    assert it.setup == {
        "driver": "550.54.15", "cuda_driver": "12.4", "persistence": "on",
        "compute_mode": "exclusive process", "ecc": "on", "max_sm_mhz": 1530,
        "application_sm_mhz": 1312, "power_limit_w": 300.0, "pcie_generation": 3,
    }  # fmt: skip


def test_what_a_card_or_a_driver_does_not_tell_has_no_key() -> None:
    it = identity(FakeCard("GPU-1"))
    assert it.setup == {}
    assert set(it.facts) == {"gpu", "compute_capability", "gpu_memory_mib", "mig"}
    assert readings() == {"compute_processes": 0}


def test_names_of_older_bindings_are_bytes_and_are_read_all_the_same() -> None:
    it = identity(FakeCard("GPU-1", Name=b"Tesla P40"), DriverVersion=b"470.1")
    assert (it.name, it.setup["driver"]) == ("Tesla P40", "470.1")


def test_a_zero_is_an_answer() -> None:
    it = identity(FakeCard("GPU-1", PersistenceMode=0, EccMode=[0, 1], ComputeMode=0))
    assert it.setup == {"persistence": "off", "ecc": "off", "compute_mode": "default"}
    assert readings(CurrentClocksEventReasons=0)["throttle_bits"] == 0


def test_a_card_that_does_not_tell_its_capability_can_not_be_measured() -> None:
    card = FakeCard("GPU-1")
    del card.answers["CudaComputeCapability"]
    with pytest.raises(Unavailable, match="doesn't report its compute capability"):
        identity(card)


def test_a_drivers_surprise_is_no_answer_and_no_traceback() -> None:
    surprises: dict[str, Any] = {
        "PowerUsage": OSError(5, "I/O"),
        "EccMode": ValueError("?"),
        "Name": TypeError(),
    }
    it = identity(FakeCard("GPU-1", **surprises))
    assert (it.name, "ecc" in it.setup) == ("NVIDIA GPU 7.0", False)
    assert "power_w" not in readings(**surprises)


def test_a_mig_instance_is_named_as_one() -> None:
    part = FakeCard("MIG-1", Name="NVIDIA A100-SXM4-40GB MIG 1g.5gb")
    found = nvml(FakeCard("GPU-1", mig=(part,), CudaComputeCapability=(8, 0)))
    it = read_identity(found, choose(found, name="MIG-1", visible=None))
    assert (it.name, it.facts["mig"]) == ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "on")
    assert it.capability == "8.0", "an instance has its card's"


def test_readings_bear_their_units() -> None:
    assert readings(**FULL) == {
        "sm_mhz": 1290, "memory_mhz": 877, "gpu_temperature_c": 41, "power_w": 43.21, "pstate": 0,
        "energy_mj": 5000, "throttle_bits": 1, "power_violation_ns": 7, "thermal_violation_ns": 0,
        "compute_processes": 0,
    }  # fmt: skip


def test_the_older_name_of_the_reasons_is_asked_where_the_newer_one_is_not_there() -> None:
    assert readings(CurrentClocksThrottleReasons=0x4)["throttle_bits"] == 0x4


def test_a_driver_that_does_not_answer_is_told_in_its_own_words() -> None:
    with pytest.raises(Unavailable, match="doesn't answer: Driver/library version mismatch"):
        nvml(broken="Driver/library version mismatch")


def test_a_missing_package_is_told_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(Unavailable, match=r"nvidia-ml-py is missing: run `make setup`"):
        open_nvml()


def gauge(card: FakeCard) -> Gauge:
    found = nvml(card)
    return Gauge(found, gpu_of(found))


def test_energy_and_limits_are_those_between_begin_and_end() -> None:
    card = FakeCard("GPU-1", **FULL)
    one = gauge(card)
    one.begin()
    card.answers |= {
        "TotalEnergyConsumption": 6_500, "ClockInfo": {1: 1380, 2: 877},
        "CurrentClocksEventReasons": 0x4,
        "ViolationStatus": {0: SimpleNamespace(violationTime=3_000_007),
                            1: SimpleNamespace(violationTime=0)},
    }  # fmt: skip
    told = one.end(100)
    assert told["energy_mj_per_inference"] == 15.0
    assert (told["sm_mhz_begin"], told["sm_mhz_end"]) == (1290, 1380)
    assert (told["power_violation_ms"], told["thermal_violation_ms"]) == (3.0, 0.0)
    assert told["throttle_bits"] == 0x1 | 0x4


def test_what_can_not_be_read_is_no_covariate() -> None:
    one = gauge(FakeCard("GPU-1"))
    one.begin()
    assert one.end(10) == {}


def test_an_interpreter_without_nvml_is_measured_without_a_gauge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    silent = open_gauge("GPU-1")
    silent.begin()
    assert silent.end(10) == {}


def test_the_gauge_reads_the_gpu_of_that_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    other = FakeCard("GPU-2", ClockInfo={1: 999, 2: 1})
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(FakeCard("GPU-1"), other))
    assert open_gauge("GPU-2").end(1)["sm_mhz_end"] == 999
