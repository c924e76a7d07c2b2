"""Sessions of the device program; `agent_pairs` has those of two models. See `agent/LINES.md`.

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
from bench.core.program import agent_command
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
    warmup a". A session keeps in `take` what it needs of each.
    """

    def __init__(self, after: After) -> None:
        self._after = after
        self._last = "nothing"
        self._pid: int | None = None
        self.foreign: deque[str] = deque(maxlen=_KEPT)
        """The last lines of others."""

    @property
    def pid(self) -> int | None:
        """The program's process on the device, once it is known."""
        return self._pid

    def feed(self, line: str) -> None:
        """Take one line; raises AgentFailed or GarbledAgent at once where it ends the session.

        Without the program's mark it is another's: logged, and no part of the session.
        """
        foreign, mark, event = line.partition(MARK)
        if foreign.strip():
            self.foreign.append(foreign.rstrip())
            sys.stderr.write(f"{foreign.rstrip()}\n")
        if mark:
            self._take(read(event))

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
        """Keep the content of the event of that bare name; raises GarbledAgent."""

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
            hint=f"build it again: {agent_command()}",
        )


def values_of(name: str, fields: Fields) -> dict[str, Any]:
    """Return the content of an event that comes once, by the names of the session's members."""
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
    inference is in neither `warmup_ns` nor `samples_ns`; `run_ns` is the library's part of each of
    the latter, without both copies. `threads` and `power_mode` are what the library reports as
    effective. `peak_rss_kib` is 0 where unknown.
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
    run_ns: list[Nanoseconds]
    steady: bool
    tasks_before: Tasks
    tasks_after: Tasks
    peak_rss_kib: int


def parse(lines: Iterable[str]) -> AgentRun:
    """Return the session in `lines`.

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
        self._run: dict[str, list[Nanoseconds]] = {"warmup": [], "timed": []}

    def take(self, name: str, fields: Fields) -> None:
        if name == "sample":
            phase = fields.text("phase")
            self._samples[phase].append(Nanoseconds(fields.whole("ns")))
            self._run[phase].append(Nanoseconds(fields.whole("run_ns")))
        else:
            self._values |= values_of(name, fields)
        if name == "end":
            self._check_counts(fields)

    def finish(self) -> AgentRun:
        """Return the session; raises GarbledAgent where its end is missing."""
        self.check_ended()
        return AgentRun(
            warmup_ns=self._samples["warmup"],
            samples_ns=self._samples["timed"],
            run_ns=self._run["timed"],
            **self._values,
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
