"""One connection: greeting, trust, and its streams."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import partial

from tests.device import auth, wire
from tests.device.board import Board
from tests.device.shell import Command, Exec, Form, Framed, Plain
from tests.device.stream import Stream, StreamClosed
from tests.device.sync import Sync

Service = Callable[[Stream], Awaitable[None]]


class Connection:
    """Serves one peer until it goes, or `drop` is called."""

    def __init__(
        self, board: Board, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._board, self._reader, self._writer = board, reader, writer
        self._version, self._max_payload = wire.VERSION, wire.MAX_PAYLOAD
        self._streams: dict[int, Stream] = {}
        self._opened = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Greet the peer, then do what its packets say; return when it has gone."""
        try:
            await self._greet()
            while True:
                self._take(await wire.read_packet(self._reader))
        except (asyncio.IncompleteReadError, ConnectionError, wire.BadPacket):
            pass
        finally:
            self.drop()
        await asyncio.gather(*self._tasks)

    def drop(self) -> None:
        """End the connection now, and with it every stream."""
        self._writer.transport.abort()
        for stream in self._streams.values():
            stream.end()

    def _post(self, command: int, arg0: int, arg1: int, data: bytes = b"") -> None:
        if not self._writer.transport.is_closing():
            packet = wire.Packet(command=command, arg0=arg0, arg1=arg1, data=data)
            self._writer.write(packet.to_bytes(self._version))

    async def _greet(self) -> None:
        packet = await wire.read_packet(self._reader)
        if packet.command != wire.CNXN:
            raise wire.BadPacket(packet)
        self._version = min(wire.VERSION, packet.arg0)
        self._max_payload = min(wire.MAX_PAYLOAD, packet.arg1)
        if self._board.gate.policy is not auth.Policy.OPEN:
            await self._authorise()
        self._post(wire.CNXN, wire.VERSION, wire.MAX_PAYLOAD, self._board.banner())

    async def _authorise(self) -> None:
        """Return when the peer is trusted; to one that isn't, nothing more is said."""
        gate = self._board.gate
        while True:
            token = os.urandom(auth.TOKEN_BYTES)
            self._post(wire.AUTH, auth.TOKEN, 0, token)
            answer = await self._answer(auth.SIGNATURE, auth.PUBLIC_KEY)
            if answer.arg0 == auth.SIGNATURE:
                if gate.admits(answer.data, token=token):
                    return
            elif gate.trusts(answer.data):
                return
            else:
                # The phone shows its dialog, and waits for its owner.
                await self._answer()

    async def _answer(self, *kinds: int) -> wire.Packet:
        """Return the peer's next AUTH packet of one of `kinds`, and ignore all others."""
        while True:
            packet = await wire.read_packet(self._reader)
            if packet.command == wire.AUTH and packet.arg0 in kinds:
                return packet

    def _take(self, packet: wire.Packet) -> None:
        if packet.command == wire.OPEN:
            self._open(packet)
            return
        stream = self._streams.get(packet.arg1)
        if stream is None:
            return
        if packet.command == wire.OKAY:
            stream.acknowledge()
        elif packet.command == wire.WRTE:
            stream.receive(packet.data)
        elif packet.command == wire.CLSE:
            stream.end()

    def _open(self, packet: wire.Packet) -> None:
        name = os.fsdecode(packet.data.rstrip(b"\0"))
        service = self._service(name)
        if service is None:
            self._post(wire.CLSE, 0, packet.arg0)
            return
        self._opened += 1
        stream = Stream(
            self._post, local_id=self._opened, remote_id=packet.arg0,
            max_payload=self._max_payload, faults=self._board.faults,
        )  # fmt: skip
        self._streams[self._opened] = stream
        self._post(wire.OKAY, self._opened, packet.arg0)
        task = asyncio.create_task(self._run(service, stream, local_id=self._opened))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, service: Service, stream: Stream, *, local_id: int) -> None:
        try:
            await service(stream)
        except StreamClosed:
            pass
        finally:
            stream.end()
            del self._streams[local_id]

    def _service(self, name: str) -> Service | None:
        """Return what serves `name`, None where this device doesn't know it."""
        head, _, line = name.partition(":")
        kind, *options = head.split(",")
        if kind == "sync":
            return partial(self._sync, name)
        if kind == "shell" and "v2" in options:
            known = "shell_v2" in self._board.features
            return partial(self._command, name, line, Framed) if known else None
        form = {"shell": Plain, "exec": Exec}.get(kind)
        return partial(self._command, name, line, form) if form else None

    async def _command(
        self, name: str, line: str, form: Callable[[Stream], Form], stream: Stream
    ) -> None:
        self._board.commands.append(line)
        fault = self._board.faults.of_command(name)
        command = Command(self._board, stream, form(stream), fault=fault, drop=self.drop)
        await command.serve(line)

    async def _sync(self, name: str, stream: Stream) -> None:
        fault = self._board.faults.of_command(name)
        if fault and fault.does == "drop":
            self.drop()
        elif fault and fault.does == "hang":
            await stream.closed.wait()
        await Sync(self._board, stream, drop=self.drop).serve()
