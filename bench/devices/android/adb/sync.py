"""Files over a device's sync service. Each piece of a file has `silence_s` seconds of its own."""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from typing import BinaryIO

from bench.core.errors import CommandFailed, PushFailed
from bench.devices.android.adb.streams import Deadline, Stream

# The protocol allows no longer piece.
PIECE_BYTES = 64 * 1024

_HEADER = struct.Struct("<4sI")


def send_file(
    stream: Stream, file: BinaryIO, remote: str, *, mode: int, mtime_s: int, silence_s: float
) -> None:
    """Write what `file` holds to `remote`; raises PushFailed with the device's reason."""
    try:
        _send_all(stream, file, f"{remote},{stat.S_IFREG | mode}", mtime_s, silence_s)
    except ConnectionError:
        # A device that gives up closes its stream, but says why before it does.
        if not stream.answered():
            raise
    kind, reason = _Reader(stream, silence_s).answer()
    if kind == b"FAIL":
        raise PushFailed(remote, reason.decode("utf-8", "replace").strip())
    if kind != b"OKAY":
        raise ConnectionError(f"no answer of the sync service: {kind!r}")


def _send_all(stream: Stream, file: BinaryIO, target: str, mtime_s: int, silence_s: float) -> None:
    """Send request, pieces and end, until the device answers."""
    for packet in _packets(file, target, mtime_s):
        if stream.answered():
            return
        stream.write(packet, Deadline.after(silence_s))


def _packets(file: BinaryIO, target: str, mtime_s: int) -> Iterator[bytes]:
    yield _request(b"SEND", target)
    while piece := file.read(PIECE_BYTES):
        yield _HEADER.pack(b"DATA", len(piece)) + piece
    yield _HEADER.pack(b"DONE", mtime_s)


def receive_file(stream: Stream, remote: str, *, silence_s: float) -> Iterator[bytes]:
    """Yield what `remote` holds; raises CommandFailed with the device's reason."""
    stream.write(_request(b"RECV", remote), Deadline.after(silence_s))
    reader = _Reader(stream, silence_s)
    while True:
        kind, data = reader.answer()
        if kind == b"DONE":
            return
        if kind == b"FAIL":
            raise CommandFailed(f"reading {remote}", 1, data.decode("utf-8", "replace"))
        if kind != b"DATA":
            raise ConnectionError(f"no answer of the sync service: {kind!r}")
        yield data


def _request(kind: bytes, path: str) -> bytes:
    name = path.encode("utf-8", "surrogateescape")
    return _HEADER.pack(kind, len(name)) + name


class _Reader:
    """Takes the service's answers out of its stream."""

    def __init__(self, stream: Stream, silence_s: float) -> None:
        self._stream = stream
        self._silence_s = silence_s
        self._rest = bytearray()

    def answer(self) -> tuple[bytes, bytes]:
        """Return an answer's kind and what comes with it."""
        kind, length = _HEADER.unpack(self._exactly(_HEADER.size))
        if kind not in (b"DATA", b"FAIL"):
            return kind, b""
        if length > PIECE_BYTES:
            raise ConnectionError(f"no answer of the sync service: {kind!r} of {length} bytes")
        return kind, self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            data = self._stream.read(Deadline.after(self._silence_s))
            if not data:
                raise ConnectionError("the stream ended in the middle of an answer")
            self._rest += data
        taken = bytes(self._rest[:size])
        del self._rest[:size]
        return taken
