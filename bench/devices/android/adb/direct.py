"""A device without an adb server between: adb-shell over TCP or USB."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.core.errors import DeviceLost, DeviceNotFound, DeviceTimeout, DeviceUnauthorized
from bench.devices.android.adb.device import Device
from bench.devices.android.adb.keys import ANDROID_FOLDER, Signer, load_signers
from bench.devices.android.adb.known import host_and_port
from bench.devices.android.adb.packets import (
    Connection,
    NotAdb,
    NotTrusted,
    PacketStream,
    TlsWanted,
)
from bench.devices.android.adb.streams import Deadline
from bench.devices.android.adb.transports import Tcp, Transport, find_usb

CONNECT_S = 10.0

Reach = Callable[[], Transport]
Signers = Callable[[], Sequence[Signer]]


class DirectDevice(Device):
    """A device at host:port, or on USB by its serial.

    One connection serves all calls. After a time-out or a loss it is closed, which ends every
    command of it, and the next call opens another.
    """

    def __init__(
        self, serial: str, *, reach: Reach, signers: Signers, auth_timeout_s: float
    ) -> None:
        super().__init__(serial)
        self._reach = reach
        self._signers = signers
        self._auth_timeout_s = auth_timeout_s
        self._connection: Connection | None = None

    @classmethod
    def open(
        cls, serial: str, *, auth_timeout_s: float = 60.0, keys: Path = ANDROID_FOLDER
    ) -> DirectDevice:
        """Connect, waiting up to `auth_timeout_s` seconds for the owner's consent on the screen.

        `keys` is the folder of adbkey. Raises DeviceNotFound, DeviceUnauthorized, DeviceBusy (USB
        under an adb server), DeviceTimeout, DeviceLost, Unavailable (no libusb).
        """
        device = cls(
            serial,
            reach=lambda: reach(serial),
            signers=lambda: load_signers(keys),
            auth_timeout_s=auth_timeout_s,
        )
        with device._failing_as_device("connecting", CONNECT_S):
            device._connection = device._connect(CONNECT_S, auth_timeout_s)
        return device

    def _open(self, service: str, deadline: Deadline) -> PacketStream:
        return self._connected(deadline).open(service, deadline)

    def _features(self, deadline: Deadline) -> frozenset[str]:
        return self._connected(deadline).features

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self, deadline: Deadline) -> Connection:
        if self._connection is None:
            left_s = deadline.left_s()
            self._connection = self._connect(
                min(CONNECT_S, left_s), min(self._auth_timeout_s, left_s)
            )
        return self._connection

    def _connect(self, reply_s: float, auth_timeout_s: float) -> Connection:
        transport = self._reach()
        with _unreachable(self.serial, reply_s):
            transport.connect(reply_s)
        connection = Connection(transport)
        try:
            with _unfriendly(self.serial, reply_s):
                connection.shake_hands(
                    self._signers, reply_s=reply_s, auth_timeout_s=auth_timeout_s
                )
        except BaseException:
            transport.close()
            raise
        return connection


def reach(serial: str) -> Transport:
    """Return what leads to `serial`; raises DeviceNotFound, Unavailable."""
    address = host_and_port(serial)
    return find_usb(serial) if address is None else Tcp(*address)


@contextmanager
def _unreachable(serial: str, timeout_s: float) -> Iterator[None]:
    """Say why a device can't be reached."""
    try:
        yield
    except TimeoutError as error:
        raise DeviceTimeout(serial, "connecting", timeout_s) from error
    except ConnectionRefusedError as error:
        raise DeviceNotFound(
            serial,
            hint="nothing listens there: run `adb tcpip 5555` with it on USB, check the port",
        ) from error
    except (socket.gaierror, UnicodeError) as error:
        raise DeviceNotFound(serial, hint="no such host is known: check its name") from error
    except OSError as error:
        raise DeviceNotFound(
            serial, hint=f"it can't be reached ({error.strerror}): check its address and network"
        ) from error


@contextmanager
def _unfriendly(serial: str, timeout_s: float) -> Iterator[None]:
    """Say why a handshake failed."""
    try:
        yield
    except NotTrusted as error:
        raise DeviceUnauthorized(serial) from error
    except TlsWanted as error:
        raise DeviceNotFound(
            serial,
            hint="that port wants pairing: `adb pair` it and `adb connect`, or `adb tcpip 5555`",
        ) from error
    except NotAdb as error:
        raise DeviceNotFound(serial, hint="what listens there doesn't speak ADB") from error
    except TimeoutError as error:
        raise DeviceTimeout(serial, "the handshake", timeout_s) from error
    except ConnectionError as error:
        raise DeviceLost(serial, "the handshake") from error
