"""A computer's end of ADB, as small as the tests of the stand-in need it."""

from __future__ import annotations

import socket
import struct
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.device import wire

PATIENCE_S = 20.0


class Gone(Exception):
    """The device ended the connection."""


@dataclass
class Peer:
    """A connection; what comes for other streams meanwhile is kept for them."""

    sock: socket.socket
    version: int = wire.VERSION
    opened: int = 0
    kept: defaultdict[int, deque[wire.Packet]] = field(default_factory=lambda: defaultdict(deque))

    def send(self, command: int, arg0: int, arg1: int, data: bytes = b"") -> None:
        packet = wire.Packet(command=command, arg0=arg0, arg1=arg1, data=data)
        self.sock.sendall(packet.to_bytes(self.version))

    def receive(self) -> wire.Packet:
        head = wire.Head.parse(self._exactly(wire.HEADER.size))
        return head.packet(self._exactly(head.length))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                more = self.sock.recv(count - len(data))
            except ConnectionError as error:
                raise Gone from error
            if not more:
                raise Gone
            data += more
        return data

    def greet(self) -> wire.Packet:
        """Send the first packet and return what comes back."""
        self.send(wire.CNXN, self.version, wire.MAX_PAYLOAD, b"host::features=shell_v2")
        return self.receive()

    def open(self, service: str) -> PeerStream:
        self.opened += 1
        self.send(wire.OPEN, self.opened, 0, service.encode() + b"\0")
        answer = self.receive_for(self.opened)
        return PeerStream(self, self.opened, answer.arg0, accepted=answer.command == wire.OKAY)

    def receive_for(self, local_id: int) -> wire.Packet:
        while not self.kept[local_id]:
            packet = self.receive()
            self.kept[packet.arg1].append(packet)
        return self.kept[local_id].popleft()


@dataclass
class PeerStream:
    peer: Peer
    local_id: int
    remote_id: int
    accepted: bool
    buffer: bytes = b""

    def piece(self) -> bytes:
        """Return the next piece and acknowledge it; b"" at the end."""
        while True:
            packet = self.peer.receive_for(self.local_id)
            if packet.command == wire.WRTE:
                self.peer.send(wire.OKAY, self.local_id, self.remote_id)
                return packet.data
            if packet.command == wire.CLSE:
                self.peer.send(wire.CLSE, self.local_id, self.remote_id)
                return b""

    def all(self) -> bytes:
        data = self.buffer
        while more := self.piece():
            data += more
        return data

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            more = self.piece()
            assert more, f"the stream ended after {self.buffer!r}"
            self.buffer += more
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def write(self, data: bytes) -> None:
        """Send a piece and wait until it is taken; what comes meanwhile is kept."""
        self.peer.send(wire.WRTE, self.local_id, self.remote_id, data)
        kept = self.peer.kept[self.local_id]
        while True:
            packet = self.peer.receive()
            if packet.arg1 == self.local_id and packet.command == wire.OKAY:
                return
            self.peer.kept[packet.arg1].append(packet)
            assert not any(late.command == wire.CLSE for late in kept), "closed while written to"

    def close(self) -> None:
        self.peer.send(wire.CLSE, self.local_id, self.remote_id)


@contextmanager
def connected(serial: str) -> Iterator[Peer]:
    """Connect, and say nothing yet."""
    host, _, port = serial.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as sock:
        yield Peer(sock)


@contextmanager
def greeted(serial: str) -> Iterator[Peer]:
    """Connect to a device that asks for no key."""
    with connected(serial) as peer:
        assert peer.greet().command == wire.CNXN
        yield peer


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command of shell,v2 gave; no status where the stream ended without."""

    stdout: bytes
    stderr: bytes
    status: int | None


def unframed(data: bytes) -> Said:
    parts: dict[int, bytes] = {1: b"", 2: b"", 3: b""}
    while data:
        kind, length = struct.unpack_from("<BI", data)
        assert len(data) >= 5 + length, "a frame is cut"
        parts[kind] += data[5 : 5 + length]
        data = data[5 + length :]
    return Said(stdout=parts[1], stderr=parts[2], status=parts[3][0] if parts[3] else None)


def say(serial: str, command: str) -> Said:
    """Run a command over a connection of its own."""
    with greeted(serial) as peer:
        return unframed(peer.open(f"shell,v2,raw:{command}").all())


@contextmanager
def syncing(serial: str) -> Iterator[PeerStream]:
    with greeted(serial) as peer:
        yield peer.open("sync:")


def request(name: bytes, path: str) -> bytes:
    return name + struct.pack("<I", len(path.encode())) + path.encode()


def push(stream: PeerStream, path: str, data: bytes, mode: int = 0o100644) -> bytes:
    """Push a file piece by piece; return what the device answers: b"OKAY", or its reason."""
    stream.write(request(b"SEND", f"{path},{mode}"))
    for start in range(0, len(data), 1 << 16):
        piece = data[start : start + (1 << 16)]
        stream.write(b"DATA" + struct.pack("<I", len(piece)) + piece)
    stream.write(b"DONE" + struct.pack("<I", 1_700_000_000))
    return push_answer(stream)


def push_answer(stream: PeerStream) -> bytes:
    name, length = struct.unpack("<4sI", stream.exactly(8))
    return stream.exactly(length) if name == b"FAIL" else bytes(name)


def pull(stream: PeerStream, path: str) -> bytes:
    """Return a file's bytes, or the device's reason."""
    stream.write(request(b"RECV", path))
    data = b""
    while True:
        name, length = struct.unpack("<4sI", stream.exactly(8))
        if name == b"DONE":
            return data
        data += stream.exactly(length)
        if name == b"FAIL":
            return data
