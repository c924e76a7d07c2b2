"""Folders that are needed for a while, removed afterwards or at the next start.

Whoever makes one holds a lock on it, which the kernel takes back however that process ends: what
bears such a name and isn't locked is nobody's any more.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SUFFIX = ".scratch"
_ROOT = Path("/")
OnDead = Callable[[Path], None]


def temporary_root() -> Path:
    """Return where temporary files go, without the file that `tempfile` writes to try a folder."""
    named = [os.environ[name] for name in ("TMPDIR", "TEMP", "TMP") if os.environ.get(name)]
    usual = (str(_ROOT / "tmp"), str(_ROOT / "var" / "tmp"), ".")
    folders = [Path(name).absolute() for name in (*named, *usual)]
    usable = (it for it in folders if it.is_dir() and os.access(it, os.W_OK | os.X_OK))
    return next(usable, folders[0])


@contextmanager
def scratch_folder(
    inside: Path, prefix: str, *, mode: int = 0o700, on_dead: OnDead = lambda _: None
) -> Iterator[Path]:
    """Yield an empty folder in `inside`, for this user alone unless `mode` says else.

    What dead processes left there goes; each such folder is given to `on_dead` first. Raises
    OSError where there can't be one.
    """
    sweep(inside, prefix, on_dead)
    folder, lock = _make(inside, prefix, mode)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(inside: Path, prefix: str, on_dead: OnDead = lambda _: None) -> None:
    """Remove the folders in `inside` whose maker has died; one that can't be locked stays."""
    for folder in inside.glob(f"{prefix}*{_SUFFIX}"):
        with suppress(OSError):
            lock = _open(folder)
            try:
                if os.fstat(lock).st_uid == os.getuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    on_dead(folder)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _make(inside: Path, prefix: str, mode: int) -> tuple[Path, int]:
    while True:
        folder = inside / f"{prefix}{secrets.token_hex(8)}{_SUFFIX}"
        folder.mkdir(mode=mode)
        with suppress(FileNotFoundError):  # swept before it could be locked
            lock = _open(folder)
            with suppress(OSError):  # a file system without such locks, where nothing is swept
                fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
