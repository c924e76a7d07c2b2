"""The service sync: files to and from the stand-in, and what is told of them."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

from tests.device import programs
from tests.device.board import Board
from tests.device.faults import PushFault
from tests.device.stream import Stream, StreamClosed

HEAD = struct.Struct("<4sI")
STAT_V1 = struct.Struct("<3I")
# error, dev, ino, mode, nlink, uid, gid, size, atime, mtime, ctime: file_sync_protocol.h.
STAT_V2 = struct.Struct("<I2Q4IQ3q")
DATA_BYTES = 1 << 16
MAX_PATH = 1024
ENOENT = 2
FULL = "write failed: No space left on device"
DENIED = "couldn't create file: Permission denied"


class Refused(Exception):
    """The device won't take a push: its reason, as adbd words it."""


class Sync:
    """One stream of the service, request by request."""

    def __init__(self, board: Board, stream: Stream, *, drop: Callable[[], None]) -> None:
        self._board, self._stream, self._drop = board, stream, drop
        self._mtime = 0
        self._answers = {
            b"STAT": self._stat, b"STA2": self._stat_v2, b"LST2": self._stat_v2,
            b"LIST": self._list, b"LIS2": self._list_v2, b"RECV": self._receive,
        }  # fmt: skip

    async def serve(self) -> None:
        """Answer until the peer quits or a push fails: adbd ends the stream then, too."""
        while await self._one():
            pass
        await self._stream.close()

    async def _one(self) -> bool:
        name, length = HEAD.unpack(await self._stream.exactly(HEAD.size))
        if name == b"QUIT" or length > MAX_PATH:
            return False
        path = os.fsdecode(await self._stream.exactly(length))
        if name == b"SEND":
            return await self._take(path)
        if name not in self._answers:
            return await self._fail(f"unknown command {name!r}")
        await self._answers[name](name, path)
        return True

    async def _fail(self, reason: str) -> bool:
        await self._stream.write(HEAD.pack(b"FAIL", len(reason.encode())) + reason.encode())
        return False

    async def _stat(self, name: bytes, path: str) -> None:
        await self._stream.write(name + _v1(self._board.phone.path(path)))

    async def _stat_v2(self, name: bytes, path: str) -> None:
        await self._stream.write(name + _v2(self._board.phone.path(path)))

    async def _list(self, _: bytes, path: str) -> None:
        await self._entries(path, b"DENT", _v1, STAT_V1.size)

    async def _list_v2(self, _: bytes, path: str) -> None:
        await self._entries(path, b"DNT2", _v2, STAT_V2.size)

    async def _entries(
        self, path: str, name: bytes, told: Callable[[Path], bytes], size: int
    ) -> None:
        folder = self._board.phone.path(path)
        for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
            raw = os.fsencode(entry.name)
            await self._stream.write(name + told(entry) + struct.pack("<I", len(raw)) + raw)
        await self._stream.write(b"DONE" + bytes(size + 4))

    async def _receive(self, _: bytes, path: str) -> None:
        try:
            data = programs.real(self._board.phone.path(path)).read_bytes()
        except OSError as error:
            await self._fail(f"open failed: {error.strerror}")
            return
        for start in range(0, len(data), DATA_BYTES):
            piece = data[start : start + DATA_BYTES]
            await self._stream.write(HEAD.pack(b"DATA", len(piece)) + piece)
        await self._stream.write(HEAD.pack(b"DONE", 0))

    async def _take(self, spec: str) -> bool:
        path, _, mode = spec.rpartition(",")
        fault = self._board.faults.of_push(path)
        target = self._board.phone.path(path)
        try:
            await self._write(path, target, fault)
        except Refused as refusal:
            await self._fail(str(refusal))
            # An old adb goes on sending before it looks for an answer: adbd reads that away.
            while await self._data() is not None:
                pass
            return False
        self._board.phone.adopt(path, mode=int(mode), mtime=self._mtime)
        await self._stream.write(HEAD.pack(b"OKAY", 0))
        return True

    async def _write(self, path: str, target: Path, fault: PushFault | None) -> None:
        if (fault and fault.does == "denied") or not self._board.phone.writable(path):
            raise Refused(DENIED)
        drop_at = fault.after_bytes if fault and fault.does == "drop" else None
        room = self._board.phone.state.free_mib << 20
        if fault and fault.does == "full":
            room = fault.after_bytes
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            with target.open("wb") as file:
                while (data := await self._data()) is not None:
                    if drop_at is not None and file.tell() + len(data) > drop_at:
                        file.write(data[: drop_at - file.tell()])
                        self._drop()
                        raise StreamClosed
                    if file.tell() + len(data) > room:
                        target.unlink()
                        raise Refused(FULL)
                    file.write(data)
        except OSError as error:
            raise Refused(f"couldn't create file: {error.strerror}") from error

    async def _data(self) -> bytes | None:
        """Return the next piece of a push, None at its end."""
        name, length = HEAD.unpack(await self._stream.exactly(HEAD.size))
        if name == b"DATA" and length <= DATA_BYTES:
            return await self._stream.exactly(length)
        if name != b"DONE":
            self._drop()
            raise StreamClosed
        self._mtime = length
        return None


def _size(path: Path, found: os.stat_result) -> int:
    """A program's size is that of its own bytes, not of the script in its place."""
    own = programs.real(path)
    return found.st_size if own == path else own.stat().st_size


def _v1(path: Path) -> bytes:
    try:
        found = path.lstat()
    except OSError:
        return STAT_V1.pack(0, 0, 0)
    return STAT_V1.pack(found.st_mode, _size(path, found), int(found.st_mtime))


def _v2(path: Path) -> bytes:
    try:
        found = path.lstat()
    except OSError as error:
        return STAT_V2.pack(error.errno or ENOENT, *[0] * 10)
    return STAT_V2.pack(
        0, found.st_dev, found.st_ino, found.st_mode, found.st_nlink, found.st_uid, found.st_gid,
        _size(path, found), int(found.st_atime), int(found.st_mtime), int(found.st_ctime),
    )  # fmt: skip
