"""A device through an adb server that runs already, over the server's own sockets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager

from bench.core.errors import DeviceError, DeviceNotFound, InputError
from bench.devices.android.adb.device import Device
from bench.devices.android.adb.known import Known, host_and_port, not_ready
from bench.devices.android.adb.streams import Deadline, SocketStream, connected, exactly

ASK_S = 10.0
_SERIAL_COLUMNS = 22  # `devices -l` pads the serial to so many; it may hold blanks

Address = tuple[str, int]


class NoServer(ConnectionError):
    """Nothing listens where an adb server would."""


class Refused(Exception):
    """The server said no; the text is its own."""


def server_address(environment: Mapping[str, str] = os.environ) -> Address:
    """Return where an adb server would listen, from the variables that adb itself reads.

    Raises InputError where they hold no TCP address.
    """
    host = environment.get("ANDROID_ADB_SERVER_ADDRESS") or "127.0.0.1"
    port = environment.get("ANDROID_ADB_SERVER_PORT") or "5037"
    name = environment.get("ADB_SERVER_SOCKET") or f"tcp:{host}:{port}"
    kind, _, address = name.partition(":")
    tcp = host_and_port(address if ":" in address else f"127.0.0.1:{address}")
    if kind != "tcp" or tcp is None:
        raise InputError(
            f"'{name}' can't be an adb server's address",
            hint="set ADB_SERVER_SOCKET to tcp:HOST:PORT and ANDROID_ADB_SERVER_PORT to a number, "
            "or neither",
        )
    return tcp


def known_devices(address: Address) -> list[Known]:
    """Return what the server there knows.

    Raises NoServer, TimeoutError, ConnectionError, and DeviceError where it refuses to list them.
    """
    try:
        rows = _ask(address, "host:devices-l", Deadline.after(ASK_S)).splitlines()
    except Refused as error:
        raise DeviceError(
            f"the adb server at {address[0]} port {address[1]} doesn't list its devices: '{error}'",
            hint=_RESTART,
        ) from error
    return [_known(row) for row in rows if " " in row[_SERIAL_COLUMNS:]]


def _known(row: str) -> Known:
    """Read a row such as `abc  device usb:1-2 product:x model:y device:z transport_id:3`."""
    end = row.find(" ", _SERIAL_COLUMNS)
    state, *facts = re.split(r" (?=(?:usb|product|model|device|transport_id):)", row[end + 1 :])
    values = dict(fact.split(":", 1) for fact in facts)
    return Known(
        serial=row[:end].rstrip(),
        state=state.strip(),
        path=f"usb:{values['usb']}" if "usb" in values else "",
        transport_id=values.get("transport_id", ""),
    )


class ServerDevice(Device):
    """A device that an adb server knows; each call is a connection of its own to the server."""

    def __init__(self, serial: str, *, address: Address) -> None:
        super().__init__(serial)
        self._address = address
        self._known_features: frozenset[str] | None = None

    @classmethod
    def open(cls, serial: str, *, address: Address | None = None) -> ServerDevice:
        """Check that the server reaches it.

        Raises DeviceNotFound, also where no server runs, DeviceUnauthorized, DeviceTimeout,
        DeviceLost, DeviceError with the server's words for any other refusal.
        """
        device = cls(serial, address=address or server_address())
        with device._failing_as_device("the first contact", ASK_S):
            device._features(Deadline.after(ASK_S))
        return device

    def _features(self, deadline: Deadline) -> frozenset[str]:
        if self._known_features is None:
            with self._explained():
                names = _ask(self._address, f"host-serial:{self.serial}:features", deadline)
            self._known_features = frozenset(names.strip().split(","))
        return self._known_features

    def _open(self, service: str, deadline: Deadline) -> SocketStream:
        with self._explained(), ExitStack() as unless_joined:
            stream = unless_joined.enter_context(closing(_Server.at(self._address, deadline)))
            stream.request(f"host:transport:{self.serial}", deadline)
            stream.request(service, deadline)
            unless_joined.pop_all()
            return stream

    @property
    def _is_garbled(self) -> bool:
        """Whether a server takes a part of the name, behind a colon, for the request."""
        known = self.serial.startswith("usb:") or host_and_port(self.serial) is not None
        return ":" in self.serial and not known

    def close(self) -> None:
        """Nothing is kept between two calls."""

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn a server's absence or refusal into what it means for the device."""
        try:
            yield
        except NoServer as error:
            host, port = self._address
            raise DeviceNotFound(
                self.serial,
                hint=f"no adb server listens at {host} port {port}: run `adb start-server`",
            ) from error
        except Refused as error:
            if str(error) == "closed":  # the device itself ended what was begun
                raise ConnectionError("closed") from error
            if self._is_garbled and str(error) == "unknown host service":
                raise DeviceNotFound(self.serial, hint="such a name is no device's") from error
            raise not_ready(self.serial, str(error)) or DeviceError(
                f"the adb server refuses device {self.serial}: '{error}'", hint=_RESTART
            ) from error


_RESTART = "restart it, with a newer adb where there is one: `adb kill-server; adb start-server`"


def _ask(address: Address, request: str, deadline: Deadline) -> str:
    """Return a server's answer; raises NoServer, Refused, TimeoutError, ConnectionError."""
    with closing(_Server.at(address, deadline)) as stream:
        stream.request(request, deadline)
        return stream.block(deadline)


class _Server(SocketStream):
    """A connection to a server, which joins it to a service of a device."""

    @classmethod
    def at(cls, address: Address, deadline: Deadline) -> _Server:
        try:
            return cls(connected(address, deadline))
        except TimeoutError:
            raise
        except OSError as error:
            raise NoServer(str(error)) from error

    def request(self, text: str, deadline: Deadline) -> None:
        """Send a request; raises Refused with the server's words where it isn't granted."""
        data = text.encode("utf-8", "surrogateescape")
        self.write(b"%04x" % len(data) + data, deadline)
        answer = self._exactly(4, deadline)
        if answer == b"FAIL":
            raise Refused(self.block(deadline).strip())
        if answer != b"OKAY":
            raise ConnectionError(f"no adb server's answer: {answer!r}")

    def block(self, deadline: Deadline) -> str:
        """Return a text that comes with its length before it."""
        length = self._exactly(4, deadline)
        try:
            size = int(length, 16)
        except ValueError as error:
            raise ConnectionError(f"no adb server's length: {length!r}") from error
        return self._exactly(size, deadline).decode("utf-8", "replace")

    def _exactly(self, size: int, deadline: Deadline) -> bytes:
        return exactly(lambda left: self.receive(left, deadline), size)
