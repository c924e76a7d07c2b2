"""A session of one model, as the device program prints it; `paddle_lite/agent/LINES.md` has it all.

A session counts only when it is whole: every event in its order, every number one that can be, and
as many samples as the program says that it printed. Standard library and numpy only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.core.units import Nanoseconds
from bench.runners.paddle_lite.agent_events import Fields
from bench.runners.paddle_lite.agent_lines import After, Events, values_of
from bench.runners.paddle_lite.agent_tasks import Tasks

if TYPE_CHECKING:
    from bench.runners.paddle_lite.agent_events import Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AgentRun:
    """One whole session on the device; `version` is the program's, `library` Paddle Lite's.

    `output` is float32 in its own shape, NaN where the device's value wasn't finite. The first
    inference is in neither `warmup_ns` nor `samples_ns`. `peak_rss_kib` is 0 where unknown.
    """

    version: str
    library: str
    abi: str
    pid: int
    load_ns: int
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
        super().__init__(_AFTER)
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


_AFTER: After = {
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
