"""A device without an adb server between: ADB's packets over TCP or USB.

adb-shell has the USB transport and the form of a packet. Its own connection gives no features of
the device, takes a refused service for silence and knows no overall deadline: this one is used.
"""

from __future__ import annotations

import re
import socket
import struct
from collections import deque
from contextlib import suppress
from pathlib import Path

from adb_shell import constants  # type: ignore[import-untyped]
from adb_shell.adb_message import AdbMessage  # type: ignore[import-untyped]

from bench.core.errors import DeviceNotFound, DeviceUnauthorized
from bench.devices.android.adb.device import Device
from bench.devices.android.adb.keys import ANDROID_FOLDER, load_signers
from bench.devices.android.adb.known import host_and_port
from bench.devices.android.adb.streams import Deadline, SocketStream, connected, exactly
from bench.devices.android.adb.usb import Usb, find_usb

CONNECT_S = 10.0
CLOSING_S = 2.0
TOKEN_BYTES = 20
STLS = int.from_bytes(b"STLS", "little")

# Packets whose size is a multiple of USB's would need an empty one behind them, which adb-shell's
# transport doesn't send: so none is.
USB_PACKET_BYTES = 512

_HEADER = struct.Struct(constants.MESSAGE_FORMAT)
_BANNER = b"host::features=shell_v2\0"

Packet = tuple[bytes, int, int, bytes]


class NotAdb(ConnectionError):
    """What came is no ADB packet."""


class DirectDevice(Device):
    """A device at host:port, or on USB by its serial or path.

    One connection serves all calls. After a time-out or a loss it is closed, which ends every
    command of it, and the next call opens another.
    """

    def __init__(self, serial: str, *, auth_timeout_s: float, keys: Path) -> None:
        super().__init__(serial)
        self._auth_timeout_s = auth_timeout_s
        self._keys = keys
        self._connection: Connection | None = None

    @classmethod
    def open(
        cls, serial: str, *, auth_timeout_s: float = 60.0, keys: Path = ANDROID_FOLDER
    ) -> DirectDevice:
        """Connect, waiting up to `auth_timeout_s` seconds for the owner's consent on the screen.

        `keys` is the folder of adbkey. Raises DeviceNotFound, DeviceUnauthorized, DeviceBusy (USB
        under an adb server), DeviceTimeout, DeviceLost, Unavailable (no libusb).
        """
        device = cls(serial, auth_timeout_s=auth_timeout_s, keys=keys)
        device._connected(CONNECT_S, auth_timeout_s)
        return device

    def _open(self, service: str, deadline: Deadline) -> PacketStream:
        return self._within(deadline).open(service, deadline)

    def _features(self, deadline: Deadline) -> frozenset[str]:
        return self._within(deadline).features

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _within(self, deadline: Deadline) -> Connection:
        left_s = deadline.left_s()
        return self._connected(min(CONNECT_S, left_s), min(self._auth_timeout_s, left_s))

    def _connected(self, reply_s: float, auth_timeout_s: float) -> Connection:
        if self._connection is None:
            with self._failing_as_device("connecting", reply_s):
                transport = _reach(self.serial, Deadline.after(reply_s))
            connection = Connection(self.serial, transport)
            try:
                with self._failing_as_device("the handshake", reply_s):
                    connection.shake_hands(self._keys, Deadline.after(reply_s), auth_timeout_s)
            except BaseException:
                transport.close()
                raise
            self._connection = connection
        return self._connection


