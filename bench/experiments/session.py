"""The retry rule of every experiment: which sessions are measured again, and how often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bench.launcher.process import ChildFailed
from bench.targets.base import Readings, Target

TRIES = 3

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt(Generic[Result]):
    """One try of a session: how its child failed, or what was read around its samples."""

    result: Result
    failure: ChildFailed | None = None
    readings: Sequence[Readings] = ()


def attempt(target: Target, run: Callable[[], Attempt[Result]], *, tries: int = TRIES) -> Result:
    """Return the result of `run`; retry where the target went away and is back, or throttled.

    The last of `tries` stands, whatever held it back.
    """
    for left in reversed(range(tries)):
        tried = run()
        if not (_wants_retry(target, tried) and left):
            break
    return tried.result


def _wants_retry(target: Target, tried: Attempt[Result]) -> bool:
    if tried.failure is not None:
        return target.reconnected(tried.failure)
    return any(map(target.needs_retry, tried.readings))
