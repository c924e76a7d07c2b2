"""A program on a terminal of so many columns, as a person has it before them.

As a program (`python -m tests.cli.terminal`) it shows how three sessions go by.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.cli.process import ROOT

_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_OWN = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM")


def on_terminal(
    *argv: str | Path, columns: int, env: Mapping[str, str] | None = None, stdout: int | None = None
) -> str:
    """Run `python -m argv` on a terminal and return all that it wrote there.

    `stdout` is where its standard output goes instead, if anywhere.
    """
    screen, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: it for name, it in os.environ.items() if name not in _OWN}
    kept = {name: it for name, it in kept.items() if not name.startswith("PYTHON")}
    given = {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", *map(str, argv)],
        cwd=ROOT,
        env=kept | given | dict(env or {}),
        stdin=side,
        stdout=side if stdout is None else stdout,
        stderr=side,
    ):
        os.close(side)
        written = _all_of(screen)
    os.close(screen)
    return written.decode()


def _all_of(screen: int) -> bytes:
    written = b""
    while True:
        try:
            more = os.read(screen, 1 << 16)
        except OSError:  # the last program on it has gone
            return written
        if not more:
            return written
        written += more


def shown_lines(written: str) -> list[str]:
    """Return every line that was ever drawn, without the sequences that moved the cursor."""
    return [
        line.rstrip() for line in re.split(r"[\r\n]+", _SEQUENCE.sub("", written)) if line.strip()
    ]


LABEL = "x1_0 paddle batch 16, 2 threads onednn=on tensor_gc=off"
COMMAND = "python -m bench run --resume 20261129T152735Z-ef421756-9dd6b019 --results a/folder/of/x"


def _three_sessions() -> None:
    from bench.core.output import say_command
    from bench.experiments.progress import Unit, display

    with display() as shown:
        shown.prepares("x1_0 as paddle-pir")
        for left in (280, 279, 278):
            unit = Unit(label=LABEL, left=left, execute=str)
            shown.starts(unit)
            shown.ended(unit, "12345 ms")
        say_command("bench: what was measured is kept: resume with", COMMAND)


if __name__ == "__main__":
    _three_sessions()
