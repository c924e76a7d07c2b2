"""An arm of a session: an open worker, from its first answer to its last, each checked for form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bench.core.protocol import is_duration
from bench.launcher.client import Worker, WorkerFailed
from bench.launcher.process import ChildFailed

Name = TypeVar("Name")

# A burst lasts 50 ms at most, or a few inferences of a slow net: more than this, and the arm hangs.
_BURST_TIMEOUT_S = 60.0


class ArmLost(Exception):
    """Arm `arm` gave no answer."""

    def __init__(self, arm: Any, failure: ChildFailed) -> None:
        super().__init__(arm)
        self.arm = arm
        self.failure = failure


@dataclass(slots=True, kw_only=True)
class Arm(Generic[Name]):
    """An open arm and what it has answered so far. Its methods raise ArmLost."""

    name: Name
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

    def sample(self, count: int) -> dict[str, Any]:
        """Take a burst of `count` inferences; return {samples_ns} and what was read around it."""
        answer = dict(self._call("sample", min(self.timeout_s, _BURST_TIMEOUT_S), count=count))
        samples = self._durations(answer, "samples_ns")
        if len(samples) != count:
            raise self._garbage(f"{len(samples)} durations for a burst of {count} inferences")
        return answer

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
