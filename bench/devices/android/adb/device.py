"""What a device can do, whichever way leads to it: each call is a stream to a service.

A command is a list of words: it is quoted here for the device's shell, so that no word of it is
ever read as anything but itself. Every call has a deadline. What goes wrong is one of
`bench.core.errors.DeviceError`'s kinds.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shlex
import struct
import traceback
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from bench.core.atomic import temporary_beside
from bench.core.errors import CommandFailed, DeviceError, DeviceLost, DeviceTimeout, InputError
from bench.devices.android.adb.services import (
    EXIT,
    LINKERS,
    MOST_BYTES,
    STDERR,
    STDOUT,
    Output,
    marked_output,
    receive_file,
    send_file,
    split_output,
    whole_lines,
)
from bench.devices.android.adb.streams import (
    Deadline,
    Deadlines,
    Reader,
    Stream,
)

TAIL_BYTES = 4096
_PROPERTY = re.compile(r"\[([^\]]*)\]: \[")
_LIBRARIES = {"adb_shell", "usb1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a command on the device ended."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "replace")


class Device(ABC):
    """An open connection to one device.

    On a device that lacks the shell protocol 2 (before Android 7) a command's stderr comes mixed
    into its stdout. `serial` is its name as requested: a serial, a USB path or host:port.
    """

    def __init__(self, serial: str) -> None:
        self.serial = serial

    @abstractmethod
    def _open(self, service: str, deadline: Deadline) -> Stream:
        """Open a stream; raises a DeviceError, TimeoutError or ConnectionError."""

    @abstractmethod
    def _features(self, deadline: Deadline) -> frozenset[str]:
        """Return what the device says that it can do; raises as `_open` does."""

    @abstractmethod
    def close(self) -> None:
        """End the connection, so that the next call opens another; harmless when it has ended."""

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        """Run `command` to its end; its status and its stderr are its own.

        Raises DeviceTimeout after `timeout_s` seconds in all, DeviceLost when the device goes,
        DeviceError where it prints more than 16 MiB.
        """
        deadline = Deadline.after(timeout_s)
        printed = {STDOUT: bytearray(), STDERR: bytearray(), EXIT: bytearray()}
        with self._failing_as_device(_name(command), timeout_s):
            stream, output = self._start(command, lambda: deadline)
            with closing(stream):
                for channel, data in output:
                    printed[channel] += data
                    if sum(map(len, printed.values())) > MOST_BYTES:
                        raise ValueError(f"it printed more than {MOST_BYTES >> 20} MiB")
        stdout, stderr, status = (bytes(printed[channel]) for channel in (STDOUT, STDERR, EXIT))
        return Completed(status=status[0], stdout=stdout, stderr=stderr)

    @contextmanager
    def lines(self, command: Sequence[str], *, silence_s: float = 60.0) -> Iterator[Iterator[str]]:
        """Run `command` and yield each line of its stdout as it comes, without its end.

        The iterator raises DeviceTimeout after `silence_s` seconds without a byte, DeviceLost when
        the device goes, and CommandFailed with the status and stderr's tail where the command ends
        with another status than 0, after its last line. Leaving the context closes the command's
        stream; the connection stays usable.
        """
        name = _name(command)
        with self._failing_as_device(name, silence_s):
            stream, output = self._start(command, lambda: Deadline.after(silence_s))
        with closing(stream), closing(self._lines(output, name, silence_s)) as lines:
            yield lines

    def _lines(self, output: Output, name: str, silence_s: float) -> Generator[str, None, None]:
        printed = {STDERR: b"", EXIT: b""}
        last = ""
        with self._failing_as_device(name, silence_s):
            for line in whole_lines(_stdout(output, printed)):
                if line or not printed[EXIT]:
                    last = line.removesuffix(b"\r").decode("utf-8", "replace")
                    yield last
            if (status := printed[EXIT][0]) != 0:
                raise CommandFailed(name, status, _reason(printed[STDERR], last.encode()))

    def push(self, local: Path, remote: str, *, mode: int = 0o644, silence_s: float = 60.0) -> None:
        """Copy a file onto the device, however long that takes.

        Raises PushFailed with the device's reason, DeviceTimeout once nothing has moved for
        `silence_s` seconds, DeviceLost when the device goes.
        """
        with (
            _readable(local) as file,
            self._failing_as_device(f"the push of {local.name}", silence_s),
            closing(self._open("sync:", Deadline.after(silence_s))) as stream,
        ):
            send_file(
                stream, file, remote, mode=mode, mtime_s=int(os.fstat(file.fileno()).st_mtime),
                deadline=lambda: Deadline.after(silence_s),
            )  # fmt: skip

    def pull(self, remote: str, local: Path, *, silence_s: float = 60.0) -> None:
        """Copy a file from the device; raises CommandFailed where there is none, as for `push`."""
        with (
            _replacing(local) as file,
            self._failing_as_device(f"the pull of {remote}", silence_s),
            closing(self._open("sync:", Deadline.after(silence_s))) as stream,
        ):
            for piece in receive_file(stream, remote, lambda: Deadline.after(silence_s)):
                file.write(piece)

    def properties(self) -> Mapping[str, str]:
        """Return what `getprop` prints."""
        values, foreign = parse_properties(checked(self.run(["getprop"]), "getprop").text)
        note_foreign(self.serial, "`getprop`", foreign)
        return values

    def _start(self, command: Sequence[str], deadline: Deadlines) -> tuple[Stream, Output]:
        """Return a command's stream, and its output as it comes with its status at the end."""
        line = shlex.join(command)
        if "shell_v2" in self._features(deadline()):
            stream = self._open(f"shell,v2,raw:{line}", deadline())
            return stream, split_output(Reader(stream, deadline))
        mark = f"bench-{secrets.token_hex(8)}:"
        stream = self._open(f"shell:{line}; echo {mark}$?", deadline())
        return stream, marked_output(Reader(stream, deadline), mark.encode())

    @contextmanager
    def _failing_as_device(self, during: str, timeout_s: float) -> Iterator[None]:
        """Say what a link's failure means for the device."""
        try:
            yield
        except TimeoutError as error:
            self.close()
            raise DeviceTimeout(self.serial, during, timeout_s) from error
        except ConnectionError as error:
            self.close()
            raise DeviceLost(self.serial, during) from error
        except Exception as error:
            if not _is_librarys(error):
                raise
            self.close()
            what = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
            raise DeviceError(
                f"device {self.serial}: {during} failed ({what})",
                hint="plug it in again, and restart adb: `adb kill-server`",
            ) from error


