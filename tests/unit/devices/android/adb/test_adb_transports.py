"""The two wires under ADB's packets: sockets that stall and end, and USB that refuses."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from adb_shell.exceptions import (  # type: ignore[import-untyped]
    UsbReadFailedError,
    UsbWriteFailedError,
)
from adb_shell.transport.usb_transport import UsbTransport  # type: ignore[import-untyped]

from bench.core.errors import DeviceBusy, DeviceError, DeviceNotFound
from bench.devices.android.adb.streams import Deadline, SocketStream, connected
from bench.devices.android.adb.usb import Usb, find_usb, usb_transports

Joined = tuple[SocketStream, socket.socket]


after = Deadline.after


@pytest.fixture
def joined() -> Iterator[Joined]:
    """A transport and the other end of it, with buffers that a MiB overflows."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        address = ("127.0.0.1", listening.getsockname()[1])
        transport = SocketStream(connected(address, after(5)))
        transport._joined.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        other, _ = listening.accept()
    with other:
        yield transport, other
        transport.close()


def test_a_write_that_a_socket_takes_in_parts_goes_out_whole(joined: Joined) -> None:
    transport, other = joined
    data = bytes(range(256)) * 4096
    came = bytearray()

    def take() -> None:
        while len(came) < len(data):
            came.extend(other.recv(10_000))

    thread = threading.Thread(target=take)
    thread.start()
    transport.write(data, after(10))
    thread.join(10)
    assert bytes(came) == data


def test_a_write_that_nobody_takes_ends_at_its_time_out(joined: Joined) -> None:
    with pytest.raises(TimeoutError):
        joined[0].write(bytes(8 << 20), after(0.2))


def test_a_read_of_nothing_ends_at_its_time_out(joined: Joined) -> None:
    with pytest.raises(TimeoutError):
        joined[0].receive(24, after(0.05))


def test_the_end_of_the_other_side_is_seen_at_once(joined: Joined) -> None:
    transport, other = joined
    other.sendall(b"ab")
    other.close()
    assert transport.receive(24, after(5)) == b"ab"
    assert transport.receive(24, after(5)) == b""


def test_a_broken_or_closed_socket_is_a_lost_connection(joined: Joined) -> None:
    transport, other = joined
    other.close()
    with pytest.raises(ConnectionError):
        transport.write(bytes(8 << 20), after(5))
    transport.close()
    with pytest.raises(ConnectionError):
        transport.receive(1, after(5))
    with pytest.raises(ConnectionError):
        transport.write(b"x", after(5))


class USBErrorBusy(Exception): ...


class USBErrorAccess(Exception): ...


class USBErrorNoDevice(Exception): ...


class USBErrorTimeout(Exception): ...


class FakeUsb:
    """adb-shell's UsbTransport, as far as it is used; `does` are returned or raised in turn."""

    def __init__(self, *does: Any) -> None:
        self._does = list(does)
        self.timeouts_s: list[float] = []

    def connect(self) -> None:
        self._do()

    def bulk_read(self, _: int, timeout_s: float) -> Any:
        self.timeouts_s.append(timeout_s)
        return self._do()

    def bulk_write(self, data: bytes, timeout_s: float) -> Any:
        self.timeouts_s.append(timeout_s)
        return min(self._do(), len(data))

    def _do(self) -> Any:
        does = self._does.pop(0)
        if isinstance(does, Exception):
            raise does
        return does


@pytest.mark.parametrize(
    ("failure", "expected", "hint"),
    [
        (USBErrorBusy(), DeviceBusy, "adb kill-server"),
        (USBErrorAccess(), DeviceNotFound, "udev"),
        (USBErrorNoDevice(), DeviceNotFound, "USBErrorNoDevice"),
    ],
)
def test_a_usb_device_that_cannot_be_opened_says_why(
    failure: Exception, expected: type[DeviceError], hint: str
) -> None:
    with pytest.raises(expected, match="abc") as raised:
        Usb("abc", FakeUsb(failure)).connect()
    assert hint in raised.value.hint


def test_a_fault_of_the_program_is_not_taken_for_usbs() -> None:
    with pytest.raises(AssertionError):
        Usb("abc", FakeUsb(AssertionError())).connect()


def test_usb_failures_are_those_of_any_link() -> None:
    slow = UsbReadFailedError("slow", USBErrorTimeout())
    gone = UsbReadFailedError("gone", USBErrorNoDevice())
    for failure, expected in ((slow, TimeoutError), (gone, ConnectionError)):
        with pytest.raises(expected):
            Usb("abc", FakeUsb(failure)).receive(24, after(5))
    for inner, wanted in ((USBErrorTimeout(), TimeoutError), (None, ConnectionError)):
        with pytest.raises(wanted):
            Usb("abc", FakeUsb(UsbWriteFailedError("no", inner))).write(b"x", after(5))


def test_usb_packets_of_no_bytes_are_passed_over_and_short_writes_gone_on_with() -> None:
    assert Usb("abc", FakeUsb(b"", b"", b"x")).receive(24, after(5)) == b"x"
    found = FakeUsb(4, 4, 4)
    Usb("abc", found).write(bytes(10), after(5))
    assert len(found.timeouts_s) == 3


def test_usb_is_never_asked_to_wait_for_ever() -> None:
    found = FakeUsb(b"x")
    Usb("abc", found).receive(24, after(0.0005))
    assert int(found.timeouts_s[0] * 1000) >= 1


class Listed:
    """A device as adb-shell lists it, whose serial is read when it is wanted."""

    def __init__(self, serial: str | Exception, port: int = 1) -> None:
        self._serial = serial
        self.port_path = [2, 3, port]

    @property
    def serial_number(self) -> str:
        if isinstance(self._serial, Exception):
            raise self._serial
        return self._serial


def test_a_usb_device_whose_serial_is_no_text_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = UnicodeDecodeError("utf-16-le", b"\xd8", 0, 1, "truncated data")
    monkeypatch.setattr(UsbTransport, "find_all_adb_devices", lambda: [Listed(bad), Listed("abc")])
    assert [(each.serial, each.path) for each in usb_transports()] == [("abc", "usb:2-3.1")]


def test_two_usb_devices_of_one_serial_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [Listed("0123456789ABCDEF", port) for port in (1, 2)]
    monkeypatch.setattr(UsbTransport, "find_all_adb_devices", lambda: both)
    with pytest.raises(DeviceError) as raised:
        find_usb("0123456789ABCDEF")
    assert str(raised.value) == (
        "2 devices have the serial '0123456789ABCDEF' (usb:2-3.1, device; usb:2-3.2, device): "
        "choose one by its path: `make bench-arm DEVICE=usb:2-3.1`"
    )
    assert find_usb("usb:2-3.2")._transport is both[1]
