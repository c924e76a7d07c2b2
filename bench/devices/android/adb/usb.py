"""Devices on USB, by adb-shell's transport, with what it lacks: deadlines and whole writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from adb_shell.exceptions import (  # type: ignore[import-untyped]
    UsbReadFailedError,
    UsbWriteFailedError,
)

from bench.core.errors import DeviceBusy, DeviceNotFound, Unavailable
from bench.devices.android.adb.known import READY, Known, called
from bench.devices.android.adb.streams import Deadline


class Usb:
    """A device on USB; `transport` is adb-shell's UsbTransport, `path` its place, as `usb:1-2`.

    Once connected it raises TimeoutError and ConnectionError, and nothing else.
    """

    def __init__(self, serial: str, transport: Any, path: str = "") -> None:
        self.serial = serial
        self.path = path
        self._transport = transport

    def connect(self) -> None:
        """Claim the interface; raises DeviceBusy where another program has, or DeviceNotFound."""
        name = self.serial or self.path
        try:
            self._transport.connect()
        except Exception as error:
            # libusb's errors have names only: their module can't be imported where it is missing.
            failure = _usb_name(error)
            if failure == "USBErrorBusy":
                raise DeviceBusy(name) from error
            if failure == "USBErrorAccess":
                hint = "this user may not open it: install udev rules for Android devices"
                raise DeviceNotFound(name, hint=hint) from error
            if failure.startswith("USBError"):
                hint = f"it can't be opened ({failure}): plug it in again"
                raise DeviceNotFound(name, hint=hint) from error
            raise

    def receive(self, size: int, deadline: Deadline) -> bytes:
        """Return between 1 and `size` bytes."""
        data = b""
        # Packets of no bytes come between others, and mean nothing.
        while not data:
            with _usb_errors():
                data = self._transport.bulk_read(size, _left_s(deadline))
        return data

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`."""
        while data:
            with _usb_errors():
                data = data[self._transport.bulk_write(data, _left_s(deadline)) :]

    def close(self) -> None:
        self._transport.close()


def find_usb(name: str) -> Usb:
    """Return the device on USB of that serial or path.

    Raises DeviceNotFound, DeviceError where several have that serial, Unavailable.
    """
    try:
        transports = usb_transports()
    except (ImportError, OSError) as error:
        raise Unavailable(
            f"USB devices can't be reached without an adb server here ({error})",
            hint="run `adb start-server`, or install libusb-1.0",
        ) from error
    known = [Known(serial=each.serial, state=READY, path=each.path) for each in transports]
    device = called(name, known)
    if device is None:
        hint = "plug it in and allow USB debugging; `adb devices` lists those it knows"
        raise DeviceNotFound(name, hint=hint)
    return transports[known.index(device)]


def usb_transports() -> list[Usb]:
    """Return each device on USB whose serial can be read.

    Raises ImportError or OSError where libusb or its wrapper is missing.
    """
    import usb1  # type: ignore[import-untyped]
    from adb_shell.transport.usb_transport import UsbTransport  # type: ignore[import-untyped]

    transports = []
    with suppress(usb1.USBError):
        for transport in UsbTransport.find_all_adb_devices():
            # Another device that this user may not open, or whose serial is no text, isn't ours.
            with suppress(usb1.USBError, UnicodeError):
                bus, *ports = transport.port_path
                path = f"usb:{bus}-{'.'.join(map(str, ports))}"
                transports.append(Usb(transport.serial_number or "", transport, path))
    return transports


@contextmanager
def _usb_errors() -> Iterator[None]:
    try:
        yield
    except (UsbReadFailedError, UsbWriteFailedError) as error:
        kind = TimeoutError if _usb_name(error) == "USBErrorTimeout" else ConnectionError
        raise kind(str(error)) from error


def _usb_name(error: Exception) -> str:
    """Return the name of libusb's error in `error`, or of `error` itself."""
    inner = next((each for each in error.args if isinstance(each, Exception)), error)
    return type(inner).__name__


def _left_s(deadline: Deadline) -> float:
    """Return at least a millisecond: libusb takes 0 for no time-out at all."""
    return max(deadline.left_s(), 0.0015)
