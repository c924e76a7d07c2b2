"""A device through an adb server that runs already: adbutils.

adbutils (read at 2.12) gives the connection and its framing. Its own calls are not used, since
each lacks what a measurement needs:

- every connection runs `adb start-server` where nothing listens;
- `shell2(v2=True)` keeps stdout, stderr and status apart, but its time-out is one of each `recv`,
  so a command that keeps talking never ends, and there is no streaming of its packets;
- `sync` opens its connection with no time-out at all, so a pulled cable hangs it for good; `push`
  drops the device's reason (it raises "FAIL"), sets today's time and ignores a short `send`;
  `pull` leaves half a file behind.
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
from bench.devices.android.adb.known import Known, host_and_port, not_ready
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
    found = host_and_port(address if ":" in address else f"127.0.0.1:{address}")
    if kind != "tcp" or found is None:
        raise InputError(
            f"'{name}' can't be an adb server's address",
            hint="set ADB_SERVER_SOCKET to tcp:HOST:PORT and ANDROID_ADB_SERVER_PORT to a number, "
            "or neither",
        )
    return found


def known_devices(address: Address) -> list[Known]:
    """Return what the server there knows; raises NoServer, TimeoutError, ConnectionError."""
    with _connected(address, Deadline.after(ASK_S)) as server:
        rows = [row.split("\t") for row in server.answer("host:devices").splitlines()]
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
        with device._failing_as_device("the first contact", ASK_S):
            device._features(Deadline.after(ASK_S))
        return device

    def _features(self, deadline: Deadline) -> frozenset[str]:
        if self._known_features is None:
            with self._explained(), _connected(self._address, deadline) as server:
                names = server.answer(f"host-serial:{self._serial}:features")
            self._known_features = frozenset(names.strip().split(","))
        return self._known_features

    def _open(self, service: str, deadline: Deadline) -> SocketStream:
        with self._explained(), _connected(self._address, deadline, keep=True) as server:
            server.request(f"host:transport:{self._serial}")
            server.request(service)
            return SocketStream(server.conn)

    def _drop(self) -> None:
        """Nothing is kept between two calls."""

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn a server's absence or refusal into what it means for the device."""
        try:
            yield
        except NoServer as error:
            host, port = self._address
            raise DeviceNotFound(
                self._serial,
                hint=f"no adb server listens at {host} port {port}: run `adb start-server`",
            ) from error
        except Refused as error:
            failure = not_ready(self._serial, str(error))
            if failure is None:
                raise
            raise failure from error


class _Server(AdbConnection):  # type: ignore[misc]  # adbutils has no types
    """adbutils' connection to a server, with one deadline, and without starting a server."""

    def __init__(self, address: Address, deadline: Deadline) -> None:
        self._address, self._deadline = address, deadline
        super().__init__(*address)

    def _safe_connect(self) -> socket.socket:
        try:
            return socket.create_connection(self._address, timeout=self._deadline.left_s())
        except TimeoutError:
            raise
        except OSError as error:
            raise NoServer(str(error)) from error

    @property
    def conn(self) -> socket.socket:
        """The socket; adbutils takes it anew for each read and write, with what time is left."""
        joined: socket.socket = super().conn
        joined.settimeout(self._deadline.left_s())
        return joined

    def request(self, text: str) -> None:
        """Send a request; raises Refused with the server's words where it isn't granted."""
        data = text.encode("utf-8", "surrogateescape")
        self.conn.sendall(b"%04x" % len(data) + data)
        self.check_okay()

    def answer(self, text: str) -> str:
        """Send a request and return what the server says to it; raises Refused."""
        self.request(text)
        said: str = self.read_string_block()
        return said

    def close(self) -> None:
        """Close at once; adbutils would sleep before it does."""
        super().conn.close()


@contextmanager
def _connected(address: Address, deadline: Deadline, *, keep: bool = False) -> Iterator[_Server]:
    """Connect to the server; `keep` leaves the connection open unless something fails.

    Raises NoServer, Refused, TimeoutError, ConnectionError.
    """
    server = _Server(address, deadline)
    try:
        with link_errors():
            yield server
    except BaseException as error:
        server.close()
        if isinstance(error, AdbTimeout):
            raise TimeoutError(str(error)) from error
        if isinstance(error, AdbError | ValueError):  # ValueError: a length that is no number
            raise Refused(str(error)) from error
        raise
    if not keep:
        server.close()


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
