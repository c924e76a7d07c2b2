"""What both ways say of a device that hangs, goes away or has no room, and that they serve on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.core.errors import DeviceLost, DeviceTimeout, PushFailed
from tests.device.daemon import CommandFault, Device, PushFault
from tests.device.reaching import MIB, TMP, Reach, shell
from tests.device.test_daemon import eventually


@pytest.mark.parametrize("script", ["sleep 60", "while :; do echo y; done"])
def test_a_deadline_ends_the_command_and_the_next_call_serves(
    reach: Reach, device: Device, script: str
) -> None:
    client = reach(device)
    with pytest.raises(DeviceTimeout, match=r"within 0\.5 s during `sh`"):
        client.run(shell(script), timeout_s=0.5)
    assert eventually(lambda: not device.processes())
    assert client.run(["echo", "on"]).stdout == b"on\n"


def test_silence_among_the_lines_ends_them(reach: Reach, device: Device) -> None:
    device.faults.commands.append(CommandFault(matching="seq", does="hang", after_lines=2))
    with reach(device).lines(["seq", "5"], silence_s=0.5) as lines:
        assert [next(lines), next(lines)] == ["1", "2"]
        with pytest.raises(DeviceTimeout, match="during `seq`"):
            next(lines)


def test_a_file_service_that_hangs_ends_at_its_deadline(
    reach: Reach, device: Device, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(bytes(32 * MIB))
    device.faults.commands.append(CommandFault(matching="sync:", does="hang"))
    client = reach(device)
    with pytest.raises(DeviceTimeout, match="the push of file"):
        client.push(tmp_path / "file", f"{TMP}/file", silence_s=0.5)
    with pytest.raises(DeviceTimeout, match="the pull of"):
        client.pull(f"{TMP}/file", tmp_path / "back", silence_s=0.5)
    device.faults.commands.clear()
    assert client.run(["echo", "on"]).stdout == b"on\n"


@pytest.mark.parametrize("does", ["drop", "hang"])
def test_a_device_that_goes_in_the_middle_of_a_command_is_lost(
    reach: Reach, device: Device, does: str
) -> None:
    device.faults.commands.append(
        CommandFault(matching="seq", does="drop" if does == "drop" else "hang", after_lines=2)
    )
    client = reach(device)
    with client.lines(["seq", "5"]) as lines:
        assert [next(lines), next(lines)] == ["1", "2"]
        if does == "hang":
            device.drop_connections()
        with pytest.raises(DeviceLost, match="during `seq`"):
            next(lines)
    device.faults.commands.clear()
    assert reach(device).run(["echo", "on"]).stdout == b"on\n"


def test_a_stream_cut_before_its_status_is_no_success(reach: Reach, device: Device) -> None:
    device.faults.commands.append(CommandFault(matching="seq", does="kill", after_lines=1))
    done = reach(device).run(shell("seq 5; sleep 60"))
    assert done.status != 0


def test_a_device_that_goes_in_the_middle_of_a_push_is_lost(
    reach: Reach, device: Device, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(bytes(8 * MIB))
    device.faults.pushes.append(PushFault(matching="file", does="drop", after_bytes=MIB, times=1))
    with pytest.raises(DeviceLost, match="the push of file"):
        reach(device).push(tmp_path / "file", f"{TMP}/file")
    reach(device).push(tmp_path / "file", f"{TMP}/file")
    assert device.path(f"{TMP}/file").stat().st_size == 8 * MIB


@pytest.mark.parametrize(
    ("fault", "reason", "remedy"),
    [
        (PushFault(matching="file", does="full", after_bytes=MIB), "No space left", "free some"),
        (PushFault(matching="file", does="full", after_bytes=8 * MIB - 1), "No space left", "free"),
        (PushFault(matching="file", does="denied"), "Permission denied", "/data/local/tmp"),
    ],
    ids=["full in the middle", "full at the end", "denied"],
)
def test_a_file_that_the_device_will_not_take_is_told_with_its_reason(
    reach: Reach, device: Device, tmp_path: Path, fault: PushFault, reason: str, remedy: str
) -> None:
    (tmp_path / "file").write_bytes(bytes(8 * MIB))
    (tmp_path / "other").write_bytes(b"small")
    device.faults.pushes.append(fault)
    client = reach(device)
    with pytest.raises(PushFailed, match=reason) as raised:
        client.push(tmp_path / "file", f"{TMP}/file")
    assert remedy in raised.value.hint
    client.push(tmp_path / "other", f"{TMP}/other")
    assert client.run(["cat", f"{TMP}/other"]).stdout == b"small"
