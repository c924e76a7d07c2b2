"""Both ways to a device beside each other: whom it trusts, what they say alike, which is taken."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bench.core.errors import DeviceError, DeviceLost, DeviceNotFound, DeviceUnauthorized
from bench.devices.android.adb import find
from bench.devices.android.adb.device import Device as Client
from bench.devices.android.adb.direct import DirectDevice
from bench.devices.android.adb.server import ServerDevice
from tests.device.adb_server import Adb
from tests.device.daemon import CommandFault, Device, Policy, running_device
from tests.device.reaching import TMP, Reach, shell


def test_a_device_that_trusts_nobody_says_where_to_allow_it(reach: Reach, tmp_path: Path) -> None:
    with (
        running_device(tmp_path, auth=Policy.NEVER) as device,
        pytest.raises(DeviceUnauthorized, match=f"device {device.serial} doesn't trust"),
    ):
        reach(device)


def test_a_device_allows_a_key_once_and_knows_it_then(reach: Reach, tmp_path: Path) -> None:
    with running_device(tmp_path, auth=Policy.ANY_KEY) as device:
        assert reach(device).run(["true"]).status == 0
        device.gate.policy = Policy.KNOWN_KEYS
        assert reach(device).run(["true"]).status == 0
        assert len(device.gate.known) == 1


def test_a_direct_connection_that_was_lost_is_opened_anew(direct: Reach, device: Device) -> None:
    client = direct(device)
    device.drop_connections()
    with pytest.raises(DeviceLost):
        client.run(["true"])
    assert client.run(["echo", "on"]).stdout == b"on\n"


def seen_by(client: Client, folder: Path) -> list[object]:
    """What a client returns and raises, call by call."""
    folder.mkdir()
    (folder / "file").write_bytes(bytes(range(256)) * 1000)
    seen: list[object] = [
        client.run(shell("echo a; echo b >&2; exit 9")), client.run(["no-such-command"]).status,
        dict(client.properties()),
    ]  # fmt: skip
    calls: list[Callable[[], object]] = [
        lambda: client.push(folder / "file", "/system/file"),
        lambda: client.pull(f"{TMP}/nothing", folder / "back"),
        lambda: client.run(["sleep", "60"], timeout_s=0.3),
        lambda: client.run(["drop-here"]),
    ]
    for call in calls:
        with pytest.raises(DeviceError) as raised:
            call()
        seen.append((raised.value.kind, str(raised.value)))
    return seen


def test_both_ways_give_the_same(
    direct: Reach, served: Reach, device: Device, tmp_path: Path
) -> None:
    device.faults.commands.append(CommandFault(matching="drop-here", does="drop"))
    assert seen_by(direct(device), tmp_path / "a") == seen_by(served(device), tmp_path / "b")


def test_the_server_is_the_way_to_a_device_that_it_has(
    own_adb: Adb, served: Reach, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(own_adb.port))
    monkeypatch.setattr(find, "usb_devices", list)
    with closing(find.open_device(device.serial)) as client:
        assert isinstance(client, DirectDevice)
    served(device)
    (known,) = find.server_devices()
    assert (known.serial, known.state) == (device.serial, "device")
    with closing(find.open_device(device.serial)) as client:
        assert isinstance(client, ServerDevice)
    assert find.choose(None) == device.serial


@pytest.mark.parametrize("serial", ["x; rm -rf $HOME", "a b'c", "$(reboot)", "a:b:c", ""])
def test_a_serial_for_a_shell_is_just_not_found_by_a_real_server(
    own_adb: Adb, serial: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DeviceNotFound) as raised:
        ServerDevice.open(serial, address=("127.0.0.1", own_adb.port))
    assert f"'{serial}'" in raised.value.problem
