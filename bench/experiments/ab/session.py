"""One session of a live comparison: two fresh processes, their bursts by turns, one record.

Both arms open their engines at once, since nothing is measured then. From there on only one of them
ever works: they warm up one after the other and alternate as `bench.experiments.ab.interleave`
says.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.analysis.interleaved import ARMS, Burst
from bench.core.arm_protocol import ArmRequest
from bench.experiments.ab.interleave import Rule, alternate
from bench.launcher.client import ArmLost, Live, OpenArm
from bench.launcher.process import ChildFailed
from bench.storage.files import utc_now
from bench.storage.schema.ab import AbSession, ArmFailed, ArmName, Cause
from bench.storage.schema.common import Failed, Skipped
from bench.storage.validation import explain
from bench.targets.base import Place, child_env_at

# A burst lasts some 50 ms, or four inferences of a slow net: more than this, and the arm hangs.
_BURST_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmStart:
    """What it takes to start one arm of one cell."""

    request: ArmRequest
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
    """An open arm and what it told of itself so far."""

    name: ArmName
    live: Live
    timeout_s: float
    told: dict[str, Any] = field(default_factory=dict)

    def gets_ready(self) -> None:
        self.told |= {"pid": self.live.pid, **self._part("ready", None)}

    def warms_up(self) -> None:
        warm = self._part("warm", {"warm": True})
        self.told |= {"warmup_ns": self._durations(warm), "steady": self._known(warm, "steady")}

    def sample(self, count: int) -> Sequence[int]:
        answer = self._answer({"sample": count}, min(self.timeout_s, _BURST_TIMEOUT_S))
        samples = self._durations(answer)
        if len(samples) != count:
            raise self._garbage(f"{len(samples)} durations for a burst of {count} inferences")
        return samples

    def _durations(self, answer: Mapping[str, Any]) -> Sequence[int]:
        found: Sequence[int] = self._known(answer, "ns")
        if not found or not all(isinstance(it, int) and it >= 0 for it in found):
            raise self._garbage("the arm's durations aren't whole numbers of ns from 0 on")
        return found

    def says_goodbye(self) -> None:
        bye = self._part("bye", {"quit": True})
        self.told["facts"] |= bye["facts"]
        self.told["covariates"] = bye["covariates"]

    def _part(self, name: str, command: Mapping[str, object] | None) -> Mapping[str, Any]:
        part: Mapping[str, Any] = self._known(self._answer(command, self.timeout_s), name)
        return part

    def _answer(self, command: Mapping[str, object] | None, timeout_s: float) -> Mapping[str, Any]:
        try:
            if command is None:
                return self.live.hear(timeout_s)
            return self.live.ask(command, timeout_s)
        except ArmLost as lost:
            raise _Lost(self.name, lost.failure) from lost

    def _known(self, answer: Mapping[str, Any], name: str) -> Any:
        if name not in answer:
            raise self._garbage(f"the arm's answer has no '{name}'")
        return answer[name]

    def _garbage(self, message: str) -> _Lost:
        hint = "the runner returns another form, or the arm is of another revision"
        return _Lost(self.name, ChildFailed(kind="garbage-reply", message=message, hint=hint))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRunner:
    """Runs sessions at `place`, whose state is read before and after one, never during."""

    rule: Rule
    place: Place
    open_arm: OpenArm
    scrub: Callable[[str], str]
    timeout_s: float = 300.0

    def __call__(
        self, starts: Mapping[ArmName, ArmStart], *, order: int, round_: int, chance: random.Random
    ) -> AbSession | ArmFailed:
        """Measure one session; whatever an arm does becomes a value.

        Raises Unavailable where an interpreter can't be started.
        """
        before, began, started = dict(self.place.ready()), utc_now(), time.perf_counter_ns()
        opened: list[ArmName] = chance.sample(ARMS, len(ARMS))
        try:
            arms, bursts = self._run({name: starts[name] for name in opened}, chance)
        except _Lost as lost:
            return arm_failed(lost.arm, lost.failure, self.scrub)
        figures = {
            "started": began,
            "order": order,
            "round": round_,
            "opened": opened,
            "cores": list(starts["base"].request.cores or ()),
            "wall_ns": time.perf_counter_ns() - started,
            "arms": {arm.name: arm.told for arm in arms},
            "bursts": [{"arm": burst.arm, "ns": list(burst.ns)} for burst in bursts],
            "before": before,
            "after": dict(self.place.conditions()),
        }
        return session_of(figures, self.scrub)

    def _run(
        self, starts: Mapping[ArmName, ArmStart], chance: random.Random
    ) -> tuple[list[_Arm], list[Burst]]:
        """Return both arms and their bursts; raises _Lost. They are closed, whatever happens."""
        with ExitStack() as stack:
            arms = [
                _Arm(name=name, live=self._open(start, stack), timeout_s=self.timeout_s)
                for name, start in starts.items()
            ]
            for arm in arms:
                arm.gets_ready()
            for arm in arms:
                arm.warms_up()
            calls = {arm.name: self.rule.calls(arm.told["warmup_ns"]) for arm in arms}
            samplers = {arm.name: arm.sample for arm in arms}
            bursts = alternate(samplers, calls, self.rule, chance)
            for arm in arms:
                arm.says_goodbye()
            return arms, bursts

    def _open(self, start: ArmStart, stack: ExitStack) -> Live:
        request = replace(start.request, target=self.place.target).to_json()
        env = {**start.env, **child_env_at(self.place, start.python)}
        return stack.enter_context(self.open_arm(request, python=start.python, env=env))


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
