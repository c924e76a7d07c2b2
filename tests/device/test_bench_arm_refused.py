"""A run on a phone that is refused: by its ABI, program or serial, or as it is in use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.process import call, complaint
from tests.device.agent_build import LIBRARY, missing_tools
from tests.device.arm_run import Prepared
from tests.device.daemon import Device, Policy, State, running_device
from tests.device.two_nets import PROGRAM, complaint_of, left_on, run

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(missing_tools() is not None, reason=missing_tools() or ""),
]


def test_a_wrong_abi_is_refused_before_anything_is_pushed(
    nets: Prepared, suite: Path, tmp_path: Path
) -> None:
    state = State(abi="armeabi-v7a")
    with running_device(tmp_path / "old", auth=Policy.OPEN, state=state) as device:
        ran = run(device, nets, suite)
        assert ran.done.returncode == 2
        assert "armeabi-v7a" in complaint_of(ran)
        assert left_on(device) == []
    assert not (suite.parent / "results" / "runs").exists()


def test_a_library_of_another_build_is_refused_before_anything_is_pushed(
    device: Device, nets: Prepared, suite: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(nets.agent, other)
    (other / LIBRARY).write_bytes(b"of another release")
    ran = run(device, Prepared(agent=other, names=nets.names), suite)
    assert ran.done.returncode == 2
    assert f"{LIBRARY} is another file than agent.json says was built" in complaint_of(ran)
    assert "make agent" in complaint_of(ran)
    assert not any(PROGRAM in command for command in device.commands)
    assert left_on(device) == []


@pytest.mark.parametrize("serial", ["x; touch HERE", "$(touch HERE)", "a b'c", "127.0.0.1:1"])
def test_a_serial_that_is_no_device_is_refused_and_no_shell_sees_it(
    serial: str, nets: Prepared, suite: Path, tmp_path: Path
) -> None:
    argv: list[str | Path] = ["run", "--suite", suite, "--device", serial, "--agent", nets.agent]
    line = complaint(call(*argv, "--results", tmp_path / "r", cwd=Path.cwd()))
    assert serial in line
    assert not list(tmp_path.rglob("HERE"))
    assert not Path("HERE").exists()


def test_two_runs_do_not_share_a_phone(device: Device, nets: Prepared, suite: Path) -> None:
    from bench.core.locks import held, runtime_folder
    from bench.devices.android.adb.find import open_device
    from bench.devices.android.identity import serial_digest

    connected = open_device(device.serial)
    try:
        name = serial_digest(connected)
        with held(runtime_folder() / f"phone-{name}.lock", f"phone {name}"):
            ran = run(device, nets, suite)
    finally:
        connected.close()
    assert ran.done.returncode == 2
    assert "in use by another process" in complaint_of(ran)
