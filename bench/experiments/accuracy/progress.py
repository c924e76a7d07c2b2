"""What a person sees while images go by: how many are done, how many are left, for how long."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bench.core.units import duration

_LINE_EVERY_S = 5.0


def say(text: str) -> None:
    """Write a line to stderr, which nobody need read."""
    with suppress(BrokenPipeError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def draw(text: str) -> None:
    """Write `text` over the terminal's last line."""
    with suppress(BrokenPipeError):
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


@dataclass(slots=True, kw_only=True)
class Progress:
    """Counts images, of all variants together; one line every few seconds, and the last.

    On a terminal `redraw` writes over the same line instead.
    """

    total: int
    write: Callable[[str], None] = say
    redraw: Callable[[str], None] | None = None
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    here: int = 0
    _began: float | None = None
    _told: float = field(default=float("-inf"))

    def starts(self, done: int) -> None:
        """Begin with `done` images from an earlier try."""
        self.done, self.here, self._began = done, 0, self.clock()

    def saw(self, images: int, what: str) -> None:
        """Count `images` more of `what`."""
        self.done += images
        self.here += images
        now = self.clock()
        last = self.done >= self.total
        if self.redraw is not None:
            self.redraw(self._text(what, now))
            if last:
                self.write("")
        elif last or now - self._told >= _LINE_EVERY_S:
            self._told = now
            self.write(self._text(what, now))

    def _text(self, what: str, now: float) -> str:
        left = self.total - self.done
        began = now if self._began is None else self._began
        seconds = (now - began) / self.here * left if self.here else 0.0
        time_left = f", about {duration(seconds)}" if left else ""
        return f"[{self.done}/{self.total}] {what}: {left} images left{time_left}"


def progress_for(total: int) -> Progress:
    """Return what suits stderr: a line drawn over on a terminal, lines elsewhere."""
    return Progress(total=total, redraw=draw if sys.stderr.isatty() else None)
