"""The parity script with the real tools: both answer, and what they say adds up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.core.errors import Unavailable
from bench.environments.interpreters import Environments

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "benchmark_app_parity.py"

pytestmark = pytest.mark.engine


def parity(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *flags],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def test_both_tools_measure_the_same_net_and_the_table_has_their_medians(
    environments: Environments,
) -> None:
    for name in ("paddle", "onnx", "engines"):
        try:
            environments.get(name)
        except Unavailable as error:
            pytest.skip(f"environment {name}: {error}")
    done = parity("--variants", "x0_25", "--rounds", "1", "--seconds", "1")
    assert done.returncode in (0, 1), done.stderr
    (row,) = (line.split() for line in done.stdout.splitlines() if line.startswith("x0_25"))
    theirs, request, whole = map(float, row[1:4])
    assert min(theirs, request, whole) > 0
    assert float(row[4]) == pytest.approx(request / theirs, abs=2e-3)


def test_an_unknown_net_is_one_sentence_with_status_2() -> None:
    done = parity("--variants", "x9")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("benchmark_app_parity: there is no variant 'x9'")
