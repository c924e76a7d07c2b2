"""What a guard that was killed left running: found by where it was to put its temporary files.

A child's TMPDIR is a folder of its own (`bench.launcher.guarded`), whose name no other has, and
what it starts inherits that. Linux tells it of each process; elsewhere nothing is found.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bench.core.output import say


def end_orphans(folder: Path) -> None:
    """End this user's processes whose TMPDIR is `folder` or lies in it, and say which they were."""
    names = [name for pid, name in _processes_of(folder) if _killed(pid)]
    if names:
        say(f"bench: ended what a killed process had left running: {', '.join(names)}")


def _killed(pid: int) -> bool:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def _processes_of(folder: Path) -> Iterator[tuple[int, str]]:
    whole, inside = (f"\0TMPDIR={folder}{end}".encode() for end in ("\0", "/"))
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if path.stat().st_uid != os.getuid() or path.name == str(os.getpid()):
                continue
            environment = b"\0" + (path / "environ").read_bytes() + b"\0"
            if whole in environment or inside in environment:
                name = (path / "comm").read_text(errors="replace").strip()
                yield int(path.name), f"{name!r} (pid {path.name})"
