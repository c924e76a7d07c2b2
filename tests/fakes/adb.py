"""The other ends of ADB, scripted: streams in memory, and a peer behind a socket."""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from bench.devices.android.adb.device import Device
from bench.devices.android.adb.streams import Deadline

Came = bytes | BaseException


class ScriptedStream:
    """A stream on which `came` comes, piece by piece, then its end; what is written is kept."""

    def __init__(self, *came: Came, answers_after: int | None = None) -> None:
        self._came = deque(came)
        self._answers_after = answers_after
        self.written = b""
        self.closed = False

    def read(self, deadline: Deadline) -> bytes:
        deadline.left_s()
        piece = self._came.popleft() if self._came else b""
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def write(self, data: bytes, deadline: Deadline) -> None:
        deadline.left_s()
        self.written += data

    def answered(self) -> bool:
        return self._answers_after is not None and len(self.written) >= self._answers_after

    def close(self) -> None:
        self.closed = True


class ScriptedDevice(Device):
    """A device whose next services are `streams`; what was asked of it is kept."""

    def __init__(self, *streams: ScriptedStream, features: str = "shell_v2") -> None:
        super().__init__("fake")
        self._streams = deque(streams)
        self._has = frozenset(features.split(","))
        self.services: list[str] = []
        self.drops = 0

    def _open(self, service: str, deadline: Deadline) -> ScriptedStream:
        deadline.left_s()
        self.services.append(service)
        return self._streams.popleft()

    def _features(self, deadline: Deadline) -> frozenset[str]:
        deadline.left_s()
        return self._has

    def close(self) -> None:
        self.drops += 1


def framed(channel: int, data: bytes) -> bytes:
    """Return a packet of the shell protocol 2."""
    return struct.pack("<BI", channel, len(data)) + data


DONE = framed(3, b"\0")
"""The end of a command that left with status 0."""


class Wire:
    """ADB's packets over a socket, as a device writes and reads them."""

    def __init__(self, joined: socket.socket) -> None:
        self.socket = joined

    def say(self, command: bytes, arg0: int = 0, arg1: int = 0, data: bytes = b"") -> None:
        self.socket.sendall(packet(command, arg0, arg1, data))

    def hear(self, command: bytes) -> tuple[int, int, bytes]:
        """Return the arguments and the data of the next packet, which has to be a `command`."""
        head = self.exactly(24)
        arg0, arg1, length = struct.unpack_from("<3I", head, 4)
        assert head[:4] == command, head
        return arg0, arg1, self.exactly(length)

    def greet(self, banner: bytes = b"device::features=shell_v2", size: int = 4096) -> None:
        """Take the peer's greeting and return it, wanting no key."""
        self.hear(b"CNXN")
        self.say(b"CNXN", 0x01000000, size, banner)

    def serve(self, *pieces: bytes) -> str:
        """Take a service's opening, say `pieces` on it and close it; return its name."""
        peer, _, name = self.hear(b"OPEN")
        self.say(b"OKAY", 7, peer)
        for piece in pieces:
            self.say(b"WRTE", 7, peer, piece)
            self.hear(b"OKAY")
        self.say(b"CLSE", 7, peer)
        self.hear(b"CLSE")
        return name.rstrip(b"\0").decode()

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data

    def wait_for_the_end(self) -> None:
        """Return when the peer has gone."""
        with suppress(OSError):
            while self.socket.recv(4096):
                pass


def packet(command: bytes, arg0: int = 0, arg1: int = 0, data: bytes = b"") -> bytes:
    """Return an ADB packet with its checksum."""
    number = int.from_bytes(command, "little")
    head = (number, arg0, arg1, len(data), sum(data), number ^ 0xFFFFFFFF)
    return struct.pack("<6I", *head) + data


@contextmanager
def peer(*scripts: Callable[[Wire], object]) -> Iterator[int]:
    """Listen on a port, which is given; the nth connection meets the nth script, then its end.

    What a script asserts fails the test when the context ends.
    """
    failures: list[BaseException] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        thread = threading.Thread(target=_play, args=(listening, scripts, failures))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join(20)
    for failure in failures:
        raise failure


def _play(
    listening: socket.socket,
    scripts: tuple[Callable[[Wire], object], ...],
    failures: list[BaseException],
) -> None:
    try:
        for script in scripts:
            joined, _ = listening.accept()
            with joined:
                joined.settimeout(20)
                script(Wire(joined))
    except BaseException as failure:  # noqa: BLE001  # it is raised in the test's own thread
        failures.append(failure)


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port
