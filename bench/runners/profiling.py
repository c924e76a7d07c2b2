"""What a profile by operator is: what a session that can take one gives. Capability "profiled"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Protocol

from bench.core.units import Nanoseconds
from bench.runners.base import Session

WARM_UP = 10
"""Inferences of an engine that was opened anew for its profile, before the first that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """What one operator of the engine's own graph took.

    `name` and `type` are the engine's own; `ns` is of an inference, all its `calls` in it together
    and what other operators took within it left out: the median of the inferences where the engine
    tells of each, else their mean as `of_the_middle` has it. `kernel`: which code ran, as far as
    the engine tells, such as a provider or a primitive; '' where it doesn't.
    """

    name: str
    type: str
    ns: float
    calls: float = 1.0
    kernel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The operators in the order of the graph, and the duration of each profiled inference.

    `resolution_ns`: times are whole multiples of it, cut off: that much is missing of an operator
    at most.
    """

    samples_ns: Sequence[Nanoseconds]
    operators: Sequence[OperatorTime]
    resolution_ns: int = 1


def of_the_middle(mean_ns: float, samples_ns: Sequence[int]) -> float:
    """Return what an operator with that mean takes of the inference in the middle.

    An interruption falls upon the operators by the time that they take: their shares stay, and the
    mean inference is longer than the one in the middle.
    """
    return mean_ns * median(samples_ns) / mean(samples_ns)


class Tally:
    """What each operator took, inference by inference; a key is what tells operators apart."""

    def __init__(self) -> None:
        self._inferences = 0
        self._each: dict[Hashable, list[float]] = {}
        self._calls: Counter[Hashable] = Counter()

    def begin(self) -> None:
        """Begin the next inference."""
        self._inferences += 1

    def add(self, key: Hashable, ns: float) -> None:
        """Add a call of an operator in this inference."""
        each = self._each.setdefault(key, [])
        each += [0.0] * (self._inferences - len(each))
        each[-1] += ns
        self._calls[key] += 1

    def __iter__(self) -> Iterator[Hashable]:
        """Yield the operators in the order in which they first ran."""
        return iter(self._each)

    def operator(self, key: Hashable, *, name: str, kind: str, kernel: str = "") -> OperatorTime:
        """Return the operator of that key, by the median of the inferences."""
        each = self._each.get(key, [])
        return OperatorTime(
            name=name,
            type=kind,
            ns=median([*each, *[0.0] * (self._inferences - len(each))]),
            calls=self._calls[key] / self._inferences,
            kernel=kernel,
        )


class ProfiledSession(Session, Protocol):
    """A session whose engine tells what each operator takes."""

    def profile(self, count: int) -> Profile:
        """Return the profile of `count` inferences on the input of the last `infer`.

        It is called several times, and `sample` between them goes without a profile: the engine
        may be opened anew for it, with the same settings. Raises Unavailable where this
        build of the engine can't.
        """
        ...
