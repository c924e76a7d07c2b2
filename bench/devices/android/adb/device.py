"""What a device can be asked, whichever way leads to it.

A command is a list of words: it is quoted here for the device's shell, so that no word of it is
ever read as anything but itself. Every call has a deadline. What goes wrong is one of
`bench.core.errors.DeviceError`'s kinds.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.core.errors import CommandFailed

LINKERS = b"WARNING: linker: "
"""How a warning of the device's linker begins: it comes on stderr and is no program's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a command on the device ended."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "replace")


class Device(Protocol):
    """An open connection to one device."""

    @property
    def serial(self) -> str:
        """What was asked for: a serial that `adb devices` prints, or host:port."""
        ...

    def run(self, command: Sequence[str], *, timeout_s: float = 30.0) -> Completed:
        """Run `command` to its end; its status and its stderr are its own.

        Raises DeviceTimeout after `timeout_s` seconds in all, DeviceLost when the device goes.
        """
        ...

    def lines(
        self, command: Sequence[str], *, silence_s: float = 60.0
    ) -> AbstractContextManager[Iterator[str]]:
        """Run `command` and yield each line of its stdout as it comes, without its end.

        The iterator raises DeviceTimeout after `silence_s` seconds without a byte, DeviceLost when
        the device goes, and CommandFailed with the status and stderr's tail where the command ends
        with another status than 0, after its last line. Leaving the context closes the command's
        stream; the connection stays usable.
        """
        ...

    def push(self, local: Path, remote: str, *, mode: int = 0o644, silence_s: float = 60.0) -> None:
        """Copy a file onto the device, however long that takes.

        Raises PushFailed with the device's reason, DeviceTimeout once nothing has moved for
        `silence_s` seconds, DeviceLost when the device goes.
        """
        ...

    def pull(self, remote: str, local: Path, *, silence_s: float = 60.0) -> None:
        """Copy a file from the device; raises CommandFailed where there is none, as for `push`."""
        ...

    def properties(self) -> Mapping[str, str]:
        """Return what `getprop` prints."""
        ...

    def close(self) -> None:
        """End the connection; harmless when it is gone already."""
        ...


def quoted(command: Sequence[str]) -> str:
    """Return `command` as one line for a POSIX shell, each word quoted where it has to be."""
    return shlex.join(command)


def checked(completed: Completed, what: str) -> Completed:
    """Return `completed`; raises CommandFailed, naming `what`, where its status isn't 0."""
    if completed.status != 0:
        lines = completed.stderr.splitlines(keepends=True)
        said = b"".join(line for line in lines if not line.startswith(LINKERS)) or completed.stdout
        raise CommandFailed(what, completed.status, said.decode("utf-8", "replace"))
    return completed


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
