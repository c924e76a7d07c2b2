"""One session of a live comparison: both arms' bursts by turns, one record.

On this machine both arms are fresh processes, which open their engines at once, since nothing is
measured then. From there on only one of them ever works: they warm up one after the other and
alternate as `bench.experiments.ab.interleave` says. On a device its own program holds both models.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Protocol

from pydantic import ValidationError

from bench.analysis.interleaved import ARMS, Burst
from bench.artifacts.builder import Launch
from bench.core.protocol import PairRequest, is_duration, request_for
from bench.experiments.ab.interleave import Rule, alternate, turns
from bench.experiments.session import Attempt, Start, attempt, check_claims, outcome_of
from bench.launcher.client import OpenWorker, Worker, WorkerFailed
from bench.launcher.process import ChildFailed
from bench.storage.files import utc_now
from bench.storage.schema.ab import AbSession, ArmFailed, ArmName, Cause
from bench.storage.schema.common import Scalar
from bench.storage.validation import explain
from bench.targets.base import Target

Starts = Mapping[ArmName, Start]
Figures = Mapping[str, Any]
"""The `arms` by name and their `bursts` in order, as a session's record holds them."""

# A burst lasts some 50 ms, or four inferences of a slow net: more than this, and the arm hangs.
_BURST_TIMEOUT_S = 60.0


class ArmLost(Exception):
    """`arm` gave no answer."""

    def __init__(self, arm: Cause, failure: ChildFailed) -> None:
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

    def sample(self, count: int) -> Burst:
        answer = self._call("sample", min(self.timeout_s, _BURST_TIMEOUT_S), count=count)
        samples = self._durations(answer, "samples_ns")
        if len(samples) != count:
            raise self._garbage(f"{len(samples)} durations for a burst of {count} inferences")
        known = {name: answer[name] for name in ("wait_ns", "cpu_ns", "wall_ns") if name in answer}
        return Burst(self.name, tuple(samples), **known)

    def finishes(self) -> None:
        last = self._call("finish", self.timeout_s)
        both = [answer.get("facts", {}) for answer in (self.figures, last)]
        if not all(isinstance(facts, dict) for facts in both):
            raise self._garbage("the arm's facts aren't an object")
        self.figures |= {**last, "facts": both[0] | both[1]}

    def _durations(self, answer: Mapping[str, Any], name: str) -> Sequence[int]:
        durations = answer.get(name)
        if not isinstance(durations, list) or not durations or not all(map(is_duration, durations)):
            raise self._garbage("the arm's durations aren't whole numbers of ns from 1 on")
        return durations

    def _call(self, operation: str, timeout_s: float, **arguments: Any) -> Mapping[str, Any]:
        with self._named():
            return self.worker.call(operation, timeout_s=timeout_s, **arguments)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except WorkerFailed as failed:
            raise ArmLost(self.name, failed.failure) from failed

    def _garbage(self, message: str) -> ArmLost:
        return ArmLost(self.name, self.worker.garbage(message))


class Alternator(Protocol):
    """Measures both arms by turns. `cause` is the arm to blame where neither alone is."""

    @property
    def cause(self) -> Cause: ...
    def __call__(
        self, starts: Starts, opened: Sequence[ArmName], rule: Rule, chance: random.Random
    ) -> Figures:
        """Return the figures; raises ArmLost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoProcesses:
    """Alternates two fresh processes of this machine."""

    open_worker: OpenWorker
    timeout_s: float = 300.0
    cause: Cause = "head"

    def __call__(
        self, starts: Starts, opened: Sequence[ArmName], rule: Rule, chance: random.Random
    ) -> Figures:
        """Return the figures; raises ArmLost. The processes are ended, whatever happens."""
        with ExitStack() as stack:
            arms = [
                _Arm(name=name, worker=self._open(starts[name], stack), timeout_s=self.timeout_s)
                for name in opened
            ]
            for arm in arms:
                arm.gets_ready()
            for arm in arms:
                arm.warms_up()
            calls = {arm.name: rule.calls(arm.figures["warmup_ns"]) for arm in arms}
            bursts = alternate({arm.name: arm.sample for arm in arms}, calls, rule, chance)
            for arm in arms:
                arm.finishes()
            return {
                "arms": {arm.name: arm.figures for arm in arms},
                "bursts": [{**asdict(burst), "ns": list(burst.ns)} for burst in bursts],
            }

    def _open(self, start: Start, stack: ExitStack) -> Worker:
        request = request_for("open", **start.request.to_json())
        return stack.enter_context(self.open_worker(request, python=start.python, env=start.env))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProgram:
    """Alternates two models in a device's own program: nothing crosses the cable in between."""

    launch: Launch
    timeout_s: float = 300.0
    cause: Cause = "both"

    def __call__(
        self, starts: Starts, opened: Sequence[ArmName], rule: Rule, chance: random.Random
    ) -> Figures:
        """Return the figures; raises ArmLost."""
        request = PairRequest(
            arms={name: starts[name].request for name in opened},
            order=turns(len(opened), rule, chance),
            burst_s=rule.burst_s,
            least_calls=rule.least_calls,
            most_calls=rule.most_calls,
        )
        start = starts["base"]
        result = self.launch(
            request_for("measure_pair", **request.to_json()),
            python=start.python,
            env=start.env,
            timeout_s=self.timeout_s,
        )
        if isinstance(result, ChildFailed):
            raise ArmLost("both", result)
        if "failed" in result.value:
            raise _lost(result.value["failed"])
        arms = _with_pid(result.value.get("arms"), result.pid)
        return {"arms": arms, "bursts": result.value.get("bursts")}


