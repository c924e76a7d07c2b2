"""What this process has said on stderr since a moment, engines' own logs included.

The harness gives a child a file for stderr. It is read back and not redirected, so that the log is
whole even where the engine dies in the middle.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bench.errors import BenchError

_STDERR = 2


def mark(descriptor: int = _STDERR) -> int:
    """Return where stderr stands now; raises BenchError where it is no file."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise BenchError(
            "what the engine says can't be read back: stderr is no file",
            hint="run it through `python -m bench run`, which gives it one",
        )
    return status.st_size


def since(position: int, descriptor: int = _STDERR) -> str:
    """Return what was said since `mark` returned `position`."""
    with Path(f"/proc/self/fd/{descriptor}").open("rb") as file:
        file.seek(position)
        return file.read().decode("utf-8", "replace")
