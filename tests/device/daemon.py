"""A stand-in for a phone: the device's end of ADB on a port of this machine, with no phone.

It speaks ADB over TCP as adbd does (connection, trust by RSA keys, streams, shell with and without
exit status, exec, sync) and runs commands in this machine's shell, with a folder for the phone's
file system: phone.py says how. AArch64 programs run under qemu-user where that is installed. What
it tells of itself is invented, and calls itself a stand-in.

    with running_device(tmp_path) as device:
        ...  # device.serial is "127.0.0.1:PORT"

By hand: python -m tests.device.daemon --port 0 --folder DIR
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import threading
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.device.auth import Gate, Policy
from tests.device.board import FEATURES, Board
from tests.device.child import Process, kill_all_of
from tests.device.connection import Connection
from tests.device.dumps import State
from tests.device.faults import CommandFault, Faults, PushFault
from tests.device.phone import Phone

__all__ = ["CommandFault", "Device", "Faults", "Policy", "PushFault", "State", "running_device"]

HOST = "127.0.0.1"
PATIENCE_S = 10.0


class Daemon:
    """The listening end, in a loop of its own."""

    def __init__(self, board: Board, port: int) -> None:
        self._board, self._port = board, port
        self._connections: set[Connection] = set()
        self._serving: set[asyncio.Task[Any]] = set()
        self.started: Future[int] = Future()

    async def main(self) -> None:
        """Serve until `stop`; tell the port, or why there is none, in `started`."""
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        try:
            await self._listen()
        except OSError as error:
            self.started.set_exception(error)
            return
        self.started.set_result(self._port)
        await self._stopping.wait()
        self._server.close()
        for connection in self._connections:
            connection.drop()
        for child in self._board.children:
            child.signal(signal.SIGKILL)
        await kill_all_of(self._board.phone.own)
        if self._serving:
            await asyncio.wait(self._serving, timeout=PATIENCE_S)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self._board, reader, writer)
        self._connections.add(connection)
        self._keep(asyncio.current_task())
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)

    def _keep(self, task: asyncio.Task[Any] | None) -> None:
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)

    async def drop(self, refuse_s: float) -> None:
        """End all connections; with `refuse_s` above 0 take no new ones for so long."""
        if refuse_s > 0:
            self._server.close()
            self._returning = asyncio.create_task(self._return_after(refuse_s))
        for connection in list(self._connections):
            connection.drop()

    async def _return_after(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await self._listen()

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in the loop, from another thread, to its end."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=PATIENCE_S)

    def stop(self) -> None:
        """Let `main` return, from another thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)


class Device:
    """A stand-in that runs: how to reach it, what it saw, and what can be done to it meanwhile."""

    def __init__(self, board: Board, daemon: Daemon, port: int) -> None:
        self._board, self._daemon = board, daemon
        self.serial = f"{HOST}:{port}"
        self.port = port

    @property
    def folder(self) -> Path:
        """The folder that is its root."""
        return self._board.phone.folder

    @property
    def faults(self) -> Faults:
        """What goes wrong; to be changed in place, and in force from the next command or push."""
        return self._board.faults

    @property
    def gate(self) -> Gate:
        """Whom it trusts, for the next connection."""
        return self._board.gate

    @property
    def commands(self) -> list[str]:
        """Every command line that came, in order, as it came."""
        return self._board.commands

    @property
    def state(self) -> State:
        return self._board.phone.state

    def set_state(self, **changes: Any) -> None:
        """Change fields of `State`: set_state(temperature_c=61.0, max_khz={7: 1_800_000})."""
        self._board.phone.change(**changes)

    def path(self, remote: str) -> Path:
        """Return where a path of the device lies on this machine."""
        return self._board.phone.path(remote)

    def files(self) -> list[str]:
        """Return the paths of all that lies in /data/local/tmp; folders end with a slash."""
        return self._board.phone.files()

    def processes(self) -> list[Process]:
        """Return what still runs of the commands, detached ones too."""
        return self._board.phone.processes()

    def drop_connections(self, *, refuse_s: float = 0.0) -> None:
        """End all connections; refuse new ones for `refuse_s` seconds, then be back on the port."""
        self._daemon.do(self._daemon.drop(refuse_s))


@contextmanager
def running_device(
    folder: Path, *, faults: Faults | None = None, state: State | None = None,
    shell_v2: bool = True, auth: Policy = Policy.ANY_KEY, known_keys: Sequence[bytes] = (),
    port: int = 0,
) -> Iterator[Device]:  # fmt: skip
    """Run a stand-in whose root is `folder`, on a free port unless one is given.

    `known_keys` are lines as in adbkey.pub. When the context ends, every connection is closed and
    every process that the commands left is killed. Raises OSError where the port is taken.
    """
    board = Board(
        phone=Phone(folder, state or State()), faults=faults or Faults(),
        gate=Gate(policy=auth, known=list(known_keys)),
        features=FEATURES if shell_v2 else tuple(f for f in FEATURES if f != "shell_v2"),
    )  # fmt: skip
    daemon = Daemon(board, port)
    thread = threading.Thread(
        target=lambda: asyncio.run(daemon.main()), name="stand-in", daemon=True
    )
    thread.start()
    try:
        device = Device(board, daemon, daemon.started.result(timeout=PATIENCE_S))
        try:
            yield device
        finally:
            daemon.stop()
    finally:
        thread.join(2 * PATIENCE_S)
        if thread.is_alive():
            raise RuntimeError("the stand-in does not end")


def main(argv: Sequence[str] | None = None) -> None:
    """Print the serial of a stand-in, and serve until a signal comes."""
    parser = argparse.ArgumentParser(description="a stand-in for a phone, for tests")
    parser.add_argument("--port", type=int, default=0, help="0, the default, is any free one")
    parser.add_argument("--folder", type=Path, help="its root; a temporary one by default")
    arguments = parser.parse_args(argv)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with tempfile.TemporaryDirectory(prefix="stand-in-") as temporary:
        folder = arguments.folder or Path(temporary)
        with running_device(folder, port=arguments.port) as device:
            sys.stdout.write(f"{device.serial}\n")
            sys.stdout.flush()
            stopped.wait()


if __name__ == "__main__":
    main()
