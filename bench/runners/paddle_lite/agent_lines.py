"""The device program's lines in their order, whatever kind of session they tell of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from bench.runners.paddle_lite.agent_events import (
    AgentFailed,
    Fields,
    GarbledAgent,
    read,
    read_output,
)
from bench.runners.paddle_lite.agent_tasks import read_tasks

After = Mapping[str, tuple[str, ...]]
"""What may stand before each event."""

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

    @property
    def pid(self) -> int | None:
        """The program's process on the device, once it has said so."""
        return self._pid

    def feed(self, line: str) -> None:
        """Take one line; raises AgentFailed or GarbledAgent at once where it ends the session."""
        fields = read(line)
        name = fields.text("event")
        if name == "error":
            raise AgentFailed(fields.text("reason"), fields.text_or_none("arm"))
        event = self._event(name, fields)
        if self._last not in self._after[event]:
            fields.refuse(f"comes after {self._last}")
        if name == "start":
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


def values_of(name: str, fields: Fields) -> dict[str, Any]:
    """Return what an event that comes once says, by the names of the session's members."""
    if name == "start":
        return {
            "version": fields.text("agent"), "library": fields.text("library"),
            "abi": fields.text("abi"), "pid": fields.whole("pid"),
        }  # fmt: skip
    if name == "tasks":
        return {f"tasks_{fields.text('when')}": read_tasks(fields)}
    if name == "output":
        return {"output": read_output(fields)}
    if name == "steady":
        return {"steady": fields.flag("steady")}
    return {member: fields.whole(member) for member in _WHOLE[name]}


_WHOLE = {"loaded": ("load_ns",), "first": ("first_inference_ns",), "end": ("peak_rss_kib",)}
