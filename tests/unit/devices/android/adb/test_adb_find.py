"""Which device is chosen of those that are there, and which way leads to it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from bench.core.errors import DeviceError, DeviceNotFound, DeviceUnauthorized, UnknownName
from bench.devices.android.adb import find, usb
from bench.devices.android.adb.known import Known
from tests.fakes.adb import Wire, peer

ODD = ("x; rm -rf $HOME", "a b'c", "$(reboot)", "-H", "", ":", "host:", "host:port", "host:99999")
There = Callable[..., None]


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> There:
    """Set what a server knows, as serial=state, and what is on USB."""

    def call(usb: tuple[str, ...] = (), rows: tuple[Known, ...] = (), **states: str) -> None:
        known = [*rows, *(Known(serial=serial, state=it) for serial, it in states.items())]
        on_usb = [Known(serial=serial, state="device") for serial in usb]
        monkeypatch.setattr(find, "server_devices", lambda: known)
        monkeypatch.setattr(find, "usb_devices", lambda: on_usb)

    return call


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which way was taken."""
    ways: list[str] = []
    for name in ("direct.DirectDevice", "server.ServerDevice"):
        monkeypatch.setattr(
            f"bench.devices.android.adb.{name}.open",
            lambda *_, way=name, **__: ways.append(way.split(".")[0]),
        )
    return ways


def test_the_only_device_is_chosen_wherever_it_is(there: There) -> None:
    there(abc="device")
    assert find.choose(None) == "abc"
    there(usb=("abc",))
    assert find.choose(None) == "abc"
    there(usb=("abc",), abc="device")
    assert find.choose(None) == "abc"


def test_without_a_device_the_remedy_is_to_plug_one_in(there: There) -> None:
    there()
    with pytest.raises(DeviceNotFound, match="no device is there: plug one in"):
        find.choose(None)


def test_of_several_none_is_chosen_and_all_are_named(there: There) -> None:
    there(usb=("abc", "ghi"), abc="device", deF="unauthorized")
    with pytest.raises(DeviceNotFound) as raised:
        find.choose(None)
    assert str(raised.value) == (
        "3 devices are there (abc (device), deF (unauthorized), ghi (device)): "
        "name one: `make bench-arm DEVICE=abc`"
    )


@pytest.mark.parametrize("serial", [None, "abc"])
@pytest.mark.parametrize(
    ("state", "expected", "word"),
    [
        ("unauthorized", DeviceUnauthorized, "allow USB debugging"),
        ("authorizing", DeviceUnauthorized, "allow USB debugging"),
        ("offline", DeviceNotFound, "adb reconnect"),
        ("no permissions (user in plugdev group; are your udev rules wrong?)", DeviceNotFound,
         "udev"),
        ("recovery", DeviceNotFound, "restart it into Android"),
        ("detached", DeviceNotFound, "'detached'"),
    ],
)  # fmt: skip
def test_a_device_that_is_not_ready_says_what_it_waits_for(
    there: There, serial: str | None, state: str, expected: type[DeviceError], word: str
) -> None:
    there(usb=("abc",), abc=state)
    with pytest.raises(expected, match="abc") as raised:
        find.choose(serial)
    assert word in raised.value.hint


def test_a_serial_that_is_there_or_is_an_address_is_taken_as_it_is(there: There) -> None:
    there(usb=("u",), abc="device")
    for serial in ("abc", "u", "10.0.0.7:5555", "phone.lan:5555", "[::1]:5555"):
        assert find.choose(serial) == serial


@pytest.mark.parametrize("serial", ODD)
def test_a_serial_that_is_not_there_is_named_beside_those_that_are(
    there: There, serial: str
) -> None:
    there(**{"o'k": "device"})
    with pytest.raises(DeviceNotFound) as raised:
        find.choose(serial)
    assert raised.value.problem == f"there is no device '{serial}'"
    assert raised.value.hint == (
        """o'k (device) would be there: `make bench-arm DEVICE='o'"'"'k'`"""
    )


