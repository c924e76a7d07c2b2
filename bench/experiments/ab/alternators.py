"""How two arms' bursts alternate: in two fresh processes, or in a device's own program."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.analysis.interleaved import ARMS, Burst
from bench.artifacts.builder import Launch
from bench.core.protocol import PairRequest, is_duration, request_for
from bench.experiments.ab.interleave import Rule, alternate, turns
from bench.experiments.session import Start
from bench.launcher.client import OpenWorker, Worker, WorkerFailed
from bench.launcher.process import ChildFailed
from bench.storage.schema.ab import ArmName, BurstFields, Cause

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
        known = BurstFields.model_fields.keys() & answer.keys()
        return Burst(self.name, tuple(samples), figures={name: answer[name] for name in known})

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
                "bursts": [
                    {**burst.figures, "arm": burst.arm, "ns": list(burst.ns)} for burst in bursts
                ],
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
