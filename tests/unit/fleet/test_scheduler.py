"""The scheduler as a process: what it makes of the limits that it is started with."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

_SERVE = """
import resource
from bench.fleet.scheduler import serve
resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
serve("127.0.0.1", 0, lambda address: print(address))
"""


def test_the_scheduler_may_open_as_many_files_as_the_system_lets() -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    command = [sys.executable, "-u", "-c", _SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as scheduler:
        try:
            assert scheduler.stdout is not None
            assert scheduler.stdout.readline().startswith("tcp://127.0.0.1:")
            limits = Path(f"/proc/{scheduler.pid}/limits").read_text()
        finally:
            scheduler.terminate()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max open files"))
    assert line.split()[3] == line.split()[4] == str(most)
