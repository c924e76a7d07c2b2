"""AArch64 programs on a machine of another kind: qemu-user runs them.

The kernel's binfmt_misc would do so by itself, but takes privileges that a container lacks. So a
pushed program is kept elsewhere, by its hash, and its place is taken by a script that runs it. The
script may be moved and copied like the program. `real` leads from one to the other, for whoever
asks after size, bytes or hash.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
from pathlib import Path

QEMU = "qemu-aarch64-static"
LIBRARIES = "/usr/aarch64-linux-gnu"
MARK = b"# stand-in runs "
_AARCH64, _FIXED, _INTERPRETER = 183, 2, 3


def is_program(path: Path) -> bool:
    """Return whether `path` is an AArch64 ELF that is run, not a shared library."""
    with path.open("rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return False
        kind, machine = struct.unpack_from("<HH", head, 16)
        (offset,) = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        file.seek(offset)
        table = file.read(size * count)
    starts = range(0, len(table) - 3, size) if size else ()
    interpreted = any(struct.unpack_from("<I", table, at)[0] == _INTERPRETER for at in starts)
    return machine == _AARCH64 and (kind == _FIXED or interpreted)


def wrap(path: Path, kept: Path) -> None:
    """Move the program at `path` into the folder `kept`, and put a script that runs it there."""
    name = hashlib.sha256(path.read_bytes()).hexdigest()
    program = kept / name
    kept.mkdir(parents=True, exist_ok=True)
    shutil.move(path, program)
    program.chmod(0o755)
    qemu = shutil.which(QEMU) or QEMU
    # -0 hands the program the name that it was called by; readlink in tools.py reads it, too.
    run = f'exec {qemu} -0 "$0" -L {LIBRARIES} {program} "$@"'
    path.write_bytes(b"#!/bin/sh\n" + MARK + f"{program}\n{run}\n".encode())


def real(path: Path) -> Path:
    """Return the file that holds the bytes that were pushed as `path`."""
    if not path.is_file():
        return path
    with path.open("rb") as file:
        file.readline(80)
        line = file.readline(4096)
    return Path(line[len(MARK) :].decode().rstrip("\n")) if line.startswith(MARK) else path
