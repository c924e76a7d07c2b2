"""What a device's services say: a command's output as it comes and its status, a file's pieces."""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from bench.core.errors import CommandFailed, PushFailed
from bench.devices.android.adb.streams import Deadlines, Reader, Stream

STDOUT, STDERR, EXIT = 1, 2, 3
MOST_BYTES = 16 * 1024 * 1024
"""The most of a packet, of a line, and of all that a command may print in `run`."""

LINKERS = b"WARNING: linker: "
"""How a warning of the device's linker begins: it is meant for stderr, and no program's own."""

PIECE_BYTES = 64 * 1024  # the sync protocol allows no longer piece

Output = Iterator[tuple[int, bytes]]
"""Pieces, each with its channel: STDOUT, STDERR, and at last the status on EXIT."""

_PACKET = struct.Struct("<BI")
_ANSWER = struct.Struct("<4sI")


def split_output(reader: Reader) -> Output:
    """Yield what comes of the shell protocol 2 (from Android 7).

    Raises ConnectionError for bytes that are none of the protocol, or an end without a status.
    """
    channel = 0
    while channel != EXIT:
        channel, length = _PACKET.unpack(reader.exactly(_PACKET.size))
        if length > MOST_BYTES or (channel == EXIT and length != 1):
            raise ConnectionError(f"no shell packet: channel {channel}, {length} bytes")
        data = reader.exactly(length)
        if channel in (STDOUT, STDERR, EXIT):
            yield channel, data


def marked_output(reader: Reader, mark: bytes) -> Output:
    """Do so, line by line, for output that ends in `mark`, the status and a line feed.

    An older device mixes stderr into it, of which the linker's warnings are known. A terminal
    between may have turned line feeds into CR LF.
    """
    for line in whole_lines(iter(reader.some, None)):
        before, marked, status = line.partition(mark)
        if before or not marked:
            yield (
                STDERR if before.startswith(LINKERS) else STDOUT,
                bytes(before if marked else before + b"\n"),
            )
        if marked and not status.strip().isdigit():
            raise ConnectionError(f"no status behind the mark: {bytes(status[:40])!r}")
        if marked:
            yield EXIT, bytes([int(status) & 0xFF])
            return


def whole_lines(pieces: Iterable[bytes]) -> Iterator[bytearray]:
    """Yield each line once it is whole, without its line feed, and what is left at the end.

    Raises ValueError for one of more than MOST_BYTES.
    """
    rest = bytearray()
    for piece in pieces:
        first, *others = piece.split(b"\n")
        rest += first
        for other in others:
            yield rest
            rest = bytearray(other)
        if len(rest) > MOST_BYTES:
            raise ValueError(f"a line of more than {MOST_BYTES >> 20} MiB")
    yield rest


def send_file(
    stream: Stream, file: BinaryIO, remote: str, *, mode: int, mtime_s: int, deadline: Deadlines
) -> None:
    """Write what `file` holds to `remote`; raises PushFailed with the device's reason."""
    try:
        for packet in _packets(file, f"{remote},{stat.S_IFREG | mode}", mtime_s):
            if stream.answered():
                break
            stream.write(packet, deadline())
    except ConnectionError:
        # A device that gives up closes its stream, but says why before it does.
        if not stream.answered():
            raise
    kind, reason = _answer(Reader(stream, deadline))
    if kind == b"FAIL":
        raise PushFailed(remote, reason.decode("utf-8", "replace").strip())
    if kind != b"OKAY":
        raise ConnectionError(f"no answer of the sync service: {kind!r}")


def _packets(file: BinaryIO, target: str, mtime_s: int) -> Iterator[bytes]:
    yield _request(b"SEND", target)
    while piece := file.read(PIECE_BYTES):
        yield _ANSWER.pack(b"DATA", len(piece)) + piece
    yield _ANSWER.pack(b"DONE", mtime_s)


def receive_file(stream: Stream, remote: str, deadline: Deadlines) -> Iterator[bytes]:
    """Yield what `remote` holds; raises CommandFailed with the device's reason."""
    stream.write(_request(b"RECV", remote), deadline())
    reader = Reader(stream, deadline)
    while (answer := _answer(reader))[0] == b"DATA":
        yield answer[1]
    kind, reason = answer
    if kind == b"FAIL":
        raise CommandFailed(f"reading {remote}", 1, reason.decode("utf-8", "replace"))
    if kind != b"DONE":
        raise ConnectionError(f"no answer of the sync service: {kind!r}")


def _request(kind: bytes, path: str) -> bytes:
    name = path.encode("utf-8", "surrogateescape")
    return _ANSWER.pack(kind, len(name)) + name


def _answer(reader: Reader) -> tuple[bytes, bytes]:
    """Return an answer's kind and what comes with it."""
    kind, length = _ANSWER.unpack(reader.exactly(_ANSWER.size))
    if kind not in (b"DATA", b"FAIL"):
        return kind, b""
    if length > PIECE_BYTES:
        raise ConnectionError(f"no answer of the sync service: {kind!r} of {length} bytes")
    return kind, reader.exactly(length)
