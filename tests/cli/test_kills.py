"""The short form of scripts/reliability/kills.py."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.core.paths import PROJECT


@pytest.mark.slow
def test_kills_lose_no_session_measure_none_twice_and_leave_nothing() -> None:
    script = PROJECT / "scripts" / "reliability" / "kills.py"
    done = subprocess.run(
        [sys.executable, str(script), "2"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert rows == [[kind, "2", *"000000"] for kind in ("parent", "child", "both")]
