"""A command's processes on this machine, which stands in for the phone's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

# The longest line that a fault may have to count; also how much waits here for a slow reader.
LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process that the stand-in started, itself or through another."""

    pid: int
    command: str


class Child:
    """A command in a process group of its own; nothing here blocks the loop."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._pipes: list[asyncio.BaseTransport] = []
        self.stdout = asyncio.StreamReader(limit=LINE_BYTES)
        self.stderr = asyncio.StreamReader(limit=LINE_BYTES)
        self._stdin: asyncio.WriteTransport | None = None

    @classmethod
    async def start(
        cls, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], stderr: int
    ) -> Child:
        """Start `command`; `stderr` is subprocess.PIPE, or STDOUT where both are one."""
        pipe = subprocess.PIPE
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            # Under nohup: a command must be able to die of a hang-up all the same.
            command = ["env", "--default-signal=HUP", *command]
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=stderr, cwd=cwd, env=env, bufsize=0,
            start_new_session=True,
        )  # fmt: skip
        child = cls(process)
        await child._connect(process)
        return child

    async def _connect(self, process: subprocess.Popen[bytes]) -> None:
        await self._listen(self.stdout, cast("IO[bytes]", process.stdout))
        if process.stderr is None:
            self.stderr.feed_eof()
        else:
            await self._listen(self.stderr, process.stderr)
        loop = asyncio.get_running_loop()
        self._stdin, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, process.stdin)

    async def _listen(self, reader: asyncio.StreamReader, pipe: IO[bytes]) -> None:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        self._pipes.append(transport)

    def feed(self, data: bytes) -> None:
        """Write to the command's stdin, if it still has one."""
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(data)

    def end_input(self) -> None:
        """Close the command's stdin, when what was fed is through."""
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write_eof()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, while its first process lives."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def close(self) -> None:
        """Let go of the command's ends: what it writes from now on gives EPIPE."""
        for pipe in self._pipes:
            pipe.close()
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.abort()

    async def ended(self) -> int:
        """Return the exit status; as a shell has it, 128 and the signal's number after a signal."""
        while (status := self._process.poll()) is None:
            await asyncio.sleep(0.01)
        return status if status >= 0 else 128 - status


def processes_of(standin: Path) -> list[Process]:
    """Return the live processes whose environment says STANDIN=`standin`.

    So a command that detached itself from its shell is found as well. Needs Linux's /proc.
    """
    mark = f"STANDIN={standin}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
                command = b" ".join(words).decode("utf-8", "replace")
                found.append(Process(pid=int(folder.name), command=command))
    return found


async def kill_all_of(standin: Path) -> None:
    """Kill every process that `processes_of` finds, and those that they start meanwhile."""
    quiet = 0
    for _ in range(200):
        processes = processes_of(standin)
        # A process that is just becoming another one shows no environment: look three times.
        quiet = 0 if processes else quiet + 1
        if quiet == 3:
            return
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        await asyncio.sleep(0.01)
