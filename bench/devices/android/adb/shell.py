"""A command on the device: its output as it comes, and its status.

Devices from Android 7 on speak the shell protocol 2, which keeps stdout, stderr and the status
apart. For older ones a random mark and `$?` are printed after the command.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Protocol

from bench.devices.android.adb.device import LINKERS, Completed
from bench.devices.android.adb.streams import Deadline, Stream

STDOUT, STDERR, EXIT = 1, 2, 3
MOST_BYTES = 16 * 1024 * 1024
"""The most of a packet, of a line, and of all that a command may print in `run`."""

_DIGITS = 20

_HEADER = struct.Struct("<BI")

Piece = tuple[int, bytes]


class Output(Protocol):
    """What takes the bytes of a shell service apart."""

    status: int | None

    def feed(self, data: bytes) -> list[Piece]:
        """Return what `data` completes, as pieces of STDOUT and STDERR; sets `status` at the end.

        Raises ConnectionError for bytes that are none of the protocol.
        """
        ...


@dataclass(slots=True)
class SplitOutput:
    """The shell protocol 2: packets of a channel, a length and bytes, cut anywhere."""

    status: int | None = None
    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Piece]:
        self._rest += data
        pieces = []
        while (packet := self._packet()) is not None:
            if packet[0] == EXIT:
                self.status = packet[1][0]
            elif packet[0] in (STDOUT, STDERR) and packet[1]:
                pieces.append(packet)
        return pieces

    def _packet(self) -> Piece | None:
        """Take the first packet out of what has come, if it is there as a whole."""
        if len(self._rest) < _HEADER.size:
            return None
        channel, length = _HEADER.unpack_from(self._rest)
        if length > MOST_BYTES or (channel == EXIT and length != 1):
            raise ConnectionError(f"no shell packet: channel {channel}, {length} bytes")
        end = _HEADER.size + length
        if len(self._rest) < end:
            return None
        payload = bytes(self._rest[_HEADER.size : end])
        del self._rest[:end]
        return channel, payload


@dataclass(slots=True, kw_only=True)
class MarkedOutput:
    """Plain output that ends in `mark`, the status and a line feed; stderr is mixed into it.

    The terminal that such devices put between may have turned line feeds into CR LF.
    """

    mark: bytes
    status: int | None = None
    _rest: bytes = b""

    def feed(self, data: bytes) -> list[Piece]:
        before, found, after = (self._rest + data).partition(self.mark)
        if found:
            self._rest = found + after
            self._judge(after)
        else:
            # The mark may be cut too: its possible beginning waits for the rest.
            keep = len(before) - _overlap(before, self.mark)
            before, self._rest = before[:keep], before[keep:]
        return [(STDOUT, before)] if before else []

    def _judge(self, after: bytes) -> None:
        digits, end, _ = after.partition(b"\n")
        if (end or len(digits) > _DIGITS) and not digits.strip().isdigit():
            raise ConnectionError(f"no status behind the mark: {digits[:40]!r}")
        if end:
            self.status = int(digits)


def _overlap(data: bytes, mark: bytes) -> int:
    """Return how many of the last bytes of `data` are the first of `mark`."""
    longest = min(len(data), len(mark) - 1)
    return next((size for size in range(longest, 0, -1) if data.endswith(mark[:size])), 0)


class Shell:
    """A command that runs on the device."""

    def __init__(self, stream: Stream, output: Output) -> None:
        self._stream = stream
        self._output = output

    @property
    def is_mixed(self) -> bool:
        """Whether stderr comes as a part of stdout."""
        return isinstance(self._output, MarkedOutput)

    def is_linkers(self, line: bytes | bytearray) -> bool:
        """Tell whether a line of stdout is a warning of the device's linker, meant for stderr."""
        return self.is_mixed and line.startswith(LINKERS)

    @property
    def status(self) -> int | None:
        """The command's status; None while it runs."""
        return self._output.status

    def read(self, deadline: Deadline) -> list[Piece]:
        """Return what has come; raises ConnectionError where the stream ends without a status."""
        data = self._stream.read(deadline)
        if not data:
            raise ConnectionError("the stream ended before the command's status")
        return self._output.feed(data)

    def finish(self, deadline: Deadline) -> Completed:
        """Read to the end of the command; raises ValueError where it prints beyond MOST_BYTES."""
        said = {STDOUT: bytearray(), STDERR: bytearray()}
        while self.status is None:
            for channel, data in self.read(deadline):
                said[channel] += data
            if sum(map(len, said.values())) > MOST_BYTES:
                raise ValueError(f"it printed more than {MOST_BYTES >> 20} MiB")
        if LINKERS in said[STDOUT] and self.is_mixed:
            said = self._sorted(said[STDOUT])
        return Completed(status=self.status, stdout=bytes(said[STDOUT]), stderr=bytes(said[STDERR]))

    def _sorted(self, mixed: bytearray) -> dict[int, bytearray]:
        said = {STDOUT: bytearray(), STDERR: bytearray()}
        for line in mixed.splitlines(keepends=True):
            said[STDERR if self.is_linkers(line) else STDOUT] += line
        return said

    def close(self) -> None:
        """End the stream; a command that still runs gets a hang-up from the device."""
        self._stream.close()
