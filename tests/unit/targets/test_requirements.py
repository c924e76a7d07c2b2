"""What a target lacks on this machine, and the remedy."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.config.suite import load_suite
from bench.core.cell import TargetSpec
from bench.core.errors import DeviceNotFound, Unavailable
from bench.environments import interpreters
from bench.targets import android, nvidia
from bench.targets.base import check_target, missing_for
from tests.fakes.nvml import FakeCard, nvml
from tests.unit.devices.android.test_device_program import built


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it; a file of that name brings a program or the driver."""
    found = {"nvidia-smi": tmp_path / "nvidia-smi"}
    monkeypatch.setattr(shutil, "which", lambda name: found[name].exists() or None)
    monkeypatch.setattr(nvidia, "_DRIVER", tmp_path / "driver")
    monkeypatch.setattr(android, "choose", chosen)
    monkeypatch.setattr(nvidia, "has_card", lambda: False)
    monkeypatch.setattr(nvidia, "open_nvml", lambda: nvml(FakeCard("GPU-1")))
    monkeypatch.setattr(interpreters, "base_python", lambda _: Path(sys.executable))
    plenty = SimpleNamespace(free=2**40)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: plenty)
    return tmp_path


def chosen(serial: str | None) -> str:
    if serial is None:
        raise DeviceNotFound("", hint="plug one in")
    return serial


def bring(machine: Path, names: Iterable[str]) -> None:
    for name in names:
        (machine / name).touch()


def lacks(
    suite: str,
    device: str | None = None,
    folder: Path = Path("nowhere"),
) -> list[str]:
    target = TargetSpec(kind=load_suite(suite).file.target, device=device, agent=str(folder))
    found = missing_for(target)
    assert all(missing.remedy for missing in found)
    return [missing.what for missing in found]


@pytest.mark.usefixtures("machine")
def test_the_cpu_lacks_nothing_anywhere() -> None:
    assert lacks("cpu") == []
    check_target("suite cpu", TargetSpec(kind="cpu"))


NO_DRIVER = "there is no NVIDIA driver (no /proc/driver/nvidia/version, no nvidia-smi)"


@pytest.mark.parametrize("sign", ["driver", "nvidia-smi"])
def test_a_gpu_is_here_where_its_driver_or_its_tool_is(
    machine: Path, sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lacks("gpu") == ["there is no NVIDIA GPU", NO_DRIVER]
    monkeypatch.setattr(nvidia, "has_card", lambda: True)
    assert lacks("gpu") == [NO_DRIVER]
    bring(machine, [sign])
    assert lacks("gpu") == []


def test_a_driver_without_a_card_or_without_an_answer_is_told(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(machine, ["driver"])
    monkeypatch.setattr(nvidia, "open_nvml", nvml)
    assert lacks("gpu") == ["the driver sees no NVIDIA GPU"]
    monkeypatch.setattr(nvidia, "open_nvml", lambda: nvml(broken="Unknown Error"))
    assert lacks("gpu") == ["the NVIDIA driver doesn't answer: Unknown Error"]


FULL = "7.5 GiB of disk are free for {cache}, environment gpu-volta takes 8"


@pytest.mark.parametrize(
    ("free_gib", "python", "system", "found"),
    [
        (9, True, "Linux", []),
        (7.5, True, "Linux", [FULL]),
        (9, False, "Linux", ["there is no Python 3.10 on this machine"]),
        (9, True, "Darwin",
         ["the engines exist for Linux on x86-64, and this is Darwin on x86_64"]),
    ],
)  # fmt: skip
def test_what_every_environment_of_the_card_lacks_is_told(
    free_gib: float, python: bool, system: str, found: list[str], machine: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def base(_: object) -> Path:
        if not python:
            raise Unavailable("there is no Python 3.10 on this machine", hint="install one")
        return Path(sys.executable)

    bring(machine, ["driver"])
    monkeypatch.setattr(interpreters, "base_python", base)
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    free = SimpleNamespace(free=free_gib * 2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    target = TargetSpec(kind="nvidia-gpu", engines=str(machine / "cache/engines"))
    told = [one.what for one in missing_for(target)]
    assert told == [text.format(cache=machine / "cache") for text in found]


def test_a_python_of_ones_own_takes_no_disk(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(machine, ["driver"])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    target = TargetSpec(kind="nvidia-gpu", own_python="/usr/bin/python3")
    assert missing_for(target) == []


NO_AGENT = "the device program isn't built"
NO_PHONE = "there is no device ''"


def test_a_phone_needs_the_device_program_and_one_phone_where_none_is_named(
    machine: Path,
) -> None:
    assert lacks("arm") == [NO_AGENT, NO_PHONE]
    assert lacks("arm", "SER1AL") == [NO_AGENT]
    assert lacks("arm", "SER1AL", folder=built(machine)) == []
    (machine / "bench_agent").write_bytes(b"of another build")
    [other] = lacks("arm", "SER1AL", folder=machine)
    assert "bench_agent is another file than agent.json says" in other


def test_an_installation_without_the_clients_lacks_them(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(_: object) -> str:
        raise Unavailable("the ADB clients aren't installed", hint="install them")

    monkeypatch.setattr(android, "choose", choose)
    assert lacks("arm", "SER1AL") == [NO_AGENT, "the ADB clients aren't installed"]


def test_the_official_tool_stands_for_the_device_program(machine: Path) -> None:
    tool = machine / "benchmark_bin"
    target = TargetSpec(kind="android", device="SER1AL", benchmark_bin=str(tool))
    [missing] = missing_for(target)
    assert missing.what == f"{tool} is no file"
    tool.touch()
    assert missing_for(target) == []


@pytest.mark.usefixtures("machine")
def test_all_that_is_missing_is_told_with_the_first_remedy() -> None:
    with pytest.raises(Unavailable) as caught:
        check_target("suite arm", TargetSpec(kind="android"))
    assert caught.value.problem == f"suite arm can't run here: {NO_AGENT}; {NO_PHONE}"
    assert "make agent" in caught.value.hint
