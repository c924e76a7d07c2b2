"""One session of a live comparison: two fresh processes, their bursts by turns, one record.

Both arms open their engines at once, since nothing is measured then. From there on only one of them
ever works: they warm up one after the other and alternate as `bench.experiments.ab.interleave`
says.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.analysis.interleaved import ARMS, Burst
from bench.core.protocol import SessionRequest, request_for
from bench.experiments.ab.interleave import Rule, alternate
from bench.experiments.session import Attempt, attempt
from bench.launcher.client import OpenWorker, Worker, WorkerFailed
from bench.launcher.process import ChildFailed
from bench.storage.files import utc_now
from bench.storage.schema.ab import AbSession, ArmFailed, ArmName, Cause
from bench.storage.schema.common import Failed, Scalar, Skipped
from bench.storage.validation import explain
from bench.targets.base import Target

# A burst lasts some 50 ms, or four inferences of a slow net: more than this, and the arm hangs.
_BURST_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmStart:
    """What it takes to start one arm of one cell."""

    request: SessionRequest
    python: Path
    env: Mapping[str, str]


class _Lost(Exception):
    """`arm` gave no answer."""

    def __init__(self, arm: ArmName, failure: ChildFailed) -> None:
        super().__init__(arm)
        self.arm = arm
        self.failure = failure


@dataclass(slots=True, kw_only=True)
class _Arm:
    """An open arm and what it has answered so far."""

    name: ArmName
    worker: Worker
    timeout_s: float
    figures: dict[str, Any] = field(default_factory=dict)

    def gets_ready(self) -> None:
        with self._named():
            opened = self.worker.first(timeout_s=self.timeout_s)
        self.figures |= {"pid": self.worker.pid, **opened}

    def warms_up(self) -> None:
        warm = self._call("warm_up", self.timeout_s)
        self._durations(warm, "warmup_ns")
        self.figures |= warm

    def sample(self, count: int) -> Sequence[int]:
        answer = self._call("sample", min(self.timeout_s, _BURST_TIMEOUT_S), count=count)
        samples = self._durations(answer, "samples_ns")
        if len(samples) != count:
            raise self._garbage(f"{len(samples)} durations for a burst of {count} inferences")
        return samples

    def finishes(self) -> None:
        last = self._call("finish", self.timeout_s)
        facts = {**self.figures.get("facts", {}), **last.get("facts", {})}
        self.figures |= {**last, "facts": facts}

    def _durations(self, answer: Mapping[str, Any], name: str) -> Sequence[int]:
        durations: Sequence[int] = answer.get(name, ())
        if not durations or not all(isinstance(ns, int) and ns >= 0 for ns in durations):
            raise self._garbage("the arm's durations aren't whole numbers of ns from 0 on")
        return durations

    def _call(self, operation: str, timeout_s: float, **arguments: Any) -> Mapping[str, Any]:
        with self._named():
            return self.worker.call(operation, timeout_s=timeout_s, **arguments)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except WorkerFailed as failed:
            raise _Lost(self.name, failed.failure) from failed

    def _garbage(self, message: str) -> _Lost:
        return _Lost(self.name, self.worker.garbage(message))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRunner:
    """Runs sessions at `place`, whose state is read before and after one, never during."""

    rule: Rule
    target: Target
    open_worker: OpenWorker
    scrub: Callable[[str], str]
    timeout_s: float = 300.0

    def __call__(
        self, starts: Mapping[ArmName, ArmStart], *, order: int, round_: int, chance: random.Random
    ) -> AbSession | ArmFailed:
        """Measure one session; whatever an arm does becomes a value.

        It is retried by the rule of `bench.experiments.session.attempt`.
        Raises Unavailable where an interpreter can't be started.
        """
        opened: list[ArmName] = chance.sample(ARMS, len(ARMS))
        chosen = {name: starts[name] for name in opened}
        place_in_run = {"order": order, "round": round_, "opened": opened}
        return attempt(self.target, partial(self._once, chosen, place_in_run, chance))

    def _once(
        self,
        starts: Mapping[ArmName, ArmStart],
        place_in_run: Mapping[str, object],
        chance: random.Random,
    ) -> Attempt[AbSession | ArmFailed]:
        before, began, started = dict(self.target.ready()), utc_now(), time.perf_counter_ns()
        try:
            arms, bursts = self._run(starts, chance)
        except _Lost as lost:
            failed = arm_failed(lost.arm, lost.failure, self.scrub)
            return Attempt(result=failed, failure=lost.failure)
        figures = {
            **place_in_run,
            "started": began,
            "cores": list(starts["base"].request.cores or ()),
            "wall_ns": time.perf_counter_ns() - started,
            "arms": {arm.name: arm.figures for arm in arms},
            "bursts": [{"arm": burst.arm, "ns": list(burst.ns)} for burst in bursts],
            "before": before,
            "after": dict(self.target.state()),
        }
        return _tried(session_of(figures, self.scrub))

    def _run(
        self, starts: Mapping[ArmName, ArmStart], chance: random.Random
    ) -> tuple[list[_Arm], list[Burst]]:
        """Return the arms and their bursts; raises _Lost. They are closed, whatever happens."""
        with ExitStack() as stack:
            arms = [
                _Arm(name=name, worker=self._open(start, stack), timeout_s=self.timeout_s)
                for name, start in starts.items()
            ]
            for arm in arms:
                arm.gets_ready()
            for arm in arms:
                arm.warms_up()
            calls = {arm.name: self.rule.calls(arm.figures["warmup_ns"]) for arm in arms}
            samplers = {arm.name: arm.sample for arm in arms}
            bursts = alternate(samplers, calls, self.rule, chance)
            for arm in arms:
                arm.finishes()
            return arms, bursts

    def _open(self, start: ArmStart, stack: ExitStack) -> Worker:
        arguments = replace(start.request, target=self.target.spec).to_json()
        request = request_for("open", **arguments)
        env = {**start.env, **self.target.child_env(start.python)}
        return stack.enter_context(self.open_worker(request, python=start.python, env=env))


def _tried(found: AbSession | ArmFailed) -> Attempt[AbSession | ArmFailed]:
    """Return a try that no child failed in, with what was read around either arm's samples."""
    if isinstance(found, ArmFailed):
        return Attempt(result=found)
    arms = found.arms.values()
    return Attempt(result=found, readings=[ArmReadings(found, arm.covariates) for arm in arms])


