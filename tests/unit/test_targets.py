"""What a target lacks on this machine, and the remedy."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from bench import targets
from bench.cell import Target
from bench.errors import DeviceNotFound, Unavailable
from bench.runners import RUNNERS, RunnerEntry
from bench.suite import load_suite
from bench.targets import PROGRAM, check_target, missing_for
from tests.fakes.tables import fake_runner

ALL = {name: fake_runner("Ok") for name in ("paddle", "paddle-lite", "paddle-tensorrt")}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it; a file of that name brings a program or the driver."""
    found = {"nvidia-smi": tmp_path / "nvidia-smi"}
    monkeypatch.setattr(shutil, "which", lambda name: found[name].exists() or None)
    monkeypatch.setattr(targets, "_NVIDIA_DRIVER", tmp_path / "driver")
    monkeypatch.setattr(targets, "choose", chosen)
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
    runners: Mapping[str, RunnerEntry] = ALL,
    folder: Path = Path("nowhere"),
) -> list[str]:
    one = load_suite(suite)
    target = Target(kind=one.file.target, device=device, agent=str(folder))
    found = missing_for(target, one.runners, runners)
    assert all(missing.remedy for missing in found)
    return [missing.what for missing in found]


@pytest.mark.usefixtures("machine")
def test_the_cpu_lacks_nothing_anywhere() -> None:
    assert lacks("cpu") == []
    check_target("cpu", Target(kind="cpu"), ["paddle"], ALL)


@pytest.mark.parametrize("sign", ["driver", "nvidia-smi"])
def test_a_gpu_is_here_where_its_driver_or_its_tool_is(machine: Path, sign: str) -> None:
    assert lacks("gpu") == ["there is no NVIDIA GPU (no driver, no nvidia-smi)"]
    bring(machine, [sign])
    assert lacks("gpu") == []


NO_AGENT = "the device program isn't built"
NO_PHONE = "there is no device ''"


def test_a_phone_needs_the_device_program_and_one_phone_where_none_is_named(
    machine: Path,
) -> None:
    assert lacks("arm") == [NO_AGENT, NO_PHONE]
    assert lacks("arm", "SER1AL") == [NO_AGENT]
    (machine / PROGRAM).touch()
    assert lacks("arm", "SER1AL", folder=machine) == []


def test_the_official_tool_stands_for_the_device_program(machine: Path) -> None:
    suite, tool = load_suite("arm"), machine / "benchmark_bin"
    target = Target(kind="android", device="SER1AL", benchmark_bin=str(tool))
    [missing] = missing_for(target, suite.runners, ALL)
    assert missing.what == f"{tool} is no file"
    tool.touch()
    assert missing_for(target, suite.runners, ALL) == []


def test_a_runner_that_is_yet_to_come_is_missing(machine: Path) -> None:
    bring(machine, ["driver"])
    assert lacks("gpu", runners=RUNNERS) == ["this version has no runner 'paddle-tensorrt'"]


@pytest.mark.usefixtures("machine")
def test_all_that_is_missing_is_told_with_the_first_remedy() -> None:
    with pytest.raises(Unavailable) as caught:
        check_target("arm", Target(kind="android"), ["paddle-lite"], {"paddle": ALL["paddle"]})
    assert caught.value.problem == (
        f"suite arm can't run here: {NO_AGENT}; {NO_PHONE}; "
        "this version has no runner 'paddle-lite'"
    )
    assert "make agent" in caught.value.hint
