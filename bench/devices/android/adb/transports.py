"""adb-shell's two transports, with what they lack: deadlines, whole writes, an end that is seen.

Both raise TimeoutError and ConnectionError, and nothing else, once they are connected.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from adb_shell.exceptions import (  # type: ignore[import-untyped]
    TcpTimeoutException,
    UsbReadFailedError,
    UsbWriteFailedError,
)
from adb_shell.transport.tcp_transport import TcpTransport  # type: ignore[import-untyped]

from bench.core.errors import DeviceBusy, DeviceNotFound, Unavailable
from bench.devices.android.adb.known import READY, Known, called
from bench.devices.android.adb.streams import Deadline, link_errors


class Transport(Protocol):
    """What carries packets."""

    def connect(self, transport_timeout_s: float) -> None:
        """Reach the device; raises OSError or a DeviceError."""
        ...

    def bulk_read(self, numbytes: int, transport_timeout_s: float) -> bytes:
        """Return between 1 and `numbytes` bytes."""
        ...

    def bulk_write(self, data: bytes, transport_timeout_s: float) -> int:
        """Send all of `data` and return its length."""
        ...

    def close(self) -> None:
        """End the connection; harmless when it has ended."""
        ...


class Tcp(TcpTransport):  # type: ignore[misc]  # adb-shell has no types
    """A device at host:port."""

    def connect(self, transport_timeout_s: float) -> None:
        super().connect(transport_timeout_s)
        # A packet is two writes: without this the second would wait for the first's receipt.
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def bulk_read(self, numbytes: int, transport_timeout_s: float) -> bytes:
        with self._telling():
            data: bytes = super().bulk_read(numbytes, transport_timeout_s)
        # adb-shell's callers would ask again until their time is up.
        if not data:
            raise ConnectionError("the device closed the connection")
        return data

    def bulk_write(self, data: bytes, transport_timeout_s: float) -> int:
        deadline = Deadline.after(transport_timeout_s)
        rest = memoryview(data)
        while rest:
            rest = rest[self._write_some(rest, deadline.left_s()) :]
        return len(data)

    def _write_some(self, data: memoryview, transport_timeout_s: float) -> int:
        with self._telling():
            try:
                sent: int = super().bulk_write(data, transport_timeout_s)
            except BlockingIOError:  # writable a moment ago, and full now
                return 0
        return sent

    @contextmanager
    def _telling(self) -> Iterator[None]:
        if self._connection is None:
            raise ConnectionError("the connection is closed")
        try:
            with link_errors():
                yield
        except TcpTimeoutException as error:
            raise TimeoutError(str(error)) from error


class Usb:
    """A device on USB; `found` is adb-shell's UsbTransport, `path` its place, as `usb:1-2`."""

    def __init__(self, serial: str, found: Any, path: str = "") -> None:
        self.serial = serial
        self.path = path
        self._found = found

    def connect(self, transport_timeout_s: float) -> None:
        """Claim the interface; raises DeviceBusy where another program has, or DeviceNotFound."""
        try:
            self._found.connect(transport_timeout_s)
        except Exception as error:
            # libusb's errors have names only: their module can't be imported where it is missing.
            failure = _opening_failure(self.serial or self.path, _usb_name(error))
            if failure is None:
                raise
            raise failure from error

    def bulk_read(self, numbytes: int, transport_timeout_s: float) -> bytes:
        deadline = Deadline.after(transport_timeout_s)
        data = b""
        # Packets of no bytes come between others, and mean nothing.
        while not data:
            with _usb_errors():
                data = self._found.bulk_read(numbytes, _whole_ms(deadline.left_s()))
        return data

    def bulk_write(self, data: bytes, transport_timeout_s: float) -> int:
        deadline = Deadline.after(transport_timeout_s)
        rest = data
        while rest:
            with _usb_errors():
                rest = rest[self._found.bulk_write(rest, _whole_ms(deadline.left_s())) :]
        return len(data)

    def close(self) -> None:
        self._found.close()


def find_usb(name: str) -> Usb:
    """Return the device on USB of that serial or path.

    Raises DeviceNotFound, DeviceError where several have that serial, Unavailable.
    """
    try:
        found = usb_transports()
    except (ImportError, OSError) as error:
        raise Unavailable(
            f"USB devices can't be reached without an adb server here ({error})",
            hint="run `adb start-server`, or install libusb-1.0",
        ) from error
    known = [Known(serial=each.serial, state=READY, path=each.path) for each in found]
    device = called(name, known)
    if device is None:
        raise DeviceNotFound(
            name, hint="plug it in and allow USB debugging; `adb devices` lists those it knows"
        )
    return found[known.index(device)]


def usb_transports() -> list[Usb]:
    """Return each device on USB whose serial can be read.

    Raises ImportError or OSError where libusb or its wrapper is missing.
    """
    import usb1  # type: ignore[import-untyped]
    from adb_shell.transport.usb_transport import UsbTransport  # type: ignore[import-untyped]

    found = []
    with suppress(usb1.USBError):
        for transport in UsbTransport.find_all_adb_devices():
            # Another device that this user may not open, or whose serial is no text, isn't ours.
            with suppress(usb1.USBError, UnicodeError):
                bus, *ports = transport.port_path
                path = f"usb:{bus}-{'.'.join(map(str, ports))}"
                found.append(Usb(transport.serial_number or "", transport, path))
    return found


@contextmanager
def _usb_errors() -> Iterator[None]:
    try:
        yield
    except (UsbReadFailedError, UsbWriteFailedError) as error:
        if _usb_name(error) == "USBErrorTimeout":
            raise TimeoutError(str(error)) from error
        raise ConnectionError(str(error)) from error


def _usb_name(error: Exception) -> str:
    """Return the name of libusb's error in `error`, or of `error` itself."""
    inner = next((each for each in error.args if isinstance(each, Exception)), error)
    return type(inner).__name__


def _opening_failure(serial: str, name: str) -> Exception | None:
    if name == "USBErrorBusy":
        return DeviceBusy(serial)
    if name == "USBErrorAccess":
        return DeviceNotFound(
            serial,
            hint="this user may not open it: install udev rules for Android devices",
        )
    if name.startswith("USBError"):
        return DeviceNotFound(serial, hint=f"it can't be opened ({name}): plug it in again")
    return None


def _whole_ms(timeout_s: float) -> float:
    """Return at least a millisecond: libusb takes 0 for no time-out at all."""
    return max(timeout_s, 0.0015)
