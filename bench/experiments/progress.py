"""What a person sees while a run goes on: what is measured, how much is left, the last median.

Drawn only between sessions: a redraw while a child measures would take one of its cores.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import median
from typing import Protocol

from bench.core.units import duration, significant, to_ms
from bench.experiments.latency.schedule import Step
from bench.storage.schema.latency import JournalEntry


class Display(Protocol):
    """The pipeline's observer, and the preparation's."""

    def prepares(self, what: str) -> None: ...
    def starts(self, step: Step, left: int) -> None: ...
    def ended(self, step: Step, entry: JournalEntry) -> None: ...


def result_text(entry: JournalEntry) -> str:
    """Return what a session came to, in a few words."""
    if entry.session is not None:
        return f"{significant(to_ms(median(entry.session.durations_ns)))} ms"
    if entry.failed is not None:
        return f"failed ({entry.failed.failure})"
    return "skipped"


class Lines:
    """One line a session, for logs and pipes."""

    def __init__(self) -> None:
        self._clock = Remaining()

    def prepares(self, what: str) -> None:
        _say(what)

    def starts(self, step: Step, left: int) -> None:
        self._clock.starts(left)

    def ended(self, step: Step, entry: JournalEntry) -> None:
        left = self._clock.ended()
        number, total = self._clock.done, self._clock.total
        _say(f"[{number}/{total}] {step.cell.label}: {result_text(entry)}; {left} left")


class Bar:
    """A bar on a terminal, redrawn when a session ends."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._clock = Remaining()
        self._last = ""
        self.progress = Progress(
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            auto_refresh=False,
        )
        self._task = self.progress.add_task("preparing", total=None)

    def prepares(self, what: str) -> None:
        self.progress.update(self._task, description=f"preparing: {what}")
        self.progress.refresh()

    def starts(self, step: Step, left: int) -> None:
        left_text = self._clock.starts(left)
        text = f"{step.cell.label} · {left_text} left{self._last}"
        self._show(description=text)

    def ended(self, step: Step, entry: JournalEntry) -> None:
        self._clock.ended()
        self._last = f" · last: {step.cell.variant} {result_text(entry)}"
        self._show()

    def _show(self, description: str | None = None) -> None:
        self.progress.update(
            self._task,
            completed=self._clock.done,
            total=self._clock.total,
            description=description,
        )
        self.progress.refresh()


class Remaining:
    """Tells the time left from the sessions so far."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.done = 0
        self.sessions_left = 0

    @property
    def total(self) -> int:
        """Sessions of this run, as many as are wanted by now."""
        return self.done + self.sessions_left

    def starts(self, left: int) -> str:
        self.sessions_left = left
        if not self.done:
            self._started = time.monotonic()
        return self._text()

    def ended(self) -> str:
        self.done += 1
        self.sessions_left -= 1
        return self._text()

    def _text(self) -> str:
        if not self.done:
            return f"{self.sessions_left} sessions"
        each = (time.monotonic() - self._started) / self.done
        return duration(each * self.sessions_left)


@contextmanager
def display() -> Iterator[Display]:
    """Yield a bar where stderr is a terminal, else lines."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console

    bar = Bar()
    bar.progress.live.console = Console(stderr=True)
    with bar.progress:
        yield bar


def _say(text: str) -> None:
    # A reader that left, as `head` does, is no reason to stop measuring.
    with suppress(BrokenPipeError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
