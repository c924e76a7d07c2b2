"""One stream of a connection: bytes both ways, each piece acknowledged before the next."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from tests.device.faults import Faults
from tests.device.wire import CLSE, OKAY, WRTE


class StreamClosed(Exception):
    """The peer closed the stream, or the connection is gone."""


class Post(Protocol):
    """Sends a packet; quietly does nothing on a connection that is gone."""

    def __call__(self, command: int, arg0: int, arg1: int, data: bytes = b"") -> None: ...


class Stream:
    """The device's end of a stream. `closed` is set once nothing can be sent any more."""

    def __init__(
        self, post: Post, *, local_id: int, remote_id: int, max_payload: int, faults: Faults
    ) -> None:
        self._post, self._faults = post, faults
        self._ids = (local_id, remote_id)
        self._max_payload = max_payload
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self._buffer = bytearray()
        self._writing = asyncio.Lock()
        self._acknowledged = asyncio.Event()
        self._acknowledged.set()
        self.closed = asyncio.Event()

    async def read(self) -> bytes:
        """Return what came next and acknowledge it; raises StreamClosed at the end."""
        data = await self._incoming.get()
        if not data:
            self._incoming.put_nowait(b"")
            raise StreamClosed
        if not self.closed.is_set():
            self._post(OKAY, *self._ids)
        return data

    async def exactly(self, count: int) -> bytes:
        """Return the next `count` bytes, however they were cut on the way."""
        while len(self._buffer) < count:
            self._buffer += await self.read()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def write(self, data: bytes) -> None:
        """Send `data`, each piece when the one before it is acknowledged."""
        async with self._writing:
            size = min(self._max_payload, self._faults.chunk_bytes)
            for start in range(0, len(data), size):
                await self._pause()
                await self._acknowledged.wait()
                if self.closed.is_set():
                    raise StreamClosed
                self._acknowledged.clear()
                self._post(WRTE, *self._ids, data[start : start + size])

    async def _pause(self) -> None:
        if self._faults.pause_s > 0:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.closed.wait(), self._faults.pause_s)

    async def close(self) -> None:
        """Close the stream when the peer has taken the last piece."""
        await self._acknowledged.wait()
        self.end()

    def acknowledge(self) -> None:
        """Take the peer's OKAY."""
        self._acknowledged.set()

    def receive(self, data: bytes) -> None:
        """Take the peer's WRTE."""
        if data:
            self._incoming.put_nowait(data)

    def end(self) -> None:
        """Take the peer's CLSE, or the loss of the connection, and answer it; once."""
        if not self.closed.is_set():
            self._post(CLSE, *self._ids)
            self.closed.set()
            self._acknowledged.set()
            self._incoming.put_nowait(b"")