def _reach(serial: str, deadline: Deadline) -> SocketStream | Usb:
    """Return what leads to `serial`, connected; raises DeviceError, TimeoutError, Unavailable."""
    address = host_and_port(serial)
    if address is None:
        device = find_usb(serial)
        device.connect()
        return device
    try:
        return SocketStream(connected(address, deadline))
    except TimeoutError:
        raise
    except ConnectionRefusedError as error:
        hint = "nothing listens there: run `adb tcpip 5555` with it on USB, check the port"
        raise DeviceNotFound(serial, hint=hint) from error
    except (socket.gaierror, UnicodeError) as error:
        raise DeviceNotFound(serial, hint="no such host is known: check its name") from error
    except OSError as error:
        hint = f"it can't be reached ({error.strerror}): check its address and network"
        raise DeviceNotFound(serial, hint=hint) from error


class Connection:
    """Packets to and from one device; not for two threads."""

    def __init__(self, serial: str, transport: SocketStream | Usb) -> None:
        self._serial = serial
        self._transport = transport
        self.streams: dict[int, PacketStream] = {}
        self._last_id = 0
        self.most_bytes = constants.MAX_LEGACY_ADB_DATA
        self.features: frozenset[str] = frozenset()

    def shake_hands(self, keys: Path, deadline: Deadline, auth_timeout_s: float) -> None:
        """Introduce this computer, with a key of `keys` where the device wants to know who it is.

        A person's consent on the screen may take `auth_timeout_s`. Raises DeviceUnauthorized,
        DeviceNotFound where ADB isn't spoken there, TimeoutError, ConnectionError.
        """
        try:
            self._shake_hands(keys, deadline, auth_timeout_s)
        except NotAdb as error:
            hint = "what listens there doesn't speak ADB"
            raise DeviceNotFound(self._serial, hint=hint) from error

    def _shake_hands(self, keys: Path, deadline: Deadline, auth_timeout_s: float) -> None:
        self.send(constants.CNXN, constants.VERSION, constants.MAX_ADB_DATA, _BANNER, deadline)
        command, kind, size, data = self._answer(deadline)
        if command == constants.AUTH:
            first, *_ = signers = load_signers(keys)
            for signer in signers:
                if kind != constants.AUTH_TOKEN or len(data) != TOKEN_BYTES:
                    raise NotAdb(f"a token of kind {kind} and {len(data)} bytes")
                signature = signer.sign(data)
                self.send(constants.AUTH, constants.AUTH_SIGNATURE, 0, signature, deadline)
                command, kind, size, data = self._answer(deadline)
                if command == constants.CNXN:
                    break
            else:
                size, data = self._offer(first.public, Deadline.after(auth_timeout_s))
        self.most_bytes = max(size, USB_PACKET_BYTES)
        self.features = _features(data)

    def _offer(self, public: bytes, deadline: Deadline) -> tuple[int, bytes]:
        """Ask the device to show a public key to its owner; wait for the consent."""
        try:
            self.send(constants.AUTH, constants.AUTH_RSAPUBLICKEY, 0, public + b"\0", deadline)
            command = None
            while command != constants.CNXN:
                command, _, size, data = self._answer(deadline)
        except (TimeoutError, ConnectionError) as error:
            raise DeviceUnauthorized(self._serial) from error
        return size, data

    def _answer(self, deadline: Deadline) -> Packet:
        """Return the next packet of a handshake."""
        while True:
            packet = self._receive(deadline)
            # On USB the end of a killed process's traffic may come first.
            if packet[0] in (constants.CNXN, constants.AUTH):
                return packet

    def open(self, service: str, deadline: Deadline) -> PacketStream:
        """Open a stream; one that the device refuses has ended at once."""
        self._last_id += 1
        stream = self.streams[self._last_id] = PacketStream(self, self._last_id)
        name = service.encode("utf-8", "surrogateescape") + b"\0"
        self.send(constants.OPEN, self._last_id, 0, name, deadline)
        stream.settle(deadline)
        return stream

    def send(self, command: bytes, arg0: int, arg1: int, data: bytes, deadline: Deadline) -> None:
        """Send one packet as a whole."""
        self._transport.write(AdbMessage(command, arg0, arg1, data).pack(), deadline)
        if data:
            self._transport.write(data, deadline)

    def pump(self, deadline: Deadline) -> None:
        """Wait for a packet and hand it to its stream; one that is closed by now gets none."""
        command, remote_id, local_id, data = self._receive(deadline)
        if command in (constants.CNXN, constants.AUTH):
            raise ConnectionError("the device began anew")
        stream = self.streams.get(local_id)
        if stream is not None:
            stream.take(command, remote_id, data, deadline)

    def _receive(self, deadline: Deadline) -> Packet:
        def receive(size: int) -> bytes:
            return self._transport.receive(size, deadline)

        header = exactly(receive, _HEADER.size)
        number, arg0, arg1, length, checksum, magic = _HEADER.unpack(header)
        if number == STLS:
            hint = "that port wants pairing: `adb pair` it and `adb connect`, or `adb tcpip 5555`"
            raise DeviceNotFound(self._serial, hint=hint)  # TLS, which adb-shell can't speak
        command = constants.WIRE_TO_ID.get(number)
        if command is None or magic != number ^ 0xFFFFFFFF or length > constants.MAX_ADB_DATA:
            raise NotAdb(f"{header!r} is no packet")
        data = exactly(receive, length)
        if checksum not in (0, sum(data) & 0xFFFFFFFF):
            raise NotAdb("a packet's checksum is wrong")
        return command, arg0, arg1, data

    def close(self) -> None:
        """End the connection and every stream of it."""
        for stream in list(self.streams.values()):
            stream.close()
        self._transport.close()


