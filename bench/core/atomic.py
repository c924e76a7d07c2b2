"""Whole files or none: written beside under a name that can't be guessed, then renamed.

Whoever writes one holds a lock on it, which the kernel takes back however that process ends: what
bears such a name and isn't locked is nobody's any more.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

SUFFIX = ".part"


@contextmanager
def temporary_beside(path: Path, *, mode: int = 0o666) -> Iterator[Path]:
    """Give an empty file in the folder of `path`, removed unless it is renamed.

    It is made exclusively: no link is followed and no other writer's file taken. What dead writers
    left in that folder goes. Raises OSError.
    """
    sweep(path.parent)
    beside, lock = _make(path, mode)
    try:
        yield beside
    finally:
        beside.unlink(missing_ok=True)
        os.close(lock)


def _make(path: Path, mode: int) -> tuple[Path, int]:
    while True:
        beside = path.with_name(f".{path.name[:100]}-{secrets.token_hex(8)}{SUFFIX}")
        lock = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, mode)
        with suppress(OSError):  # a file system without such locks, where nothing is swept
            fcntl.flock(lock, fcntl.LOCK_EX)
        if beside.exists():
            return beside, lock
        os.close(lock)  # swept before it could be locked


def write_whole(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Put `data` at `path`, flushed to the disk, whole or not at all; raises OSError.

    Where `path` is a link, the link is replaced and not followed.
    """
    write_all({path: data}, mode=mode)


def write_all(files: Mapping[Path, bytes], *, mode: int = 0o666, keep_modes: bool = False) -> None:
    """Put every file in its place once all are on the disk; raises OSError, mostly before any.

    `keep_modes`: each is there already, and keeps its permissions.
    """
    with ExitStack() as stack:
        written = []
        for path, data in files.items():
            beside = stack.enter_context(temporary_beside(path, mode=mode))
            with beside.open("r+b") as file:
                file.write(data)
                file.flush()
                if keep_modes:
                    os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
                os.fsync(file.fileno())
            written.append((beside, path))
        for beside, path in written:
            take_name(beside, path)


def take_name(beside: Path, path: Path) -> None:
    """Rename `beside` to `path`; raises OSError where that is a device, a pipe or a link to one."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file")
    beside.replace(path)


def mark_used(folder: Path) -> None:
    """Note the time at `folder`, where that is allowed."""
    with suppress(OSError):
        os.utime(folder)


def sweep(folder: Path) -> None:
    """Remove what writers that have died left in `folder`; one that can't be locked stays."""
    for left in folder.glob(f".*{SUFFIX}"):
        with suppress(OSError):
            lock = os.open(left, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
            finally:
                os.close(lock)
