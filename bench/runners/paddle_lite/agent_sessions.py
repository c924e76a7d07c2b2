"""Sessions of the device program, of one model or of two by turns; see `agent/LINES.md`.

A session counts only when it is whole: every event in its order, every number one that can be, and
as many samples as the program says that it printed. What others wrote in between (the library, the
linker, the shell) bears no mark: it goes to this process's log. Standard library and numpy only.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.core.errors import Unavailable
from bench.core.units import Nanoseconds
from bench.runners.paddle_lite.agent_events import (
    POWER_MODES,
    AgentFailed,
    Fields,
    GarbledAgent,
    Tasks,
    read,
    read_output,
    read_tasks,
)

if TYPE_CHECKING:
    from bench.runners.paddle_lite.agent_events import Array

After = Mapping[str, tuple[str, ...]]
"""What may stand before each event."""

MARK = "@bench_agent "
VERSION = "3"
"""Of the device program that this reads; another one's lines mean something else."""

_KEPT = 30  # lines
_MORE = {"sample": "phase", "tasks": "when"}


class Events(ABC):
    """Reads the lines as they come: `feed` each, then `finish` of the session that it is.

    An event goes by its name with its phase, its time and its arm, where it has them: "sample
    warmup a". A session says in `take` what it keeps of each.
    """

    def __init__(self, after: After) -> None:
        self._after = after
        self._last = "nothing"
        self._pid: int | None = None
        self.foreign: deque[str] = deque(maxlen=_KEPT)
        """The last lines of others."""

    @property
    def pid(self) -> int | None:
        """The program's process on the device, once it has said so."""
        return self._pid

    def feed(self, line: str) -> None:
        """Take one line; raises AgentFailed or GarbledAgent at once where it ends the session.

        Without the program's mark it is another's: logged, and no part of the session.
        """
        foreign, mark, said = line.partition(MARK)
        if foreign.strip():
            self.foreign.append(foreign.rstrip())
            sys.stderr.write(f"{foreign.rstrip()}\n")
        if mark:
            self._take(read(said))

    def _take(self, fields: Fields) -> None:
        name = fields.text("event")
        if name == "error":
            raise AgentFailed(fields.text("reason"), fields.text_or_none("arm"))
        event = self._event(name, fields)
        if self._last not in self._after[event]:
            fields.refuse(f"comes after {self._last}")
        if name == "start":
            _require_version(fields.text("agent"))
            self._pid = fields.whole("pid")
        self.take(name, fields)
        self._last = event

    @abstractmethod
    def take(self, name: str, fields: Fields) -> None:
        """Keep what the event of that bare name says; raises GarbledAgent for what it can't say."""

    def check_ended(self) -> None:
        """Raise GarbledAgent where the session's end is missing."""
        if self._last != "end":
            raise GarbledAgent(f"the device program ended and had said {self._last} last")

    def _event(self, name: str, fields: Fields) -> str:
        parts = [name]
        if name in _MORE:
            parts.append(fields.text(_MORE[name]))
        if "arm" in fields.values:
            parts.append(fields.text("arm"))
        event = " ".join(parts)
        if event not in self._after:
            fields.refuse("is of no known kind")
        return event


def _require_version(version: str) -> None:
    if version != VERSION:
        raise Unavailable(
            f"the device program is of version {version}, this harness takes {VERSION}",
            hint="build it again: `make agent NDK=... PADDLE_LITE=...`",
        )


def values_of(name: str, fields: Fields) -> dict[str, Any]:
    """Return what an event that comes once says, by the names of the session's members."""
    if name == "start":
        return {
            "version": fields.text("agent"), "library": fields.text("library"),
            "abi": fields.text("abi"), "pid": fields.whole("pid"),
        }  # fmt: skip
    if name == "loaded":
        mode = fields.text("power_mode")
        return {
            "load_ns": fields.whole("load_ns"), "threads": fields.whole("threads"),
            "power_mode": mode if mode in POWER_MODES else fields.refuse("has no power mode"),
        }  # fmt: skip
    if name == "tasks":
        return {f"tasks_{fields.text('when')}": read_tasks(fields)}
    if name == "output":
        return {"output": read_output(fields)}
    if name == "steady":
        return {"steady": fields.flag("steady")}
    return {member: fields.whole(member) for member in _WHOLE[name]}


_WHOLE = {"first": ("first_inference_ns",), "end": ("peak_rss_kib",)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AgentRun:
    """One whole session on the device; `version` is the program's, `library` Paddle Lite's.

    `output` is float32 in its own shape, NaN where the device's value wasn't finite. The first
    inference is in neither `warmup_ns` nor `samples_ns`. `threads` and `power_mode` are what the
    library says is effective. `peak_rss_kib` is 0 where unknown.
    """

    version: str
    library: str
    abi: str
    pid: int
    load_ns: int
    threads: int
    power_mode: str
    first_inference_ns: int
    output: Array
    warmup_ns: list[Nanoseconds]
    samples_ns: list[Nanoseconds]
    steady: bool
    tasks_before: Tasks
    tasks_after: Tasks
    peak_rss_kib: int


def parse(lines: Iterable[str]) -> AgentRun:
    """Return the session that `lines` tell of.

    Raises AgentFailed for the program's own error, GarbledAgent for anything else than a session.
    """
    reader = AgentLines()
    for line in lines:
        reader.feed(line)
    return reader.finish()


class AgentLines(Events):
    """Reads the lines of a session of one model."""

    def __init__(self) -> None:
        super().__init__(_AFTER_OF_ONE)
        self._values: dict[str, Any] = {}
        self._samples: dict[str, list[Nanoseconds]] = {"warmup": [], "timed": []}

    def take(self, name: str, fields: Fields) -> None:
        if name == "sample":
            self._samples[fields.text("phase")].append(Nanoseconds(fields.whole("ns")))
        else:
            self._values |= values_of(name, fields)
        if name == "end":
            self._check_counts(fields)

    def finish(self) -> AgentRun:
        """Return the session; raises GarbledAgent where its end is missing."""
        self.check_ended()
        return AgentRun(
            warmup_ns=self._samples["warmup"], samples_ns=self._samples["timed"], **self._values
        )

    def _check_counts(self, fields: Fields) -> None:
        for phase, taken in self._samples.items():
            if fields.whole(phase) != len(taken):
                fields.refuse(f"counts {fields.whole(phase)} {phase} samples, {len(taken)} came")


_AFTER_OF_ONE: After = {
    "start": ("nothing",),
    "loaded": ("start",),
    "first": ("loaded",),
    "output": ("first",),
    "sample warmup": ("output", "sample warmup"),
    "steady": ("output", "sample warmup"),
    "tasks before": ("steady",),
    "sample timed": ("tasks before", "sample timed"),
    "tasks after": ("sample timed",),
    "end": ("tasks after",),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AgentArm:
    """One of the two models: what `AgentRun` says of the only one, without its samples.

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
