"""Whole files or none: written beside under a name that can't be guessed, then renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

SUFFIX = ".part"


@contextmanager
def temporary_beside(path: Path, *, mode: int = 0o666) -> Iterator[Path]:
    """Give an empty file in the folder of `path`, removed unless it is renamed.

    It is made exclusively: no link is followed and no other writer's file taken. Raises OSError.
    """
    beside = path.with_name(f".{path.name[:100]}-{secrets.token_hex(8)}{SUFFIX}")
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, mode))
    try:
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Put `data` at `path`, flushed to the disk, whole or not at all; raises OSError.

    Where `path` is a link, the link is replaced and not followed.
    """
    write_all({path: data}, mode=mode)


def write_all(files: Mapping[Path, bytes], *, mode: int = 0o666) -> None:
    """Put every file in its place once all are on the disk; raises OSError, mostly before any."""
    with ExitStack() as stack:
        written = []
        for path, data in files.items():
            beside = stack.enter_context(temporary_beside(path, mode=mode))
            with beside.open("r+b") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            written.append((beside, path))
        for beside, path in written:
            beside.replace(path)


def sweep(folder: Path) -> None:
    """Remove what writers that were killed left in `folder`; nobody else may be writing there."""
    for left in folder.glob(f".*{SUFFIX}"):
        with suppress(OSError):
            left.unlink()
