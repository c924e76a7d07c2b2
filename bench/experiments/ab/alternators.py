"""How two arms' bursts alternate: in two fresh processes, or in a device's own program."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from bench.analysis.interleaved import ARMS, Burst
from bench.artifacts.builder import Launch
from bench.core.protocol import PairRequest, request_for
from bench.experiments.ab.interleave import Rule, alternate, turns
from bench.experiments.arms import Arm, ArmLost
from bench.experiments.session import Start
from bench.launcher.client import OpenWorker, Worker
from bench.launcher.process import ChildFailed
from bench.storage.schema.ab import ArmName, BurstFields, Cause

Starts = Mapping[ArmName, Start]


Figures = Mapping[str, Any]
"""The `arms` by name and their `bursts` in order, as a session's record holds them."""


def burst_of(arm: Arm[ArmName], count: int) -> Burst:
    """Have `arm` take a burst of `count` inferences; raises ArmLost."""
    answer = arm.sample(count)
    known = BurstFields.model_fields.keys() & answer.keys()
    figures = {name: answer[name] for name in known}
    return Burst(arm.name, tuple(answer["samples_ns"]), figures=figures)


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
                Arm(name=name, worker=self._open(starts[name], stack), timeout_s=self.timeout_s)
                for name in opened
            ]
            for arm in arms:
                arm.gets_ready()
            for arm in arms:
                arm.warms_up()
            calls = {arm.name: rule.calls(arm.figures["warmup_ns"]) for arm in arms}
            takes = {arm.name: partial(burst_of, arm) for arm in arms}
            bursts = alternate(takes, calls, rule, chance)
            for arm in arms:
                arm.finishes()
            return {
                "arms": {arm.name: arm.figures for arm in arms},
                "bursts": [burst.to_json() for burst in bursts],
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
