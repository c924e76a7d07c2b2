"""One session of any experiment: how its child starts, when it is retried, what a failure is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from bench.analysis.roofline import bound, contradiction
from bench.artifacts.cached import Artifact, never
from bench.core.cell import Cell
from bench.core.protocol import SessionRequest
from bench.core.units import NS_PER_S
from bench.environments.interpreters import Environments, worker_of
from bench.launcher.process import ChildFailed
from bench.runners import RunnerEntry
from bench.storage.schema.common import Failed, Skipped, System
from bench.storage.schema.latency import Costs
from bench.targets.base import Readings, Target

TRIES = 3
_MAY_BE_THE_ARTIFACT = ("conversion", "error", "crash", "abort")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What it takes to start the child of one session.

    `remake` is its artifact's; `costs` are those of its net, if known.
    """

    request: SessionRequest
    python: Path
    env: Mapping[str, str]
    remake: Callable[[], bool] = never
    costs: Costs | None = None

    def at(self, target: Target) -> Start:
        """Return how it starts at `target`."""
        env = {**self.env, **target.child_env(self.python)}
        return replace(self, request=replace(self.request, target=target.spec), env=env)


def start_of(
    cell: Cell, artifact: Artifact, entry: RunnerEntry, environments: Environments, **request: Any
) -> Start:
    """Return how a session of `cell` starts; `request` is what else its request says.

    Raises Unavailable where the engine's interpreter can't be had.
    """
    python, variables = worker_of(entry, environments, threads=cell.threads)
    return Start(
        request=SessionRequest(
            runner=entry.path,
            cell=cell,
            artifact=artifact.main,
            reference=artifact.reference,
            tolerance=_tolerance(cell, artifact, entry),
            **request,
        ),
        python=python,
        env=variables,
        remake=artifact.remake,
    )


def _tolerance(cell: Cell, artifact: Artifact, entry: RunnerEntry) -> float:
    """Return the model's own tolerance for FP32, else the runner's."""
    if artifact.tolerance is not None and cell.precision == "fp32":
        return artifact.tolerance
    return entry.tolerance_of(cell.precision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Generic[Result]):
    """One try of a session: how its child failed, or what was read around its samples.

    `remake` makes anew what a child that failed has loaded, and tells whether it did.
    """

    result: Result
    failure: ChildFailed | None = None
    readings: Sequence[Readings] = ()
    remake: Callable[[], bool] = never


def attempt(target: Target, run: Callable[[], Attempt[Result]], *, tries: int = TRIES) -> Result:
    """Return the result of `run`; retry where the target reconnected after a failure, or throttled.

    The last of `tries` stands, whatever held it back. Where a failure may be that of an artifact
    that can't be loaded, it is made anew, and the try repeated.
    """
    for left in reversed(range(tries)):
        tried = run()
        if _may_be_the_artifact(tried.failure) and tried.remake():
            tried = run()
        if not (_needs_retry(target, tried) and left):
            break
    return tried.result


def _may_be_the_artifact(failure: ChildFailed | None) -> bool:
    return failure is not None and failure.kind in _MAY_BE_THE_ARTIFACT


def _needs_retry(target: Target, tried: Attempt[Result]) -> bool:
    if tried.failure is not None:
        return target.reconnected(tried.failure)
    return any(map(target.needs_retry, tried.readings))


_CLOCKS_APART = 1.05  # a device has a clock of its own


def check_claims(wall_ns: int, **claims: int) -> None:
    """Raise ValueError where one of the `claims`, in ns, says more than passed meanwhile."""
    for name, claimed_ns in claims.items():
        if claimed_ns > wall_ns * _CLOCKS_APART:
            claimed, passed = claimed_ns / NS_PER_S, wall_ns / NS_PER_S
            raise ValueError(f"{name} took {claimed:,.3f} s of {passed:,.3f} s that passed")


def impossible(
    cell: Cell,
    samples_ns: Sequence[int],
    costs: Costs | None,
    system: System,
    facts: Mapping[str, str],
) -> ChildFailed | None:
    """Return the failure of a session of `cell` whose samples are faster than any core can be.

    `costs` are of the cell's net, `facts` of the session. None where the samples can be, or where
    nothing tells what can't.
    """
    least = bound(cell, costs, system.facts, facts)
    why = None if least is None else contradiction(least, samples_ns, cell.variant)
    if why is None:
        return None
    hint = "its runner times something else than the inference, or its clock is wrong"
    return ChildFailed(kind="impossible", message=why, hint=hint)


def outcome_of(failure: ChildFailed, scrub: Callable[[str], str]) -> Failed | Skipped:
    """Return what a child's failure comes to in a record, its texts through `scrub`."""
    if failure.kind == "unavailable":
        return Skipped(reason=scrub(failure.message), hint=scrub(failure.hint))
    return Failed(
        failure=failure.kind,
        message=scrub(failure.message),
        hint=scrub(failure.hint),
        log_tail=scrub(failure.log_tail),
    )
