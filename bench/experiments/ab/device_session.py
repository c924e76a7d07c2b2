"""One session of a live comparison on a device, whose own program alternates both models.

The bursts and their order are those of `bench.experiments.ab.interleave`; what is drawn is drawn
here, so that the record's seed tells it. Between two bursts nothing crosses the cable.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bench.analysis.interleaved import ARMS
from bench.artifacts.builder import Launch
from bench.core.protocol import PairRequest, request_for
from bench.experiments.ab.interleave import Rule, turns
from bench.experiments.ab.session import ArmStart, arm_failed, session_of
from bench.experiments.session import Attempt, attempt
from bench.launcher.process import ChildFailed, ChildResult
from bench.storage.files import utc_now
from bench.storage.schema.ab import AbSession, ArmFailed, ArmName
from bench.storage.schema.common import Scalar
from bench.targets.base import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the device answered to one request, and what was known before it."""

    result: ChildResult
    before: Mapping[str, Scalar]
    began: str
    wall_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSessionRunner:
    """Runs sessions on the device of `place`, read before and after one, never during."""

    rule: Rule
    target: Target
    launch: Launch
    scrub: Callable[[str], str]
    timeout_s: float = 300.0

    def __call__(
        self, starts: Mapping[ArmName, ArmStart], *, order: int, round_: int, chance: random.Random
    ) -> AbSession | ArmFailed:
        """Measure one session; whatever the device does becomes a value.

        One whose device went away and came back is repeated, a few times at most. Raises
        DeviceError where it stays away, and Unavailable where an interpreter can't be started.
        """
        opened: list[ArmName] = chance.sample(ARMS, len(ARMS))
        request = self._request(starts, opened, turns(len(opened), self.rule, chance))
        told = attempt(self.target, partial(self._once, starts, request))
        result = told.result
        if isinstance(result, ChildFailed):
            self.target.ready()  # an absent device ends the run, not this cell: it can be resumed
            return arm_failed("both", result, self.scrub)
        if "failed" in result.value:
            why = dict(result.value["failed"])
            return arm_failed(why.pop("arm"), ChildFailed(**why), self.scrub)
        figures = {
            "started": told.began,
            "order": order,
            "round": round_,
            "opened": opened,
            "cores": [],
            "wall_ns": told.wall_ns,
            "arms": _with_pid(result.value.get("arms"), result.pid),
            "bursts": result.value.get("bursts"),
            "before": told.before,
            "after": dict(self.target.state()),
        }
        return session_of(figures, self.scrub, otherwise="both")

    def _once(self, starts: Mapping[ArmName, ArmStart], request: PairRequest) -> Attempt[_Told]:
        before, began, started = dict(self.target.ready()), utc_now(), time.perf_counter_ns()
        result = self._launch(starts, request)
        wall_ns = time.perf_counter_ns() - started
        told = _Told(result=result, before=before, began=began, wall_ns=wall_ns)
        return Attempt(result=told, failure=result if isinstance(result, ChildFailed) else None)

    def _launch(self, starts: Mapping[ArmName, ArmStart], request: PairRequest) -> ChildResult:
        start = starts["base"]
        return self.launch(
            request_for("measure_pair", **request.to_json()),
            python=start.python,
            env={**start.env, **self.target.child_env(start.python)},
            timeout_s=self.timeout_s,
        )

    def _request(
        self, starts: Mapping[ArmName, ArmStart], opened: Sequence[ArmName], order: Sequence[int]
    ) -> PairRequest:
        return PairRequest(
            arms={name: replace(starts[name].request, target=self.target.spec) for name in opened},
            order=order,
            burst_s=self.rule.burst_s,
            least_calls=self.rule.least_calls,
            most_calls=self.rule.most_calls,
        )


def _with_pid(arms: Any, pid: int) -> Any:
    """Return the arms' figures with the process that told them; it is one for both."""
    if not isinstance(arms, dict) or not all(isinstance(one, dict) for one in arms.values()):
        return arms  # no session, and `session_of` says so
    return {name: {"pid": pid, **figures} for name, figures in arms.items()}
