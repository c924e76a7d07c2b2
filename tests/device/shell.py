"""The services that run a command: shell:, shell,v2: and exec:."""

from __future__ import annotations

import asyncio
import signal
import struct
import subprocess
from collections.abc import Callable
from typing import Protocol

from tests.device.board import Board
from tests.device.child import Child
from tests.device.faults import CommandFault
from tests.device.stream import Stream, StreamClosed

STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)
FRAME = struct.Struct("<BI")
CHUNK_BYTES = 1 << 16
HUP_AGAIN_S = (0.2, 1.0, 3.0)


class Form(Protocol):
    """How a command's input, outputs and status share one stream.

    `stderr` is what subprocess makes of the command's. Whether the command `hangs_up` with the
    stream; otherwise the stream's end is the end of its input.
    """

    stderr: int
    hangs_up: bool

    async def write(self, kind: int, data: bytes) -> None: ...
    async def read(self) -> tuple[int, bytes]: ...


class Plain:
    """shell: both outputs are one, and there is no status."""

    stderr = subprocess.STDOUT
    hangs_up = True

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def write(self, kind: int, data: bytes) -> None:
        if kind == STDOUT:
            await self._stream.write(data)

    async def read(self) -> tuple[int, bytes]:
        return STDIN, await self._stream.read()


class Exec(Plain):
    """exec: the same; a peer that closes the stream has sent all of the input."""

    hangs_up = False


class Framed:
    """shell,v2: each piece bears its kind and its length, the last one the status."""

    stderr = subprocess.PIPE
    hangs_up = True

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def write(self, kind: int, data: bytes) -> None:
        await self._stream.write(FRAME.pack(kind, len(data)) + data)

    async def read(self) -> tuple[int, bytes]:
        kind, length = FRAME.unpack(await self._stream.exactly(FRAME.size))
        return kind, await self._stream.exactly(length)


class Truncated(Exception):
    """The stream has to end now."""


class Command:
    """One command on one stream, from its start to the end of both."""

    def __init__(
        self, board: Board, stream: Stream, form: Form, *, fault: CommandFault | None,
        drop: Callable[[], None],
    ) -> None:  # fmt: skip
        self._board, self._stream, self._form = board, stream, form
        self._fault, self._drop = fault, drop
        self._silent = False

    async def serve(self, line: str) -> None:
        """Run `line` in the phone's shell, an empty one as a shell that reads its stdin."""
        phone = self._board.phone
        words = ["/bin/sh", "-c", phone.mapped(line)] if line else ["/bin/sh"]
        self._child = await Child.start(
            words, cwd=phone.folder, env=phone.environment(), stderr=self._form.stderr
        )
        self._board.children.add(self._child)
        listening = asyncio.create_task(self._listen())
        try:
            await self._answer()
        except StreamClosed:
            self._hang_up()
        finally:
            listening.cancel()
            self._child.close()
            await self._child.ended()
            self._board.children.discard(self._child)

    async def _answer(self) -> None:
        status = 0
        try:
            await asyncio.gather(self._pass_on_stdout(), self._copy(self._child.stderr, STDERR))
            status = await self._child.ended()
        except Truncated:
            self._child.signal(signal.SIGKILL)
        await self._form.write(EXIT, bytes([status & 0xFF]))
        await self._stream.close()

    async def _listen(self) -> None:
        """Feed the command until the peer closes the stream, or loses the connection."""
        try:
            while True:
                kind, data = await self._form.read()
                if kind == STDIN:
                    self._child.feed(data)
                elif kind == CLOSE_STDIN:
                    self._child.end_input()
        except StreamClosed:
            self._hang_up()

    def _hang_up(self) -> None:
        # adbd sends SIGHUP when the protocol's end goes away (shell_service.cpp).
        if not self._form.hangs_up:
            self._child.end_input()
        elif not self._board.faults.outlives:
            self._child.signal(signal.SIGHUP)
            # Under nohup a command that has only just started may not be open to it yet.
            for delay_s in HUP_AGAIN_S:
                asyncio.get_running_loop().call_later(delay_s, self._child.signal, signal.SIGHUP)
            self._child.close()

    async def _pass_on_stdout(self) -> None:
        if self._fault is not None and await self._passed(self._fault.after_lines):
            await self._strike(self._fault)
        await self._copy(self._child.stdout, STDOUT)

    async def _passed(self, lines: int) -> bool:
        """Pass on so many lines; return whether there were as many."""
        for _ in range(lines):
            line = await self._child.stdout.readline()
            if not line:
                return False
            await self._send(STDOUT, line)
        return True

    async def _copy(self, reader: asyncio.StreamReader, kind: int) -> None:
        while data := await reader.read(CHUNK_BYTES):
            await self._send(kind, data)

    async def _send(self, kind: int, data: bytes) -> None:
        if not data or self._silent:
            return
        try:
            await self._form.write(kind, data)
        except StreamClosed:
            if not self._board.faults.outlives:
                raise

    async def _strike(self, fault: CommandFault) -> None:
        if fault.does == "drop":
            self._drop()
        elif fault.does == "truncate":
            raise Truncated
        elif fault.does == "kill":
            self._child.signal(signal.SIGKILL)
        elif fault.does == "garbage":
            await self._send(STDOUT, fault.garbage)
        else:
            self._silent = True
            await self._stream.closed.wait()
