"""Sessions of the device program with two models that take turns; see `agent/LINES.md`.

Standard library and numpy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.core.units import Nanoseconds
from bench.runners.paddle_lite.agent_events import Fields, Tasks
from bench.runners.paddle_lite.agent_sessions import After, Events, values_of

if TYPE_CHECKING:
    from bench.runners.paddle_lite.agent_events import Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AgentArm:
    """One of the two models: what `AgentRun` has of the only one, without its samples.

    The threads were read around its warm-up, in which the other one rests.
    """

    load_ns: int
    threads: int
    power_mode: str
    first_inference_ns: int
    output: Array
    warmup_ns: list[Nanoseconds]
    steady: bool
    tasks_before: Tasks
    tasks_after: Tasks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AgentPair:
    """One whole session on the device; `bursts` in the order in which they ran.

    A burst is the arm's letter and the durations of its inferences, the first one too.
    """

    version: str
    library: str
    abi: str
    pid: int
    arms: Mapping[str, AgentArm]
    bursts: list[tuple[str, list[Nanoseconds]]]
    peak_rss_kib: int


def parse_pair(lines: Iterable[str], order: str) -> AgentPair:
    """Return the session whose bursts were to run in `order` ("abba").

    Raises AgentFailed for the program's own error, GarbledAgent for anything else than such a one.
    """
    reader = PairLines(order)
    for line in lines:
        reader.feed(line)
    return reader.finish()


class PairLines(Events):
    """Reads the lines of a session of two models."""

    def __init__(self, order: str) -> None:
        super().__init__(_AFTER_OF_TWO)
        self._order = order
        self._values: dict[str, Any] = {}
        self._arms: dict[str, dict[str, Any]] = {arm: {"warmup_ns": []} for arm in ("a", "b")}
        self._bursts: list[tuple[str, list[Nanoseconds]]] = []

    def take(self, name: str, fields: Fields) -> None:
        arm = fields.text_or_none("arm")
        if name == "burst":
            self._take_burst(fields)
        elif arm is None:
            self._values |= values_of(name, fields)
        elif name == "sample":
            self._arms[arm]["warmup_ns"].append(Nanoseconds(fields.whole("ns")))
        else:
            self._arms[arm] |= values_of(name, fields)
        if name == "end":
            self._check_counts(fields)

    def finish(self) -> AgentPair:
        """Return the session; raises GarbledAgent where its end is missing."""
        self.check_ended()
        arms = {arm: AgentArm(**values) for arm, values in self._arms.items()}
        return AgentPair(arms=arms, bursts=self._bursts, **self._values)

    def _take_burst(self, fields: Fields) -> None:
        arm, ns = fields.text("arm"), fields.wholes("ns")
        done = len(self._bursts)
        if self._order[done : done + 1] != arm:
            fields.refuse(f"is burst {done + 1}, which isn't {arm}'s")
        if not ns:
            fields.refuse("is a burst of nothing")
        self._bursts.append((arm, [Nanoseconds(duration) for duration in ns]))

    def _check_counts(self, fields: Fields) -> None:
        warmup = sum(len(arm["warmup_ns"]) for arm in self._arms.values())
        for name, taken in (("warmup", warmup), ("bursts", len(self._bursts))):
            if fields.whole(name) != taken:
                fields.refuse(f"counts {fields.whole(name)} {name}, {taken} came")
        if len(self._bursts) != len(self._order):
            fields.refuse(f"ends after {len(self._bursts)} of {len(self._order)} bursts")


_BURSTS = ("burst a", "burst b")
_AFTER_OF_TWO: After = {
    "start": ("nothing",),
    "loaded a": ("start",),
    "loaded b": ("loaded a",),
    "first a": ("loaded b",),
    "output a": ("first a",),
    "first b": ("output a",),
    "output b": ("first b",),
    "tasks before a": ("output b",),
    "sample warmup a": ("tasks before a", "sample warmup a"),
    "steady a": ("sample warmup a",),
    "tasks after a": ("steady a",),
    "tasks before b": ("tasks after a",),
    "sample warmup b": ("tasks before b", "sample warmup b"),
    "steady b": ("sample warmup b",),
    "tasks after b": ("steady b",),
    "burst a": ("tasks after b", *_BURSTS),
    "burst b": ("tasks after b", *_BURSTS),
    "end": _BURSTS,
}