class PacketStream:
    """A `Stream` over a Connection."""

    def __init__(self, connection: Connection, local_id: int) -> None:
        self._connection = connection
        self._local_id = local_id
        self._remote_id = 0
        self._received: deque[bytes] = deque()
        self._ready = False
        self._ended = False

    def settle(self, deadline: Deadline) -> None:
        """Wait until the device has taken what was sent, has answered, or has closed."""
        while not self._ready and not self.answered():
            self._connection.pump(deadline)

    def read(self, deadline: Deadline) -> bytes:
        while not self.answered():
            self._connection.pump(deadline)
        return self._received.popleft() if self._received else b""

    def write(self, data: bytes, deadline: Deadline) -> None:
        while data:
            if self._ended:
                raise ConnectionError("the device closed the stream")
            size = min(len(data), self._connection.most_bytes)
            size -= size % USB_PACKET_BYTES == 0
            self._ready = False
            self._send(constants.WRTE, data[:size], deadline)
            self.settle(deadline)
            data = b"" if self.answered() else data[size:]

    def answered(self) -> bool:
        return bool(self._received) or self._ended

    def take(self, command: bytes, remote_id: int, data: bytes, deadline: Deadline) -> None:
        """Take a packet that came for this stream, and answer it as the protocol wants."""
        if command == constants.OKAY:
            self._remote_id = remote_id
            self._ready = True
        elif command == constants.WRTE:
            self._send(constants.OKAY, b"", deadline)
            if data:
                self._received.append(data)
        elif command == constants.CLSE:
            self._end(deadline)

    def close(self) -> None:
        # Where nobody is left to be heard, the next call will find that out.
        with suppress(TimeoutError, ConnectionError):
            self._end(Deadline.after(CLOSING_S))

    def _end(self, deadline: Deadline) -> None:
        if not self._ended:
            self._ended = True
            self._connection.streams.pop(self._local_id, None)
            self._send(constants.CLSE, b"", deadline)

    def _send(self, command: bytes, data: bytes, deadline: Deadline) -> None:
        self._connection.send(command, self._local_id, self._remote_id, data, deadline)


def _features(banner: bytes) -> frozenset[str]:
    """Return the features in a banner such as `device::ro.product.name=x;features=a,b`."""
    match = re.search(r"[:;]features=([^;\0]*)", banner.decode("utf-8", "replace"))
    return frozenset(match[1].split(",") if match else ())
