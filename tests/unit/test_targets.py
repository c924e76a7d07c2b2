"""What a target lacks on this machine, and the remedy."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from bench import targets
from bench.cell import Target
from bench.errors import Unavailable
from bench.runners import RUNNERS, RunnerEntry
from bench.suite import load_suite
from bench.targets import check_target, missing_for
from tests.fakes.tables import fake_runner

ALL = {name: fake_runner("Ok") for name in ("paddle", "paddle-lite", "paddle-tensorrt")}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it; a file of that name brings a program or the driver."""
    found = {"adb": tmp_path / "adb", "nvidia-smi": tmp_path / "nvidia-smi"}
    monkeypatch.setattr(shutil, "which", lambda name: found[name].exists() or None)
    monkeypatch.setattr(targets, "_NVIDIA_DRIVER", tmp_path / "driver")
    return tmp_path


def bring(machine: Path, names: Iterable[str]) -> None:
    for name in names:
        (machine / name).touch()


def lacks(
    suite: str, device: str | None = None, runners: Mapping[str, RunnerEntry] = ALL
) -> list[str]:
    one = load_suite(suite)
    found = missing_for(one, Target(kind=one.file.target, device=device), runners)
    assert all(missing.remedy for missing in found)
    return [missing.what for missing in found]


@pytest.mark.usefixtures("machine")
def test_the_cpu_lacks_nothing_anywhere() -> None:
    assert lacks("cpu") == []
    check_target(load_suite("cpu"), Target(kind="cpu"), ALL)


@pytest.mark.parametrize("sign", ["driver", "nvidia-smi"])
def test_a_gpu_is_here_where_its_driver_or_its_tool_is(machine: Path, sign: str) -> None:
    assert lacks("gpu") == ["there is no NVIDIA GPU (no driver, no nvidia-smi)"]
    bring(machine, [sign])
    assert lacks("gpu") == []


@pytest.mark.parametrize(
    ("device", "brought", "missing"),
    [
        (None, [], ["no phone is named", "there is no adb"]),
        ("SER1AL", [], ["there is no adb"]),
        (None, ["adb"], ["no phone is named"]),
        ("SER1AL", ["adb"], []),
    ],
)
def test_a_phone_needs_a_name_and_adb(
    machine: Path, device: str | None, brought: list[str], missing: list[str]
) -> None:
    bring(machine, brought)
    assert lacks("arm", device) == missing


def test_a_runner_that_is_yet_to_come_is_missing(machine: Path) -> None:
    bring(machine, ["driver", "adb"])
    assert lacks("gpu", runners=RUNNERS) == ["this version has no runner 'paddle-tensorrt'"]
    assert lacks("arm", "SER1AL", RUNNERS) == ["this version has no runner 'paddle-lite'"]


@pytest.mark.usefixtures("machine")
def test_all_that_is_missing_is_told_with_the_first_remedy() -> None:
    with pytest.raises(Unavailable) as caught:
        check_target(load_suite("arm"), Target(kind="android"), {"paddle": ALL["paddle"]})
    assert caught.value.problem == (
        "suite arm can't run here: no phone is named; there is no adb; "
        "this version has no runner 'paddle-lite'"
    )
    assert "DEVICE=serial" in caught.value.hint
