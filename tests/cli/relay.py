"""A network between two programs of this machine, that can be cut."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress


class Relay:
    """Passes bytes on to a port of this machine's; `cut` ends and refuses all connections."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._open: set[asyncio.StreamWriter] = set()
        self._cut = False
        self.port: Future[int] = Future()
        self._ended = asyncio.Event()

    async def main(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port.set_result(server.sockets[0].getsockname()[1])
        await self._ended.wait()
        server.close()
        self._drop()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        with suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        self._open.discard(writer)
        writer.close()

    def _drop(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    def cut(self) -> None:
        """Reset every connection and refuse new ones until `mend`."""
        self._cut = True
        self._loop.call_soon_threadsafe(self._drop)

    def mend(self) -> None:
        self._cut = False

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)


@contextmanager
def relay(address: str) -> Iterator[tuple[str, Relay]]:
    """Yield another address of the scheduler at `address`, and the network between the two."""
    host, _, port = address.rpartition(":")
    made = Relay(int(port))
    thread = threading.Thread(target=lambda: asyncio.run(made.main()), daemon=True)
    thread.start()
    try:
        yield f"{host}:{made.port.result(10)}", made
    finally:
        made.end()
        thread.join(10)
