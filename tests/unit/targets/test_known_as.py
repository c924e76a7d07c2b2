"""A machine that results already know keeps the id that it has there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.core.cell import TargetSpec
from bench.core.paths import PROJECT
from bench.devices.host.facts import HostFacts
from bench.devices.nvidia.identity import Identity
from bench.storage.schema.common import System
from bench.storage.store import Store
from bench.targets import cpu, nvidia
from bench.targets.base import known_as, opened

HOST = HostFacts(
    cpu_model="AMD EPYC", cpu_id="AuthenticAMD 25 17 1", architecture="x86_64", physical_cores=2,
    logical_cores=2, memory_gib=24, virtualization="kvm", simd=("avx",),
)  # fmt: skip


@pytest.fixture
def committed() -> System:
    (system,) = Store(PROJECT / "results").systems()
    return system


def earlier(system: System, **facts: int) -> System:
    """Return what an earlier version stored of it."""
    kept = {name: it for name, it in system.facts.items() if name != "cpu_id"}
    return system.model_copy(
        update={"system_id": "earlier", "hardware": None, "facts": {**kept, **facts}}
    )


def test_the_machine_of_the_committed_results_keeps_its_id(committed: System) -> None:
    assert known_as(cpu.make_system(HOST), [committed]) == committed


@pytest.mark.parametrize(("stored", "same"), [(63, True), (61, True), (48, False), (24, False)])
def test_memory_that_was_only_rounded_is_the_same_memory(stored: int, same: bool) -> None:
    system = cpu.make_system(replace(HOST, memory_gib=64))
    known = known_as(system, [earlier(system, memory_gib=stored)])
    assert (known.system_id == "earlier") == same


def test_another_machine_or_a_gpu_in_it_has_an_id_of_its_own(committed: System) -> None:
    facts: dict[str, str | int | float] = {"gpu": "Tesla V100", "gpu_memory_mib": 16384}
    gpu = Identity(name="Tesla V100", uuid="GPU-1", capability="7.0", facts=facts, setup={})
    for system in (
        cpu.make_system(replace(HOST, physical_cores=4)), nvidia.make_system(gpu, HOST),
    ):  # fmt: skip
        assert known_as(system, [committed]) == system
        assert known_as(system, [earlier(system)]).system_id == "earlier"


def test_an_id_of_today_stands_for_the_hardware_alone() -> None:
    system, other = (cpu.make_system(replace(HOST, simd=simd)) for simd in ((), ("avx",)))
    assert system.system_id == other.system_id
    stepping = cpu.make_system(replace(HOST, cpu_id="AuthenticAMD 25 17 2"))
    assert known_as(stepping, [system]) == stepping


def test_a_target_is_opened_under_the_id_that_results_know(
    monkeypatch: pytest.MonkeyPatch, committed: System
) -> None:
    monkeypatch.setattr(cpu, "read_host", lambda: HOST)
    with opened(TargetSpec(kind="cpu"), store=Store(PROJECT / "results")) as target:
        assert target.system.system_id == committed.system_id
