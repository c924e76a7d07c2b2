"""What a person sees while an experiment goes on: what is measured, how much is left.

Drawn only between units: a redraw while a child measures would take one of its cores.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from bench.core.escape import plain
from bench.core.output import say
from bench.core.units import duration

_LINE_EVERY_S = 5.0
_WAITING_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One session, or one chunk of images.

    `left` counts the units that will likely be executed, this one included. `execute` returns what
    the unit came to, in a few words. A `minor` one needs no line of its own.
    """

    label: str
    left: int
    execute: Callable[[], str]
    minor: bool = False


Units = Generator[Unit, None, None]


class Display(Protocol):
    """Shows preparation, units and what is waited for between them."""

    def prepares(self, what: str) -> None: ...
    def waits(self, why: str) -> None: ...
    def starts(self, unit: Unit) -> None: ...
    def ended(self, unit: Unit, result: str) -> None: ...


class Lines:
    """One line a unit, for logs and pipes; of minor units one every few seconds, and the last."""

    def __init__(self, *, preparation: bool = True) -> None:
        self._clock = Remaining()
        self._preparation = preparation
        self._written = self._waited = float("-inf")

    def prepares(self, what: str) -> None:
        if self._preparation:
            say(f"preparing: {what}")

    def waits(self, why: str) -> None:
        now = time.monotonic()
        if now - self._waited >= _WAITING_EVERY_S:
            self._waited = now
            say(f"waiting: {why}")

    def starts(self, unit: Unit) -> None:
        self._clock.starts(unit.left)

    def ended(self, unit: Unit, result: str) -> None:
        left = self._clock.ended()
        number, total, now = self._clock.done, self._clock.total, time.monotonic()
        if unit.minor and number < total and now - self._written < _LINE_EVERY_S:
            return
        self._written = now
        say(f"[{number}/{total}] {unit.label}: {result}; {left} left")


class Bar:
    """A bar on a terminal, redrawn when a unit ends."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._clock = Remaining()
        self._last = ""
        self.progress = Progress(
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            auto_refresh=False,
        )
        self._task = self.progress.add_task("preparing", total=None)

    def prepares(self, what: str) -> None:
        self._show(description=f"preparing: {what}")

    def waits(self, why: str) -> None:
        self._show(description=f"waiting: {why}")

    def starts(self, unit: Unit) -> None:
        left_text = self._clock.starts(unit.left)
        self._show(description=f"{unit.label} · {left_text} left{self._last}")

    def ended(self, unit: Unit, result: str) -> None:
        self._clock.ended()
        self._last = f" · last: {unit.label.partition(' ')[0]} {result}"
        self._show()

    def _show(self, description: str | None = None) -> None:
        self.progress.update(
            self._task,
            completed=self._clock.done,
            total=self._clock.total,
            description=None if description is None else plain(description),
        )
        self.progress.refresh()


class Remaining:
    """Estimates the time left from the units so far."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.done = 0
        self.units_left = 0

    @property
    def total(self) -> int:
        """Units of this process, as many as are wanted by now."""
        return self.done + self.units_left

    def starts(self, left: int) -> str:
        self.units_left = left
        if not self.done:
            self._started = time.monotonic()
        return self._text()

    def ended(self) -> str:
        self.done += 1
        self.units_left -= 1
        return self._text()

    def _text(self) -> str:
        if not self.done:
            return f"{self.units_left} sessions"
        each = (time.monotonic() - self._started) / self.done
        return duration(each * self.units_left)


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
