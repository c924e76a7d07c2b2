"""What a person sees while an experiment goes on: what is measured, how much is left.

Drawn only between units: a redraw while a child measures would take one of its cores.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bench.core.escape import plain
from bench.core.output import said_by, say
from bench.core.units import duration

if TYPE_CHECKING:
    from rich.console import Console

_LINE_EVERY_S = 5.0
_WAITING_EVERY_S = 60.0
_WIDE, _MIDDLE = 70, 56
"""The columns of a terminal from which on the bar itself, and the last result, are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One session or several that take turns, or one chunk of images.

    `left` counts the sessions or chunks that will likely be executed, the `count` of this unit
    included. `execute` returns what the unit came to, in a few words. A `minor` one needs no line
    of its own.
    """

    label: str
    left: int
    execute: Callable[[], str]
    count: int = 1
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
        left = self._clock.ended(unit.count)
        number, total, now = self._clock.done, self._clock.total, time.monotonic()
        if unit.minor and number < total and now - self._written < _LINE_EVERY_S:
            return
        self._written = now
        say(f"[{number}/{total}] {unit.label}: {result}; {left} left")


class Bar:
    """A bar on a terminal, redrawn when a unit ends.

    Where it is narrow, the label is cut; where it is very narrow, the bar itself goes, and then the
    last result: the counter and the time left stay.
    """

    def __init__(self, console: Console | None = None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        def text(field: str, **column: Any) -> TextColumn:
            cut = Column(no_wrap=True, overflow="ellipsis", **column)
            return TextColumn(f"{{task.{field}}}", markup=False, table_column=cut)

        self._clock = Remaining()
        count = MofNCompleteColumn(table_column=Column(no_wrap=True))
        core = (count, text("description", ratio=1), text("fields[left]"))
        last = text("fields[last]", max_width=24)
        self._columns = {_WIDE: (BarColumn(bar_width=16), *core, last), _MIDDLE: (*core, last)}
        self._least = core
        self.progress = Progress(*core, console=console, auto_refresh=False, expand=True)
        self._task = self.progress.add_task("preparing", total=None, left="", last="")

    def says(self, text: str) -> None:
        """Write lines above the bar; the terminal wraps them, so that one copies them whole."""
        self.progress.console.print(text, end="", markup=False, highlight=False, soft_wrap=True)

    def prepares(self, what: str) -> None:
        self._show(description=f"preparing: {what}")

    def waits(self, why: str) -> None:
        self._show(description=f"waiting: {why}")

    def starts(self, unit: Unit) -> None:
        left = self._clock.starts(unit.left)
        self._show(description=unit.label, left=f"{left} left")

    def ended(self, unit: Unit, result: str) -> None:
        self._clock.ended(unit.count)
        self._show(last=f"last: {result}")

    def _show(self, **texts: str) -> None:
        width = self.progress.console.width
        fitting = (columns for least, columns in self._columns.items() if width >= least)
        self.progress.columns = next(fitting, self._least)
        self.progress.update(
            self._task,
            completed=self._clock.done,
            total=self._clock.total or None,
            **{name: plain(text) for name, text in texts.items()},  # type: ignore[arg-type]
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

    def ended(self, count: int = 1) -> str:
        self.done += count
        self.units_left -= count
        return self._text()

    def _text(self) -> str:
        if not self.done:
            return f"{self.units_left} sessions"
        each = (time.monotonic() - self._started) / self.done
        return duration(each * self.units_left)


@contextmanager
def display() -> Iterator[Display]:
    """Yield a bar where stderr is a terminal that can move its cursor, else lines.

    As rich has it, NO_COLOR leaves its colours out, and TERM=dumb is a terminal that can't.
    """
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_dumb_terminal:
        yield Lines()
        return
    bar = Bar(console)
    with bar.progress, said_by(bar.says):
        yield bar
