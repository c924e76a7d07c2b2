"""`python -m bench` in a process of its own, with the real tables or with stand-ins.

As a program (`python -m tests.cli.process ARGS`) it is `python -m bench` with the fake tables.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REAL = "bench"
FAKE = "tests.cli.process"

Done = subprocess.CompletedProcess[str]


def call(
    *argv: str | Path,
    module: str = REAL,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    timeout_s: float = 120.0,
) -> Done:
    """Run `python -m module argv` and wait for it; `env` is put over this process's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, argv)],
        env=kept | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | dict(env or {}),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout_s,
        check=False,
    )


def complaint(done: Done) -> str:
    """The one line with which a command refused."""
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("bench: ")
    return line


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything below `folder`: files with their bytes, folders with None."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


if __name__ == "__main__":
    from bench.cli.main import main
    from tests.fakes.tables import tables

    sys.exit(main(sys.argv[1:], tables()))
