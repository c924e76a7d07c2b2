"""Locks that name their holder and end with its process. Standard library only."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

from bench.core.errors import Busy, Unavailable
from bench.core.program import program
from bench.core.threads import check_interrupted

_LONGEST = 300
_LOOKS_EVERY_S = 0.1


def runtime_folder() -> Path:
    """Return this user's folder for locks, mode 0700; raises Unavailable where there is none.

    It is in XDG_RUNTIME_DIR, else in the user's cache: nobody else can put a file there.
    """
    base = os.environ.get("XDG_RUNTIME_DIR") or os.environ.get("XDG_CACHE_HOME")
    folder = Path(base or Path.home() / ".cache") / "shufflenet-bench" / "locks"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISLNK(found.st_mode) or found.st_uid != os.getuid():
            raise Unavailable(
                f"{folder} isn't this user's own folder", hint="remove it, or set XDG_RUNTIME_DIR"
            )
        folder.chmod(0o700)
    except OSError as error:
        raise Unavailable(
            f"the folder of locks {folder} can't be used ({error.strerror})",
            hint="make it writable for you, or set XDG_RUNTIME_DIR",
        ) from error
    return folder


@contextmanager
def held(path: Path, what: str) -> Iterator[None]:
    """Hold the lock at `path` for this process until the context ends, or the process does.

    `what` names the thing that is locked. A link at `path` is refused. Raises Busy, naming the
    holder, where another process holds it, and Unavailable where it can't be opened.
    """
    with _opened(path, what) as file:
        if not _locks(file):
            raise Busy(what, _holder(file))
        _name_holder(file)
        yield


@contextmanager
def waited_for(path: Path, what: str) -> Iterator[None]:
    """As `held`, but wait for the process that holds it. Not to be nested in itself.

    A thread whose pool is to end waits no longer: it raises KeyboardInterrupt.
    """
    with _opened(path, what) as file:
        while not _locks(file):
            check_interrupted()
            time.sleep(_LOOKS_EVERY_S)
        _name_holder(file)
        yield


@contextmanager
def cache_in_use(cache: Path) -> Iterator[None]:
    """Keep whoever removes something from `cache` from it, along with other runs.

    A cache that can't be written isn't locked: nothing can be removed from it either.
    """
    with ExitStack() as stack:
        with suppress(OSError, Unavailable):
            file = stack.enter_context(_opened(_cache_lock(cache), "the cache"))
            while not _locks(file, fcntl.LOCK_SH):
                check_interrupted()
                time.sleep(_LOOKS_EVERY_S)
            _name_holder(file)
        yield


@contextmanager
def cache_alone(cache: Path) -> Iterator[None]:
    """Keep runs from starting on `cache`; raises Busy while one goes on, and OSError."""
    with held(_cache_lock(cache), "the cache"):
        yield


def _cache_lock(cache: Path) -> Path:
    lock = cache / "locks" / "cache.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    return lock


def _locks(file: TextIO, how: int = fcntl.LOCK_EX) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, how | fcntl.LOCK_NB)
        return True
    return False


def _name_holder(file: TextIO) -> None:
    # The file stays: were it removed, two processes could each lock one of that name.
    with suppress(OSError):  # a full disk: the lock is held all the same
        file.truncate(0)
        file.write(f"pid {os.getpid()}, since {time.strftime('%H:%M')}: {_own_command()}")
        file.flush()


def _own_command() -> str:
    """Return what a person typed to start this process, and where, as far as Python tells."""
    script, *words = sys.argv or [""]
    if Path(script).name == "__main__.py" or Path(script).name == "bench":
        typed = [program()]
    else:
        typed = ["python -c ..." if script == "-c" else Path(script).name or "python"]
    text = " ".join([*typed, *words])[: _LONGEST // 2]
    with suppress(OSError):  # its folder may have gone
        text += f" in {Path.cwd()}"
    return text[:_LONGEST]


def _opened(path: Path, what: str) -> TextIO:
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_APPEND
        return os.fdopen(os.open(path, flags, 0o600), "a+", encoding="utf-8", errors="replace")
    except OSError as error:
        raise Unavailable(
            f"the lock of {what} can't be opened ({path}: {error.strerror})",
            hint="remove what lies there, or make it writable for you",
        ) from error


def _holder(file: TextIO) -> str:
    file.seek(0)
    words = file.read(_LONGEST + 50).strip()
    return "".join(letter for letter in words if letter.isprintable()) or "not known yet"
