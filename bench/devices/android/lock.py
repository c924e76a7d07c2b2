"""One run a phone: two at a time would share its cores and its heat."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bench.core.errors import DeviceError, Unavailable

_UNTOLD = "not told yet"


@contextmanager
def locked(serial_digest: str, folder: Path) -> Iterator[None]:
    """Hold the phone for this process until the context ends, or the process does.

    `folder`, made where it isn't there, has to be the same for every run of this computer. Raises
    DeviceError where another run holds the phone, Unavailable where `folder` can't be written.
    """
    with _opened(folder / f"phone-{serial_digest}.lock", serial_digest) as file:
        _take(file, serial_digest)
        # The file stays: were it removed, two runs could each lock one of that name.
        yield


def _opened(path: Path, serial_digest: str) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise Unavailable(
            f"the lock of phone {serial_digest} can't be opened ({error.strerror})",
            hint=f"make {path} writable for you",
        ) from error


def _take(file: TextIO, serial_digest: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or _UNTOLD
        raise DeviceError(
            f"device {serial_digest} is in use by another run (pid {holder})",
            hint="wait until that run is over, or end it",
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
