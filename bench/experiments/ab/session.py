"""One session of a live comparison: both arms' bursts by turns, one record.

On this machine both arms are fresh processes, which open their engines at once, since nothing is
measured then. From there on only one of them ever works: they warm up one after the other and
alternate as `bench.experiments.ab.interleave` says. On a device its own program holds both models.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from bench.analysis.interleaved import ARMS, Burst, Growth, Measure, figure_ns
from bench.experiments.ab.alternators import Alternator, Starts
from bench.experiments.ab.interleave import Rule
from bench.experiments.ab.progress import Pair, pending_sessions
from bench.experiments.arms import ArmLost
from bench.experiments.progress import Units
from bench.experiments.session import (
    Attempt,
    Start,
    attempt,
    check_claims,
    impossible,
    outcome_of,
)
from bench.launcher.process import ChildFailed
from bench.storage.files import utc_now
from bench.storage.run_folders import AbFolder
from bench.storage.schema.ab import AbSession, ArmFailed, ArmName, Cause
from bench.storage.schema.common import Scalar
from bench.storage.validation import explain
from bench.targets.base import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRunner:
    """Runs sessions at `target`, whose state is read before and after one, never during."""

    rule: Rule
    target: Target
    alternate: Alternator
    scrub: Callable[[str], str]
    ratio_of: Measure = "wall"
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
            suspects = [it for name, it in starts.items() if lost.arm in (name, "both")]
            remake = partial(_remade, suspects)
            return Attempt(result=failed, failure=lost.failure, remake=remake)
        session = {
            **facts,
            **figures,
            "started": began,
            "cores": _cores(starts),
            "wall_ns": self.clock() - started,
            "before": before,
            "after": dict(self.target.state()),
        }
        result = session_of(session, self.scrub, otherwise=self.alternate.cause)
        if isinstance(result, AbSession):
            result = self._impossible(starts, result) or result
        if isinstance(result, ArmFailed):
            return Attempt(result=result)
        if (arm := self._without_figure(result)) is not None:
            return Attempt(result=arm_failed(arm, _NO_FIGURE[self.ratio_of], self.scrub))
        readings = [ArmReadings(result, arm.covariates) for arm in result.arms.values()]
        return Attempt(result=result, readings=readings)

    def _impossible(self, starts: Starts, session: AbSession) -> ArmFailed | None:
        """Return which arm is faster than any core can be, None: neither."""
        for name, start in starts.items():
            samples = [ns for burst in session.bursts if burst.arm == name for ns in burst.ns]
            facts = session.arms[name].facts
            system = self.target.system
            failure = impossible(start.request.cell, samples, start.costs, system, facts)
            if failure is not None:
                return arm_failed(name, failure, self.scrub)
        return None

    def _without_figure(self, session: AbSession) -> ArmName | None:
        """Return the arm of the first burst that says nothing of what the ratio is of."""
        for it in session.bursts:
            burst = Burst(it.arm, tuple(it.ns), cpu_ns=it.cpu_ns)
            if figure_ns(burst, dropped=self.rule.dropped, measure=self.ratio_of) is None:
                return it.arm
        return None


def _cores(starts: Starts) -> list[int]:
    """Return the cores that both arms are bound to; a command, which has no start here, to none."""
    return list(starts["base"].request.cores or ()) if starts else []


_NO_FIGURE: Mapping[Measure, ChildFailed] = {
    "wall": ChildFailed(
        kind="garbage-reply",
        message="a burst has no sample beside those that are dropped",
        hint="the runner returns another form",
    ),
    "cpu": ChildFailed(
        kind="unavailable",
        message="the CPU time of its bursts isn't known",
        hint="leave --measure cpu out",
    ),
}


def _remade(starts: Sequence[Start]) -> bool:
    return sum(start.remake() for start in starts) > 0


def sessions_left(
    pairs: Sequence[Pair],
    runner: SessionRunner,
    run: AbFolder,
    *,
    growth: Growth,
    seed: int,
    clock: Callable[[], float],
) -> Units:
    """Yield the sessions by `runner` that `pairs` still need in `run`."""
    return pending_sessions(
        pairs,
        measure=runner,
        write=run.write_record,
        rule=runner.rule,
        growth=growth,
        seed=seed,
        begun=run.begun(),
        ratio_of=runner.ratio_of,
        clock=clock,
    )


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
    nets = session.nets.values()
    ready_ns = max((net.load_ns + net.first_inference_ns for net in nets), default=0)
    check_claims(session.wall_ns, samples=ready_ns + turns_ns)


def arm_failed(arm: Cause, failure: ChildFailed, scrub: Callable[[str], str]) -> ArmFailed:
    """Return the cell's end: `arm` gave no figure that may count, for that reason."""
    return ArmFailed(arm=arm, why=outcome_of(failure, scrub))
