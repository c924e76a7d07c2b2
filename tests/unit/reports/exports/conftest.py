"""A results folder with every kind of cell, and the verb that exports it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.storage.schema.latency import Bursts
from tests.fakes.records import (
    failed,
    of_sessions,
    put,
    record,
    session,
    skipped,
    stored,
    system,
    waited,
)

BASE, HEAD = "20240501T120000Z-0badc0de-00000001", "20240502T120000Z-0badc0de-00000002"
HOSTILE = "=cmd|'/C calc'!A0\n'); DROP TABLE runs; --"
LONG = {
    "preset": "sustained", "sessions": 1, "samples": 3000, "min_samples": 1, "budget_s": 6.0,
    "warmup_s": 0.0, "steady_tolerance": None, "timeout_s": 126.0,
}  # fmt: skip

Export = Callable[..., int]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two runs: figures, bursts that don't count, a failure, a skip, a long session."""
    bursts = Bursts.model_validate(waited(0.0, 0.5, 0.0))
    disturbed = [session((2.0, 2.0, 9.0, 9.0, 2.2, 2.2), bursts=bursts, order=it) for it in (0, 1)]
    cells = [
        of_sessions(*disturbed, variant="x0_25"),
        record("x0_5", samples_ms=[[3.0, 3.1, 3.2], [3.3, 3.2, 3.1], [3.0, 3.2, 3.1]]),
        record("x1_0", outcome=failed(HOSTILE)),
        record("swish", outcome=skipped()),
        record("x0_5", samples_ms=[[3.0] * 40], sampling=LONG, threads=2),
    ]
    on = system(HOSTILE, emulated=True)
    put(stored(*cells, on=on, run_id=BASE), tmp_path / "results")
    slower = record("x0_5", samples_ms=[[6.0, 6.1, 6.2], [6.3, 6.2, 6.1], [6.0, 6.2, 6.1]])
    put(stored(slower, on=on, run_id=HEAD), tmp_path / "results")
    return tmp_path / "results"


@pytest.fixture
def export(results: Path) -> Export:
    """`bench export` on that folder; returns its status."""

    def call(*argv: str | Path) -> int:
        return main(["export", *map(str, argv), "--results", str(results)])

    return call
