"""A step of the plan with its runner and artifact, and launches whose answers are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.artifacts.builder import Artifact
from bench.environments.interpreters import Environments
from bench.experiments.latency.schedule import Step
from bench.experiments.latency.session import SessionLauncher
from bench.launcher.process import ChildResult, Replied
from bench.runners import RunnerEntry
from bench.storage.schema.latency import JournalEntry
from tests.fakes.targets import FakeTarget
from tests.fakes.values import SAMPLING, SESSION, cell

ASKED = cell(threads=3)
STEP = Step(order=5, round=2, cell=ASKED)
ENTRY = RunnerEntry(
    path="some.module:Runner",
    title="Some",
    env="harness",
    artifact="kind",
    tolerance=0.25,
    child_env={"ENGINE_FLAG": "1"},
    settings={},
)
ARTIFACT = Artifact(
    folder=Path("/cache/a"), main=Path("/cache/a/model"), reference=Path("/cache/a/ref.npz"),
    files={}, facts={},
)  # fmt: skip
FIGURES: dict[str, Any] = {
    name: getattr(SESSION, name)
    for name in (
        "load_ns", "first_inference_ns", "relative_l2", "facts", "warmup_ns", "steady",
        "samples_ns", "covariates",
    )
}  # fmt: skip


class Launch:
    """Answers with `result` and keeps what it was asked."""

    def __init__(self, result: ChildResult, log: list[str] | None = None) -> None:
        self.result = result
        self.request: Mapping[str, Any] = {}
        self.options: Mapping[str, Any] = {}
        self.log = [] if log is None else log

    def __call__(self, request: Mapping[str, Any], **options: Any) -> ChildResult:
        self.request, self.options = request, options
        self.log.append("launch")
        return self.result


def replied(**changes: Any) -> Replied:
    return Replied(value={**FIGURES, **changes}, pid=42, wall_ns=1234, teardown=None)


def launcher(
    launch: Callable[..., ChildResult], environments: Environments, **changes: Any
) -> SessionLauncher:
    """Return a launcher of STEP's sessions, changed by what is given."""
    whole: dict[str, Any] = {
        "runners": {"fake": ENTRY}, "artifacts": {ASKED: ARTIFACT}, "sampling": SAMPLING,
        "target": FakeTarget(), "scrub": str,
    }  # fmt: skip
    return SessionLauncher(launch=launch, environments=environments, **whole | changes)


def answered(result: ChildResult, environments: Environments, **changes: Any) -> JournalEntry:
    """Return what becomes of STEP where its child's result is given."""
    return launcher(Launch(result), environments, **changes)(STEP)