def _lost(why: Any) -> ArmLost:
    """Return what the worker says of an arm's failure, or that it says nothing of the kind."""
    names = ("kind", "message", "hint")
    if not isinstance(why, dict) or set(why) != {"arm", *names} or why["arm"] not in ARMS:
        message, hint = f"an arm failed, and the worker says {why!r}", "see bench/core/protocol.py"
        return ArmLost("both", ChildFailed(kind="garbage-reply", message=message[:200], hint=hint))
    return ArmLost(why["arm"], ChildFailed(**{name: str(why[name]) for name in names}))


def _with_pid(arms: Any, pid: int) -> Any:
    """Return the arms' figures with the process that measured them; it is one for both."""
    if not isinstance(arms, dict) or not all(isinstance(one, dict) for one in arms.values()):
        return arms  # no session, and `session_of` says so
    return {name: {"pid": pid, **figures} for name, figures in arms.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRunner:
    """Runs sessions at `target`, whose state is read before and after one, never during."""

    rule: Rule
    target: Target
    alternate: Alternator
    scrub: Callable[[str], str]
    clock: Callable[[], int] = time.perf_counter_ns

    def __call__(
        self, starts: Starts, *, order: int, round_: int, chance: random.Random
    ) -> AbSession | ArmFailed:
        """Measure one session; whatever an arm does becomes a value.

        It is retried by the rule of `bench.experiments.session.attempt`. Raises DeviceError where a
        device stays away, and Unavailable where an interpreter can't be started.
        """
        opened: list[ArmName] = chance.sample(ARMS, len(ARMS))
        there = {name: start.at(self.target) for name, start in starts.items()}
        facts = {"order": order, "round": round_, "opened": opened}
        result = attempt(self.target, partial(self._once, there, facts, chance))
        if isinstance(result, ArmFailed) and result.arm == "both":
            self.target.ready()  # an absent device aborts the run, not this cell
        return result

    def _once(
        self, starts: Starts, facts: Mapping[str, Any], chance: random.Random
    ) -> Attempt[AbSession | ArmFailed]:
        before, began, started = dict(self.target.ready()), utc_now(), self.clock()
        try:
            figures = self.alternate(starts, facts["opened"], self.rule, chance)
        except ArmLost as lost:
            failed = arm_failed(lost.arm, lost.failure, self.scrub)
            return Attempt(result=failed, failure=lost.failure)
        session = {
            **facts,
            **figures,
            "started": began,
            "cores": list(starts["base"].request.cores or ()),
            "wall_ns": self.clock() - started,
            "before": before,
            "after": dict(self.target.state()),
        }
        result = session_of(session, self.scrub, otherwise=self.alternate.cause)
        if isinstance(result, ArmFailed):
            return Attempt(result=result)
        readings = [ArmReadings(result, arm.covariates) for arm in result.arms.values()]
        return Attempt(result=result, readings=readings)


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
        session = AbSession.model_validate(figures)
        _check_time(session)
    except ValidationError as error:
        where = error.errors(include_url=False)[0]["loc"]
        arms: dict[object, Cause] = {"base": "base", "head": "head"}
        arm = arms.get(where[1] if len(where) > 1 else None, otherwise)
        message = f"an arm's answers aren't a session: {explain(error)}"
    except ValueError as error:
        arm, message = otherwise, f"an arm's answers aren't a session: {error}"
    else:
        return session
    hint = "the runner returns another form"
    failure = ChildFailed(kind="garbage-reply", message=message, hint=hint)
    return arm_failed(arm, failure, scrub)


def _check_time(session: AbSession) -> None:
    """Raise ValueError where the arms claim more time than they had; they load side by side."""
    arms = session.arms.values()
    turns_ns = sum(map(sum, (burst.ns for burst in session.bursts)))
    turns_ns += sum(sum(arm.warmup_ns) for arm in arms)
    ready_ns = max(arm.load_ns + arm.first_inference_ns for arm in arms)
    check_claims(session.wall_ns, samples=ready_ns + turns_ns)


def arm_failed(arm: Cause, failure: ChildFailed, scrub: Callable[[str], str]) -> ArmFailed:
    """Return the cell's end: `arm` gave no figure that may count, for that reason."""
    return ArmFailed(arm=arm, why=outcome_of(failure, scrub))
