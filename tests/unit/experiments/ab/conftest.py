"""What the tests of live comparisons share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from bench.experiments.ab.alternators import TwoProcesses
from bench.launcher.client import Worker, open_worker
from bench.storage.schema.ab import AbSession, ArmFailed
from bench.storage.schema.latency import Costs
from bench.targets.base import Target
from tests.fakes import converter
from tests.fakes.ab_sessions import Measure, arm_start, run_session
from tests.fakes.targets import FakeTarget
from tests.fakes.values import SAMPLING

WARMED = replace(SAMPLING, warmup_calls=5, warmup_s=0.02, warmup_cap_s=5.0)


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Run one session of two fake runners, each in a process of its own."""
    converter.export({"input": [3, 8, 8]}, {"batches": [1], "input_seed": 0}, tmp_path)

    def call(
        base: str = "Steady",
        head: str = "Steady",
        *,
        cores: list[int] | None = None,
        timeout_s: float = 60.0,
        seed: int = 0,
        opening: Callable[..., AbstractContextManager[Worker]] = open_worker,
        target: Target | None = None,
        net: Costs | None = None,
    ) -> AbSession | ArmFailed:
        made = tmp_path / "b1"
        starts = [
            arm_start(f"arms:{runner}", made, sampling=WARMED, cores=cores, costs=net)
            for runner in (base, head)
        ]
        return run_session(
            *starts,
            target=target or FakeTarget(lambda: {"load_1m": 0.5}),
            alternate=TwoProcesses(open_worker=opening, timeout_s=timeout_s),
            scrub=lambda text: text.replace("engine", "ENGINE"),
            seed=seed,
        )

    return call
