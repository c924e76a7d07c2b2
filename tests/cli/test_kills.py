"""The short forms of scripts/reliability/kills.py and calls.py."""

from __future__ import annotations

import shutil
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


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing: it compiles faults.c")
def test_a_run_that_ends_at_any_call_on_a_file_loses_nothing_and_is_completed() -> None:
    script = PROJECT / "scripts" / "reliability" / "calls.py"
    done = subprocess.run(
        [sys.executable, str(script), "60"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()[2:]]
    assert {row[0] for row in rows} == {"killed", "disk full", "disk fails"}
    assert {cell for row in rows for cell in row[3:]} == {"0"}