@dataclass(frozen=True, slots=True)
class ArmReadings:
    """What was read around a session of both arms, and around the samples of one."""

    session: AbSession
    covariates: Mapping[str, Scalar]

    @property
    def before(self) -> Mapping[str, Scalar]:
        """What was read before both."""
        return self.session.before

    @property
    def after(self) -> Mapping[str, Scalar]:
        """What was read after both."""
        return self.session.after


def session_of(
    figures: Mapping[str, Any], scrub: Callable[[str], str], *, otherwise: Cause = "head"
) -> AbSession | ArmFailed:
    """Return the session of these figures, or which arm's are none: both may be another's code.

    `otherwise` is the cause where what is wrong is neither's own.
    """
    try:
        return AbSession.model_validate(figures)
    except ValidationError as error:
        where = error.errors(include_url=False)[0]["loc"]
        arms: dict[object, Cause] = {"base": "base", "head": "head"}
        arm = arms.get(where[1] if len(where) > 1 else None, otherwise)
        message = f"an arm's answers aren't a session: {explain(error)}"
    hint = "the runner returns another form"
    failure = ChildFailed(kind="garbage-reply", message=message, hint=hint)
    return arm_failed(arm, failure, scrub)


def arm_failed(arm: Cause, failure: ChildFailed, scrub: Callable[[str], str]) -> ArmFailed:
    """Return the cell's end: `arm` gave no figure that may count, for that reason."""
    if failure.kind == "unavailable":
        why: Failed | Skipped = Skipped(reason=scrub(failure.message), hint=scrub(failure.hint))
    else:
        why = Failed(
            failure=failure.kind,
            message=scrub(failure.message),
            hint=scrub(failure.hint),
            log_tail=scrub(failure.log_tail),
        )
    return ArmFailed(arm=arm, why=why)
