"""An adb server, scripted on a socket: its address, the devices that it lists, and its refusals."""

from __future__ import annotations

import subprocess

import pytest

from bench.core.errors import (
    DeviceError,
    DeviceLost,
    DeviceNotFound,
    DeviceTimeout,
    DeviceUnauthorized,
    InputError,
)
from bench.devices.android.adb.known import Known
from bench.devices.android.adb.server import NoServer, ServerDevice, known_devices, server_address
from tests.fakes.adb import Wire, closed_port, peer
from tests.fakes.adb_server import FEATURES, SERIAL, asked, hanging, opened, refusing, telling


def test_the_devices_that_a_server_knows_come_with_their_states() -> None:
    text = """\
abc                    device usb:1-2.3 product:p model:Pixel_5 device:redfin transport_id:3
1.2.3.4:5              offline transport_id:12
x y                    unauthorized usb:1-1
old                    no permissions (user in plugdev group; are your udev rules wrong?); see [url]
a-serial-of-more-than-22-characters device product: model: device:
junk
"""
    with peer(telling("host:devices-l", text)) as port:
        assert known_devices(("127.0.0.1", port)) == [
            Known(serial="abc", state="device", path="usb:1-2.3", transport_id="3"),
            Known(serial="1.2.3.4:5", state="offline", transport_id="12"),
            Known(serial="x y", state="unauthorized", path="usb:1-1"),
            Known(
                serial="old",
                state="no permissions (user in plugdev group; are your udev rules "
                "wrong?); see [url]",
            ),
            Known(serial="a-serial-of-more-than-22-characters", state="device"),
        ]


def test_a_serial_that_is_no_utf_8_is_listed() -> None:
    def script(wire: Wire) -> None:
        asked(wire)
        row = b"caf\xe9                   device usb:1-2 transport_id:3\n"
        wire.socket.sendall(b"OKAY%04x" % len(row) + row)

    with peer(script) as port:
        assert [each.name for each in known_devices(("127.0.0.1", port))] == ["usb:1-2"]


def test_a_server_that_lists_nothing_says_so_in_its_words() -> None:
    with (
        peer(refusing("unknown host service")) as port,
        pytest.raises(DeviceError, match="doesn't list its devices: 'unknown host service'"),
    ):
        known_devices(("127.0.0.1", port))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was started of other programs, by whoever."""
    commands: list[object] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **_: commands.append(args))
    return commands


def test_no_server_is_ever_started(
    started: list[object], capfd: pytest.CaptureFixture[str]
) -> None:
    address = ("127.0.0.1", closed_port())
    with pytest.raises(NoServer):
        known_devices(address)
    with pytest.raises(DeviceNotFound, match="adb start-server") as raised:
        ServerDevice.open("abc", address=address)
    assert str(address[1]) in raised.value.hint
    assert started == []
    assert capfd.readouterr() == ("", "")


def test_a_server_that_has_gone_is_not_started_again(started: list[object]) -> None:
    with peer(FEATURES) as port:
        device = opened(port)
    with pytest.raises(DeviceNotFound, match="no adb server listens"):
        device.run(["ls"])
    assert started == []


@pytest.mark.parametrize(
    ("reason", "expected", "word"),
    [
        ("device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set",
         DeviceUnauthorized, "allow USB debugging"),
        ("device still authorizing", DeviceUnauthorized, "allow USB debugging"),
        ("device offline", DeviceNotFound, "adb reconnect"),
        ("device still connecting", DeviceNotFound, "adb reconnect"),
        (f"device '{SERIAL}' not found", DeviceNotFound, "adb devices"),
        ("insufficient permissions for device: udev requires that", DeviceNotFound, "udev"),
        ("no devices/emulators found", DeviceNotFound, "adb devices"),
        ("more than one device/emulator", DeviceNotFound, "USB path"),
        ("closed", DeviceLost, "adb devices"),
    ],
)  # fmt: skip
def test_a_servers_refusal_is_told_as_what_it_means(
    reason: str, expected: type[DeviceError], word: str
) -> None:
    with peer(refusing(reason)) as port, pytest.raises(expected) as raised:
        opened(port)
    assert SERIAL in raised.value.problem
    assert word in raised.value.hint


@pytest.mark.parametrize(
    "reason",
    [
        "unknown host service", "protocol fault (couldn't read status)", "not authorized to debug",
        "adb server version (31) doesn't match this client (41)", "device not founded",
        "cannot connect: host is offline", "",
    ],
)  # fmt: skip
def test_a_refusal_that_is_none_of_adbs_is_quoted_and_no_state_of_the_device(reason: str) -> None:
    with peer(refusing(reason)) as port, pytest.raises(DeviceError) as raised:
        opened(port)
    assert type(raised.value) is DeviceError
    assert raised.value.problem == f"the adb server refuses device {SERIAL}: '{reason}'"
    assert "adb kill-server" in raised.value.hint


@pytest.mark.parametrize(
    "answer", [b"", b"OK", b"HTTP/1.1 400", b"OKAY", b"OKAYzzzz", b"FAIL", b"FAIL00"], ids=repr
)
def test_what_speaks_no_adb_is_a_lost_device(answer: bytes) -> None:
    def script(wire: Wire) -> None:
        asked(wire)
        wire.socket.sendall(answer)

    with peer(script) as port, pytest.raises(DeviceLost):
        opened(port)


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.devices.android.adb.server.ASK_S", 0.2)
    with peer(hanging) as port, pytest.raises(DeviceTimeout, match=r"within 0\.2 s"):
        opened(port)


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({}, ("127.0.0.1", 5037)),
        ({"ANDROID_ADB_SERVER_PORT": "6001"}, ("127.0.0.1", 6001)),
        ({"ANDROID_ADB_SERVER_ADDRESS": "box"}, ("box", 5037)),
        ({"ADB_SERVER_SOCKET": "tcp:6002", "ANDROID_ADB_SERVER_PORT": "1"}, ("127.0.0.1", 6002)),
        ({"ADB_SERVER_SOCKET": "tcp:box:6003"}, ("box", 6003)),
        ({"ADB_SERVER_SOCKET": "tcp:[::1]:6004"}, ("::1", 6004)),
        ({"ADB_SERVER_SOCKET": "", "ANDROID_ADB_SERVER_PORT": ""}, ("127.0.0.1", 5037)),
    ],
    ids=repr,
)
def test_the_servers_address_is_where_adb_would_look(
    environment: dict[str, str], address: tuple[str, int]
) -> None:
    assert server_address(environment) == address


@pytest.mark.parametrize(
    "environment",
    [
        {"ADB_SERVER_SOCKET": "localfilesystem:/tmp/adb"}, {"ADB_SERVER_SOCKET": "6002"},
        {"ANDROID_ADB_SERVER_PORT": "many"}, {"ANDROID_ADB_SERVER_PORT": "70000"},
    ],
    ids=repr,
)  # fmt: skip
def test_an_address_that_is_none_says_what_to_set(environment: dict[str, str]) -> None:
    with pytest.raises(InputError, match="can't be an adb server's address") as raised:
        server_address(environment)
    assert "tcp:HOST:PORT" in raised.value.hint