def _is_librarys(error: Exception) -> bool:
    """Tell whether what a device or a library gave made `error`, and no fault of this program."""
    frames = [
        frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    origins = {name.partition(".")[0] for name in (type(error).__module__, *frames[-1:])}
    return isinstance(error, struct.error | ValueError) or bool(origins & _LIBRARIES)


def parse_properties(text: str) -> tuple[dict[str, str], list[str]]:
    """Return what `getprop` printed, `[name]: [value]`, and the lines that belong to no property.

    A value may go over several lines.
    """
    properties: dict[str, str] = {}
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
            properties[name] = "\n".join(value)[:-1]
            value = []
    return properties, [*foreign, *value]


def checked(completed: Completed, what: str) -> Completed:
    """Return `completed`; raises CommandFailed, naming `what`, where its status isn't 0."""
    if completed.status != 0:
        raise CommandFailed(what, completed.status, _reason(completed.stderr, completed.stdout))
    return completed


def _reason(stderr: bytes, stdout: bytes) -> str:
    lines = stderr.splitlines(keepends=True)
    own = b"".join(line for line in lines if not line.startswith(LINKERS))
    return (own or stdout).decode("utf-8", "replace")


_noted: set[tuple[str, str]] = set()


def note_foreign(serial: str, what: str, lines: Iterable[str]) -> None:
    """Log, once a device and a `what`, that its output had `lines` that belong to nothing."""
    foreign = [line.strip() for line in lines if line.strip()]
    if foreign and (serial, what) not in _noted:
        _noted.add((serial, what))
        logging.getLogger(__name__).warning(
            "device %s: %s has %d foreign line(s), which are ignored, such as %r",
            serial, what, len(foreign), foreign[0][:100],
        )  # fmt: skip


def _name(command: Sequence[str]) -> str:
    return f"`{PurePosixPath(command[0]).name}`"


def _stdout(output: Output, printed: dict[int, bytes]) -> Iterator[bytes]:
    """Yield what comes on STDOUT; `printed` keeps the tail of the rest."""
    for channel, data in output:
        if channel == STDOUT:
            yield data
        else:
            printed[channel] = (printed[channel] + data)[-TAIL_BYTES:]


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
        with temporary_beside(local, mode=0o600) as beside:
            with beside.open("wb") as file:
                yield file
            beside.replace(local)
    except OSError as error:
        raise InputError(
            f"{local} can't be written: {error.strerror}",
            hint="choose a folder that can be, or free some space",
        ) from error
