"""Children that leave processes behind, and a parent to be killed; as a program, the latter.

`python -m tests.fakes.orphans FOLDER MARK` runs a child that starts two more: one in its own group,
and one that has left it by a double fork with setsid. Each has MARK among its arguments. With the
word `program` for FOLDER it runs a program.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.launcher.process import run_child
from bench.launcher.programs import run_program
from bench.worker.serve import Reply, serve

MODULE = "tests.fakes.orphans"
_SLEEPS = "import time; time.sleep(600)"


def leaves(request: Mapping[str, Any], reply: Reply) -> None:
    """Start both kinds; then reply, or hang."""
    sleeper = [sys.executable, "-c", _SLEEPS, request["mark"]]
    near = subprocess.Popen(sleeper)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sleeper[0], sleeper)  # noqa: S606 - that is the point
        os._exit(0)
    os.wait()
    if request["then"] == "leaves":
        near.kill()
        near.wait()
        reply({})
    else:
        Path(request["tell"]).touch()
        time.sleep(600)


def marked(mark: str) -> list[int]:
    """Return the living processes with `mark` among their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark.encode() in words and state not in "ZX":
            found.append(int(folder.name))
    return found


def guarded_for(harness: int) -> list[int]:
    """Return the living guards that the process `harness` started."""
    return [pid for pid in marked(str(harness)) if b"guard.py" in _words(pid)]


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def eventually(holds: Callable[[], bool], within_s: float = 5.0) -> bool:
    """Tell whether `holds` is true within a while."""
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def program(mark: str) -> None:
    """Run a program as an environment is built."""
    run_program([sys.executable, "-c", _SLEEPS, mark], env=os.environ, cwd=Path.cwd())


def parent(tell: str, mark: str) -> None:
    request = {"mark": mark, "then": "hangs", "tell": tell}
    run_child(request, python=Path(sys.executable), env={}, timeout_s=600.0, module=MODULE)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(leaves, sys.argv[1:])
    else:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # who started the tests may ignore it
        program(sys.argv[2]) if sys.argv[1] == "program" else parent(*sys.argv[1:])
