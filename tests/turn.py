"""Tests side by side, and the marked ones alone: `serial` waits for the others, and they for it.

A worker of pytest-xdist holds the room shared while it runs a test, or alone for a serial one. Who
wants in waits at the door, and holds it meanwhile: so the others can't keep a serial test out.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Run the body once nobody else runs, or, unless `alone`, beside others that don't mind."""
    folder.mkdir(parents=True, exist_ok=True)
    room = os.open(folder / "room.lock", os.O_CREAT | os.O_RDWR)
    try:
        with (folder / "door.lock").open("a") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(room)