@pytest.mark.parametrize("serial", ODD)
@pytest.mark.parametrize("transport", ["direct", "server", None])
def test_a_serial_for_a_shell_is_just_not_found(
    monkeypatch: pytest.MonkeyPatch, serial: str, transport: str | None
) -> None:
    def script(wire: Wire) -> None:
        request = wire.exactly(int(wire.exactly(4), 16)).decode()
        if request == "host:devices-l":
            wire.socket.sendall(b"OKAY0000")
        else:
            assert request == f"host-serial:{serial}:features"
            wire.socket.sendall(b"FAIL" + b"%04x" % 16 + b"device not found")

    def no_process(*args: object, **_: object) -> None:
        raise AssertionError(args)

    monkeypatch.setattr(subprocess, "Popen", no_process)
    monkeypatch.setattr("os.system", no_process)
    monkeypatch.setattr(usb, "usb_transports", list)
    with peer(*[script] * (transport != "direct")) as port:
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(port))
        with pytest.raises(DeviceNotFound) as raised:
            find.open_device(serial, transport=transport)
    assert raised.value.problem == f"there is no device '{serial}'"


SHARED = "0123456789ABCDEF"
TWINS = (
    Known(serial=SHARED, state="device", path="usb:1-2", transport_id="3"),
    Known(serial=SHARED, state="unauthorized", path="usb:1-3", transport_id="4"),
)


def test_two_devices_of_one_serial_are_named_and_chosen_by_their_paths(
    there: There, opened: list[str]
) -> None:
    there(usb=(SHARED,), rows=TWINS)
    for call in (find.choose, find.open_device):
        with pytest.raises(DeviceError) as raised:
            call(SHARED)
        assert str(raised.value) == (
            f"2 devices have the serial '{SHARED}' (usb:1-2, device, transport 3; "
            "usb:1-3, unauthorized, transport 4): "
            "choose one by its path: `make bench-arm DEVICE=usb:1-2`"
        )
    with pytest.raises(DeviceNotFound, match="2 devices are there"):
        find.choose(None, environment={})
    assert find.choose("usb:1-2") == "usb:1-2"
    find.open_device("usb:1-2")
    assert opened == ["server"]
    with pytest.raises(DeviceUnauthorized, match="usb:1-3"):
        find.choose("usb:1-3")


@pytest.mark.parametrize("serial", ["(no serial number)", "????????????", "", "caf\ufffd", "a\x07"])
def test_a_device_without_a_serial_to_type_is_the_one_at_its_path(
    there: There, serial: str
) -> None:
    there(rows=(Known(serial=serial, state="device", path="usb:1-2"),))
    assert find.choose(None, environment={}) == "usb:1-2"


def test_the_variable_that_adb_reads_names_the_device_unless_one_is_given(there: There) -> None:
    there(abc="device", ghi="device")
    assert find.choose(None, environment={"ANDROID_SERIAL": "ghi"}) == "ghi"
    assert find.choose("abc", environment={"ANDROID_SERIAL": "ghi"}) == "abc"
    assert find.choose(None, environment={"ANDROID_SERIAL": "1.2.3.4:5"}) == "1.2.3.4:5"
    with pytest.raises(DeviceNotFound, match="2 devices are there"):
        find.choose(None, environment={"ANDROID_SERIAL": ""})
    with pytest.raises(DeviceNotFound, match="no device 'x': ANDROID_SERIAL names it; abc"):
        find.choose(None, environment={"ANDROID_SERIAL": "x"})


def test_a_server_that_has_the_device_ready_is_the_way_to_it(
    there: There, opened: list[str]
) -> None:
    there(usb=("abc",), **{"abc": "device", "1.2.3.4:5": "device"})
    find.open_device("abc")
    find.open_device("1.2.3.4:5")
    assert opened == ["server", "server"]


def test_without_a_server_that_has_it_the_way_is_direct(there: There, opened: list[str]) -> None:
    there(usb=("abc",), **{"1.2.3.4:5": "offline", "1.2.3.4:6": "unauthorized"})
    for serial in ("abc", "1.2.3.4:5", "1.2.3.4:6", "1.2.3.4:7"):
        find.open_device(serial)
    assert opened == ["direct"] * 4


def test_a_usb_device_that_the_server_holds_unready_is_not_tried_directly(
    there: There, opened: list[str]
) -> None:
    there(abc="unauthorized")
    with pytest.raises(DeviceUnauthorized):
        find.open_device("abc")
    assert opened == []


def test_a_way_that_is_named_is_taken(there: There, opened: list[str]) -> None:
    there(abc="device")
    find.open_device("abc", transport="direct")
    find.open_device("unknown", transport="server")
    assert opened == ["direct", "server"]
    with pytest.raises(UnknownName, match="no transport 'servr': did you mean 'server'"):
        find.open_device("abc", transport="servr")
