"""Programs that aren't the harness's own: what they write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.core.protocol import STDERR, STDOUT
from bench.launcher.guarded import started, wait
from bench.launcher.process import request_folder

_CODE_WITHIN_S = 300.0
_DAY_S = 86_400.0


def output_of(*command: str, timeout_s: float = 5.0) -> str:
    """Return what a program writes, stripped; "" where it is missing or takes too long."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def run_code(code: str, project: Path) -> subprocess.CompletedProcess[str]:
    """Run Python `code` with the packages of this interpreter and the modules of `project`."""
    env = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code]
    return run_program(command, env=env, cwd=project, timeout_s=_CODE_WITHIN_S)


def run_program(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    timeout_s: float = _DAY_S,
    on_start: Callable[[Callable[[], None]], object] = lambda _: None,
) -> subprocess.CompletedProcess[str]:
    """Run a program that may take long: what it started ends with it and with this process.

    `on_start` is given what ends it early. Its status is -SIGKILL where it was ended, also at
    `timeout_s`. Raises Unavailable where it can't be started.
    """
    with request_folder() as folder:
        with started(command, folder.absolute(), env, cwd=cwd) as process:
            on_start(process.terminate)
            status = wait(process, timeout_s)
        out, err = ((folder / name).read_text(errors="replace") for name in (STDOUT, STDERR))
    return subprocess.CompletedProcess(
        command, -signal.SIGKILL if status is None else status, out, err
    )
