"""How an arm of a fake runner starts, and one session of two of them."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

from bench.core.cell import Cell, Sampling
from bench.core.protocol import SessionRequest
from bench.experiments.ab.alternators import Alternator
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.session import SessionRunner
from bench.experiments.session import Start
from bench.storage.schema.ab import AbSession, ArmFailed, ArmName
from bench.storage.schema.common import Failed, Skipped
from bench.storage.schema.latency import Costs
from bench.targets.base import Target
from tests.fakes.arms import as_long_as_claimed
from tests.fakes.values import CELL, SAMPLING

PYTHON = Path(sys.executable)
RULE = Rule(pairs=4, burst_s=0.05)

Measure = Callable[..., AbSession | ArmFailed]


def failed(found: AbSession | ArmFailed) -> tuple[str, Failed]:
    """Return the arm that failed, and how."""
    assert isinstance(found, ArmFailed)
    assert isinstance(found.why, Failed)
    return found.arm, found.why


def skipped(found: AbSession | ArmFailed) -> Skipped:
    """Return why an arm was skipped."""
    assert isinstance(found, ArmFailed)
    assert isinstance(found.why, Skipped)
    return found.why


def arm_start(
    runner: str,
    made: Path,
    *,
    cell: Cell = CELL,
    sampling: Sampling = SAMPLING,
    cores: list[int] | None = None,
    costs: Costs | None = None,
) -> Start:
    """Return how an arm of `runner`, as "arms:Steady", starts on the artifact in `made`."""
    request = SessionRequest(
        runner=f"tests.fakes.{runner}", cell=cell, sampling=sampling, cores=cores, tolerance=1e-4,
        artifact=made / "model.json", reference=made / "reference.npz",
    )  # fmt: skip
    return Start(request=request, python=PYTHON, env={}, costs=costs)


def run_session(
    base: Start,
    head: Start,
    *,
    target: Target,
    alternate: Alternator,
    scrub: Callable[[str], str],
    seed: int,
) -> AbSession | ArmFailed:
    """Run one session of two arms, the third of its comparison's second round."""
    runner = SessionRunner(
        rule=RULE, target=target, alternate=alternate, scrub=scrub, clock=as_long_as_claimed
    )
    starts: dict[ArmName, Start] = {"base": base, "head": head}
    chance = random.Random(seed)  # noqa: S311 - an order, not a secret
    return runner(starts, order=3, round_=1, chance=chance)
