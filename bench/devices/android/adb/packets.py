"""ADB's packets over a transport: the handshake, and streams side by side.

adb-shell has the transports and the form of a packet. Its own connection gives no features of the
device, takes a refused service for silence and knows no overall deadline, so this one is used.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from adb_shell import constants  # type: ignore[import-untyped]
from adb_shell.adb_message import AdbMessage  # type: ignore[import-untyped]

from bench.devices.android.adb.keys import Signer
from bench.devices.android.adb.streams import Deadline
from bench.devices.android.adb.transports import Transport

STLS = struct.unpack("<I", b"STLS")[0]
TOKEN_BYTES = 20
CLOSING_S = 2.0

# Packets whose size is a multiple of USB's would need an empty one behind them, which adb-shell's
# transport doesn't send: so none is.
USB_PACKET_BYTES = 512

_HEADER = struct.Struct(constants.MESSAGE_FORMAT)

Packet = tuple[bytes, int, int, bytes]


class NotAdb(ConnectionError):
    """What came is no ADB packet."""


class NotTrusted(Exception):
    """The device knows none of the keys, and nobody allowed the one that it was offered."""


class TlsWanted(Exception):
    """The device speaks TLS after pairing only, which adb-shell can't."""


class Connection:
    """Packets to and from one device; not for two threads."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._streams: dict[int, PacketStream] = {}
        self._last_id = 0
        self._max_bytes = constants.MAX_LEGACY_ADB_DATA
        self.features: frozenset[str] = frozenset()

    def shake_hands(
        self, signers: Callable[[], Sequence[Signer]], *, reply_s: float, auth_timeout_s: float
    ) -> None:
        """Introduce this computer; `signers` is called where the device wants to know who it is.

        An answer may take `reply_s` seconds, a person's consent on the screen `auth_timeout_s`.
        Raises NotTrusted, TlsWanted, NotAdb, TimeoutError, ConnectionError.
        """
        deadline = Deadline.after(reply_s)
        self.send(constants.CNXN, constants.VERSION, constants.MAX_ADB_DATA, _BANNER, deadline)
        command, kind, size, data = self._answer(deadline)
        keys = iter(signers() if command == constants.AUTH else ())
        first: Signer | None = None
        while command == constants.AUTH:
            _check_token(kind, data)
            signer = next(keys, None)
            if signer is None:
                command, _, size, data = self._offer(first, auth_timeout_s)
                break
            first = first or signer
            signature = signer.sign(data)
            self.send(constants.AUTH, constants.AUTH_SIGNATURE, 0, signature, deadline)
            command, kind, size, data = self._answer(deadline)
        self._max_bytes = max(size, USB_PACKET_BYTES)
        self.features = _features(data)

    def _offer(self, signer: Signer | None, auth_timeout_s: float) -> Packet:
        """Ask the device to show a public key to its owner; wait for the consent."""
        if signer is None:
            raise NotTrusted("there is no key")
        deadline = Deadline.after(auth_timeout_s)
        try:
            self.send(
                constants.AUTH, constants.AUTH_RSAPUBLICKEY, 0, signer.public + b"\0", deadline
            )
            while True:
                packet = self._answer(deadline)
                if packet[0] == constants.CNXN:
                    return packet
        except (TimeoutError, ConnectionError) as error:
            raise NotTrusted(str(error)) from error

    def _answer(self, deadline: Deadline) -> Packet:
        """Return the next packet of a handshake."""
        while True:
            packet = self._receive(deadline)
            # On USB the end of what a killed process had asked for may come first.
            if packet[0] in (constants.CNXN, constants.AUTH):
                return packet

    def open(self, service: str, deadline: Deadline) -> PacketStream:
        """Open a stream; one that the device refuses has ended at once."""
        self._last_id += 1
        stream = self._streams[self._last_id] = PacketStream(self, self._last_id)
        name = service.encode("utf-8", "surrogateescape") + b"\0"
        self.send(constants.OPEN, self._last_id, 0, name, deadline)
        stream.settle(deadline)
        return stream

    def forget(self, local_id: int) -> None:
        """Hand no more packets to a stream."""
        self._streams.pop(local_id, None)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Cut `data` into what may stand in a packet."""
        while data:
            size = min(len(data), self._max_bytes)
            size -= size % USB_PACKET_BYTES == 0
            yield data[:size]
            data = data[size:]

    def send(self, command: bytes, arg0: int, arg1: int, data: bytes, deadline: Deadline) -> None:
        """Send one packet as a whole."""
        header = AdbMessage(command, arg0, arg1, data).pack()
        self._transport.bulk_write(header, deadline.left_s())
        if data:
            self._transport.bulk_write(data, deadline.left_s())

    def pump(self, deadline: Deadline) -> None:
        """Wait for a packet and hand it to its stream; one that is closed by now gets none."""
        command, remote_id, local_id, data = self._receive(deadline)
        if command in (constants.CNXN, constants.AUTH):
            raise ConnectionError("the device began anew")
        stream = self._streams.get(local_id)
        if stream is not None:
            stream.take(command, remote_id, data, deadline)

    def _receive(self, deadline: Deadline) -> Packet:
        header = self._exactly(_HEADER.size, deadline)
        number, arg0, arg1, length, checksum, magic = _HEADER.unpack(header)
        if number == STLS:
            raise TlsWanted
        command = constants.WIRE_TO_ID.get(number)
        if command is None or magic != number ^ 0xFFFFFFFF or length > constants.MAX_ADB_DATA:
            raise NotAdb(f"{header!r} is no packet")
        data = self._exactly(length, deadline)
        if checksum not in (0, sum(data) & 0xFFFFFFFF):
            raise NotAdb("a packet's checksum is wrong")
        return command, arg0, arg1, data

    def _exactly(self, size: int, deadline: Deadline) -> bytes:
        data = bytearray()
        while len(data) < size:
            data += self._transport.bulk_read(size - len(data), deadline.left_s())
        return bytes(data)

    def close(self) -> None:
        """End the connection and every stream of it."""
        for stream in list(self._streams.values()):
            stream.close()
        self._transport.close()


class PacketStream:
    """`bench.devices.android.adb.streams.Stream` over a Connection."""

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
        for piece in self._connection.pieces(data):
            if self._ended:
                raise ConnectionError("the device closed the stream")
            self._ready = False
            self._send(constants.WRTE, piece, deadline)
            self.settle(deadline)
            if self.answered():
                return

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
        try:
            self._end(Deadline.after(CLOSING_S))
        except (TimeoutError, ConnectionError):
            # There is nobody left to tell; the next call will find that out.
            self._ended = True

    def _end(self, deadline: Deadline) -> None:
        if self._ended:
            return
        self._ended = True
        self._connection.forget(self._local_id)
        self._send(constants.CLSE, b"", deadline)

    def _send(self, command: bytes, data: bytes, deadline: Deadline) -> None:
        self._connection.send(command, self._local_id, self._remote_id, data, deadline)


_BANNER = b"host::features=shell_v2\0"


def _check_token(kind: int, data: bytes) -> None:
    if kind != constants.AUTH_TOKEN or len(data) != TOKEN_BYTES:
        raise NotAdb(f"a token of kind {kind} and {len(data)} bytes")


def _features(banner: bytes) -> frozenset[str]:
    """Return the features in a banner such as `device::ro.product.name=x;features=a,b`."""
    properties = banner.rstrip(b"\0").decode("utf-8", "replace").split("::", 1)[-1].split(";")
    found = [each.removeprefix("features=") for each in properties if each.startswith("features=")]
    return frozenset(name for each in found for name in each.split(",") if name)
