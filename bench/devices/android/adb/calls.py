"""A device's calls, over whatever opens a stream to one of its services."""

from __future__ import annotations

import os
import re
import secrets
import struct
import traceback
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from bench.core.errors import CommandFailed, DeviceError, DeviceLost, DeviceTimeout, InputError
from bench.devices.android.adb.device import Completed, checked, note_foreign, quoted
from bench.devices.android.adb.shell import (
    MOST_BYTES,
    STDERR,
    STDOUT,
    MarkedOutput,
    Shell,
    SplitOutput,
)
from bench.devices.android.adb.streams import Deadline, Stream, temporary_beside
from bench.devices.android.adb.sync import receive_file, send_file

TAIL_BYTES = 4096

_PROPERTY = re.compile(r"\[([^\]]*)\]: \[")


class StreamedDevice(ABC):
    """`bench.devices.android.adb.device.Device`, but for how a stream is opened.

    On a device that lacks the shell protocol 2 (before Android 7) a command's stderr comes mixed
    into its stdout.
    """

    def __init__(self, serial: str) -> None:
        self._serial = serial

    @property
    def serial(self) -> str:
        return self._serial

    @abstractmethod
    def _open(self, service: str, deadline: Deadline) -> Stream:
        """Open a stream; raises a DeviceError, TimeoutError or ConnectionError."""

    @abstractmethod
    def _features(self, deadline: Deadline) -> frozenset[str]:
        """Return what the device says that it can do; raises as `_open` does."""

    @abstractmethod
    def _drop(self) -> None:
        """Forget a connection that can't be relied on: the next call opens another."""

    def close(self) -> None:
        self._drop()

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        deadline = Deadline.after(timeout_s)
        with (
            self._failing_as_device(_name(command), timeout_s),
            closing(self._start(command, deadline)) as shell,
        ):
            return shell.finish(deadline)

    @contextmanager
    def lines(self, command: Sequence[str], *, silence_s: float = 60.0) -> Iterator[Iterator[str]]:
        with self._failing_as_device(_name(command), silence_s):
            shell = self._start(command, Deadline.after(silence_s))
        with closing(shell), closing(self._lines_of(shell, _name(command), silence_s)) as lines:
            yield lines

    def _lines_of(self, shell: Shell, name: str, silence_s: float) -> Generator[str, None, None]:
        rest, stderr = bytearray(), b""
        while shell.status is None:
            with self._failing_as_device(name, silence_s):
                pieces = shell.read(Deadline.after(silence_s))
                if len(rest) > MOST_BYTES:
                    raise ValueError(f"a line of more than {MOST_BYTES >> 20} MiB")
            heard = STDOUT if shell.is_mixed else STDERR
            stderr = b"".join([stderr, *_of(heard, pieces)])[-TAIL_BYTES:]
            first, *others = b"".join(_of(STDOUT, pieces)).split(b"\n")
            rest += first
            for other in others:
                if not shell.is_linkers(rest):
                    yield _text(rest)
                rest = bytearray(other)
        if rest and not shell.is_linkers(rest):
            yield _text(rest)
        if shell.status != 0:
            raise CommandFailed(name, shell.status, stderr.decode("utf-8", "replace"))

    def push(self, local: Path, remote: str, *, mode: int = 0o644, silence_s: float = 60.0) -> None:
        with (
            _readable(local) as file,
            self._failing_as_device(f"the push of {local.name}", silence_s),
            closing(self._open("sync:", Deadline.after(silence_s))) as stream,
        ):
            mtime_s = int(os.fstat(file.fileno()).st_mtime)
            send_file(stream, file, remote, mode=mode, mtime_s=mtime_s, silence_s=silence_s)

    def pull(self, remote: str, local: Path, *, silence_s: float = 60.0) -> None:
        with (
            _replacing(local) as file,
            self._failing_as_device(f"the pull of {remote}", silence_s),
            closing(self._open("sync:", Deadline.after(silence_s))) as stream,
        ):
            for piece in receive_file(stream, remote, silence_s=silence_s):
                file.write(piece)

    def properties(self) -> Mapping[str, str]:
        text = checked(self.run(["getprop"]), "getprop").text
        found, foreign = parse_properties(text)
        note_foreign(self._serial, "`getprop`", foreign)
        return found

    def _start(self, command: Sequence[str], deadline: Deadline) -> Shell:
        line = quoted(command)
        if "shell_v2" in self._features(deadline):
            return Shell(self._open(f"shell,v2,raw:{line}", deadline), SplitOutput())
        mark = f"bench-{secrets.token_hex(8)}:"
        stream = self._open(f"shell:{line}; echo {mark}$?", deadline)
        return Shell(stream, MarkedOutput(mark=mark.encode()))

    @contextmanager
    def _failing_as_device(self, during: str, timeout_s: float) -> Iterator[None]:
        """Say what a link's failure means for the device."""
        try:
            yield
        except TimeoutError as error:
            self._drop()
            raise DeviceTimeout(self._serial, during, timeout_s) from error
        except ConnectionError as error:
            self._drop()
            raise DeviceLost(self._serial, during) from error
        except Exception as error:
            if not _is_librarys(error):
                raise
            self._drop()
            raise DeviceError(
                f"device {self._serial}: {during} failed ({_described(error)})",
                hint="plug it in again, and restart adb: `adb kill-server`",
            ) from error


def _described(error: Exception) -> str:
    return str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"


_LIBRARIES = ("adb_shell", "usb1")


def _is_librarys(error: Exception) -> bool:
    """Tell whether what a device or a library gave made `error`, and no fault of this program."""
    frames = [
        frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    origins = {name.partition(".")[0] for name in (type(error).__module__, *frames[-1:])}
    return isinstance(error, struct.error | ValueError) or bool(origins & {*_LIBRARIES})


def parse_properties(text: str) -> tuple[dict[str, str], list[str]]:
    """Return what `getprop` printed, `[name]: [value]`, and the lines that belong to no property.

    A value may go over several lines.
    """
    found: dict[str, str] = {}
    foreign: list[str] = []
    name, value = "", list[str]()
    for line in text.splitlines():
        if begin := _PROPERTY.match(line):
            foreign += value
            name, value = begin[1], [line[begin.end() :]]
        elif value:
            value.append(line)
        else:
            foreign.append(line)
        if value and value[-1].endswith("]"):
            found[name] = "\n".join(value)[:-1]
            value = []
    return found, [*foreign, *value]


def _name(command: Sequence[str]) -> str:
    return f"`{PurePosixPath(command[0]).name}`"


def _of(channel: int, pieces: Sequence[tuple[int, bytes]]) -> Iterator[bytes]:
    return (data for of, data in pieces if of == channel)


def _text(line: bytearray) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")


@contextmanager
def _readable(local: Path) -> Iterator[BinaryIO]:
    try:
        with local.open("rb") as file:
            yield file
    except OSError as error:
        raise InputError(
            f"{local} can't be read: {error.strerror}", hint="check the path and its permissions"
        ) from error


@contextmanager
def _replacing(local: Path) -> Iterator[BinaryIO]:
    """Give a file beside `local` that takes its name once all is in it, and is gone otherwise."""
    try:
        with temporary_beside(local) as beside:
            with beside.open("wb") as file:
                yield file
            beside.replace(local)
    except OSError as error:
        raise InputError(
            f"{local} can't be written: {error.strerror}",
            hint="choose a folder that can be, or free some space",
        ) from error
