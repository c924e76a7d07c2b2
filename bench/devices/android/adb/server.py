"""A device through an adb server that runs already: adbutils.

The server is asked and never started: adbutils would run `adb start-server` wherever nothing
listens, in every call that opens a connection.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from adbutils import AdbConnection, AdbError, AdbTimeout  # type: ignore[import-untyped]

from bench.core.errors import DeviceNotFound, InputError
from bench.devices.android.adb.calls import StreamedDevice
from bench.devices.android.adb.known import Known, not_ready
from bench.devices.android.adb.streams import Deadline, link_errors

ASK_S = 10.0
READ_BYTES = 64 * 1024

Address = tuple[str, int]


class NoServer(ConnectionError):
    """Nothing listens where an adb server would."""


class Refused(ConnectionError):
    """The server said no; the text is its own."""


def server_address(environment: Mapping[str, str] = os.environ) -> Address:
    """Return where an adb server would listen, from the variables that adb itself reads.

    Raises InputError where they hold no TCP address.
    """
    host = environment.get("ANDROID_ADB_SERVER_ADDRESS") or "127.0.0.1"
    port = environment.get("ANDROID_ADB_SERVER_PORT") or "5037"
    name = environment.get("ADB_SERVER_SOCKET") or f"tcp:{host}:{port}"
    kind, _, address = name.partition(":")
    host, _, port = address.rpartition(":")
    if kind != "tcp" or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(
            f"'{name}' can't be an adb server's address",
            hint="set ADB_SERVER_SOCKET to tcp:HOST:PORT and ANDROID_ADB_SERVER_PORT to a number, "
            "or neither",
        )
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port)


def known_devices(address: Address) -> list[Known]:
    """Return what the server there knows; raises NoServer, TimeoutError, ConnectionError."""
    connection = _Connection(address, Deadline.after(ASK_S))
    try:
        connection.ask("host:devices")
        rows = [row.split("\t") for row in connection.block().splitlines()]
    finally:
        connection.close()
    return [Known(serial=row[0], state=row[1]) for row in rows if len(row) == 2]


class ServerDevice(StreamedDevice):
    """A device that an adb server knows; each call is a connection of its own to the server."""

    def __init__(self, serial: str, *, address: Address) -> None:
        super().__init__(serial)
        self._address = address
        self._known_features: frozenset[str] | None = None

    @classmethod
    def open(cls, serial: str, *, address: Address | None = None) -> ServerDevice:
        """Check that the server reaches it.

        Raises DeviceNotFound, also where no server runs, DeviceUnauthorized, DeviceTimeout,
        DeviceLost.
        """
        device = cls(serial, address=address or server_address())
        with device._telling("the first contact", ASK_S):
            device._features(Deadline.after(ASK_S))
        return device

    def _features(self, deadline: Deadline) -> frozenset[str]:
        if self._known_features is None:
            with self._asked(f"host-serial:{self._serial}:features", deadline) as connection:
                names = connection.block()
                connection.close()
            self._known_features = frozenset(names.strip().split(","))
        return self._known_features

    def _open(self, service: str, deadline: Deadline) -> SocketStream:
        with self._asked(f"host:transport:{self._serial}", deadline) as connection:
            connection.ask(service)
            return SocketStream(connection.conn)

    def _drop(self) -> None:
        """Nothing is kept between two calls."""

    @contextmanager
    def _asked(self, request: str, deadline: Deadline) -> Iterator[_Connection]:
        """Connect to the server, ask it for the device, and say what its refusal means."""
        try:
            connection = _Connection(self._address, deadline)
        except NoServer as error:
            raise DeviceNotFound(
                self._serial,
                hint=f"no adb server listens at {self._address[0]} port {self._address[1]}: "
                "run `adb start-server`",
            ) from error
        try:
            connection.ask(request)
            yield connection
        except Refused as error:
            connection.close()
            failure = not_ready(self._serial, str(error))
            if failure is None:
                raise
            raise failure from error
        except BaseException:
            connection.close()
            raise


class _Connection(AdbConnection):  # type: ignore[misc]  # adbutils has no types
    """adbutils' connection to a server, but with a deadline, and without starting a server."""

    def __init__(self, address: Address, deadline: Deadline) -> None:
        self._address = address
        self._deadline = deadline
        super().__init__(*address)

    def _safe_connect(self) -> socket.socket:
        try:
            return socket.create_connection(self._address, timeout=self._deadline.left_s())
        except TimeoutError:
            raise
        except OSError as error:
            raise NoServer(str(error)) from error

    def ask(self, request: str) -> None:
        """Send a request; raises Refused with the server's words where it isn't granted."""
        text = request.encode("utf-8", "surrogateescape")
        with self._speaking():
            self.conn.sendall(b"%04x" % len(text) + text)
        with self._speaking():
            self.check_okay()

    def block(self) -> str:
        """Return the text that follows a granted request."""
        with self._speaking():
            text: str = self.read_string_block()
        return text

    def close(self) -> None:
        """Close at once; adbutils would sleep before it does."""
        self.conn.close()

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        self.conn.settimeout(self._deadline.left_s())
        try:
            with link_errors():
                yield
        except AdbTimeout as error:
            raise TimeoutError(str(error)) from error
        except (AdbError, ValueError) as error:  # ValueError: a length that is no number
            raise Refused(str(error)) from error


class SocketStream:
    """A `Stream` over a socket that the server has joined to a service."""

    def __init__(self, joined: socket.socket) -> None:
        self._joined = joined

    def read(self, deadline: Deadline) -> bytes:
        with link_errors():
            self._joined.settimeout(deadline.left_s())
            return self._joined.recv(READ_BYTES)

    def write(self, data: bytes, deadline: Deadline) -> None:
        with link_errors():
            self._joined.settimeout(deadline.left_s())
            self._joined.sendall(data)

    def answered(self) -> bool:
        return bool(select.select([self._joined], [], [], 0)[0])

    def close(self) -> None:
        self._joined.close()
