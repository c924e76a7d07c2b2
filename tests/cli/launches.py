"""Launchers that end a run early, or whose figures are the same each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bench.launcher.process import ChildFailed, ChildResult, Replied, run_child


def nothing() -> None:
    """Do nothing."""


@dataclass
class Counted:
    """Launches real children and counts the sessions; `event` happens once `after` are in.

    Every sample is put to what its cell and the number of the session make of it, so that two runs
    of one plan have the same figures.
    """

    after: int = -1
    event: Callable[[], None] = nothing
    sessions: list[str] = field(default_factory=list)

    def __call__(self, request: Any, **how: Any) -> ChildResult:
        if request["operation"] != "measure":
            return run_child(request, **how)
        if len(self.sessions) == self.after:
            self.event()
        result = run_child(request, **how)
        cell = request["cell"]
        self.sessions.append(f"{cell['variant']} b{cell['batch']}")
        assert isinstance(result, Replied)
        fixed = 1_000_000 * cell["batch"] + 100 * len(cell["variant"])
        samples = [fixed for _ in result.value["samples_ns"]]
        return replace(result, value={**result.value, "samples_ns": samples, "steady": True})


def interrupt() -> None:
    """Do what Ctrl-C does."""
    raise KeyboardInterrupt


@dataclass(frozen=True)
class Failing:
    """Measures nothing: each session fails with `message`, as `kind`."""

    message: str
    kind: str = "error"

    def __call__(self, request: Any, **how: Any) -> ChildResult:
        if request["operation"] != "measure":
            return run_child(request, **how)
        return ChildFailed(kind=self.kind, message=self.message, hint="see log_tail", log_tail="")
