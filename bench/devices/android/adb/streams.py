"""What both ways to a device share: a stream of bytes to one of its services, and a deadline.

Below this line two of Python's own exceptions say all that can go wrong with a link: TimeoutError
for a deadline that passed, ConnectionError for a link or stream that ended. `device.py` turns them
into `bench.core.errors.DeviceError`'s kinds.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock, in seconds."""

    end_s: float

    @classmethod
    def after(cls, timeout_s: float) -> Deadline:
        return cls(monotonic() + timeout_s)

    def left_s(self) -> float:
        """Return the seconds that are left, more than 0; raises TimeoutError when none are."""
        left_s = self.end_s - monotonic()
        if left_s <= 0:
            raise TimeoutError("the deadline has passed")
        return left_s


Deadlines = Callable[[], Deadline]
"""The deadline of the next read or write: always the same, or a new one each time (a silence)."""


class Stream(Protocol):
    """Bytes to and from one service of a device.

    `read` returns what has come, at least one byte, or b"" once the device has closed. `write` may
    stop short when the device answers in the middle of it; `answered`: whether `read` would
    return at once. `close` ends what the service does too, and never raises.
    """

    def read(self, deadline: Deadline) -> bytes: ...
    def write(self, data: bytes, deadline: Deadline) -> None: ...
    def answered(self) -> bool: ...
    def close(self) -> None: ...


class SocketStream:
    """A `Stream` over a socket."""

    def __init__(self, joined: socket.socket) -> None:
        self._joined = joined

    def receive(self, size: int, deadline: Deadline) -> bytes:
        """Return between 1 and `size` bytes, b"" at the end."""
        with link_errors():
            self._joined.settimeout(deadline.left_s())
            return self._joined.recv(size)

    def read(self, deadline: Deadline) -> bytes:
        return self.receive(READ_BYTES, deadline)

    def write(self, data: bytes, deadline: Deadline) -> None:
        with link_errors():
            self._joined.settimeout(deadline.left_s())
            self._joined.sendall(data)

    def answered(self) -> bool:
        return bool(select.select([self._joined], [], [], 0)[0])

    def close(self) -> None:
        self._joined.close()


def connected(address: tuple[str, int], deadline: Deadline) -> socket.socket:
    """Return a socket to `address`; raises OSError."""
    joined = socket.create_connection(address, timeout=deadline.left_s())
    # A packet may be two writes: without this the second would wait for the first's receipt.
    joined.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return joined


class Reader:
    """Takes pieces of a wanted size out of a stream."""

    def __init__(self, stream: Stream, deadline: Deadlines) -> None:
        self._stream = stream
        self._deadline = deadline
        self._rest = bytearray()

    def some(self, size: int = READ_BYTES) -> bytes:
        """Return between 1 and `size` bytes; raises ConnectionError at the end."""
        if not self._rest:
            self._rest += self._stream.read(self._deadline())
        if not self._rest:
            raise ConnectionError("the stream ended in the middle of an answer")
        taken = bytes(self._rest[:size])
        del self._rest[:size]
        return taken

    def exactly(self, size: int) -> bytes:
        return exactly(self.some, size)


def exactly(receive: Callable[[int], bytes], size: int) -> bytes:
    """Return `size` bytes, in as many pieces as it takes; raises ConnectionError at the end."""
    data = bytearray()
    while len(data) < size:
        piece = receive(size - len(data))
        if not piece:
            raise ConnectionError("the other side closed the connection")
        data += piece
    return bytes(data)


@contextmanager
def link_errors() -> Iterator[None]:
    """Turn every other OSError of a socket into ConnectionError."""
    try:
        yield
    except (TimeoutError, ConnectionError):
        raise
    except OSError as error:
        raise ConnectionError(str(error)) from error
