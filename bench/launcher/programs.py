"""Programs that answer at once: what they write, and nothing where they can't be started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_CODE_WITHIN_S = 300.0


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
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=project,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_CODE_WITHIN_S,
        check=False,
    )
