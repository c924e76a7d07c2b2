"""What `make` refuses before it sets anything up."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from bench.core.paths import PROJECT


@pytest.mark.skipif(shutil.which("make") is None, reason="make isn't installed")
def test_a_regression_is_against_a_revision_that_is_named() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "regression", "BASE="],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    line, *_ = done.stderr.splitlines()
    assert "name it, as in make regression BASE=main" in line


@pytest.mark.skipif(shutil.which("make") is None, reason="make isn't installed")
def test_a_named_one_is_compared() -> None:
    argv = ["make", "--dry-run", "regression", "BASE=v1"]
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert 'ab --base "rev:v1"' in done.stdout
