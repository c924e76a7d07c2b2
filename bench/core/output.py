"""The only writer to the terminal or a log, but for the progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress

from bench.core import escape


def show(text: str) -> None:
    """Write an answer to stdout. Its lines are the caller's: `escape.lines` makes them."""
    sys.stdout.write(escape.printed(text))


def show_lines(texts: Iterable[str]) -> None:
    """Write each of `texts` to stdout as one line."""
    show(escape.lines(texts))


def say(text: str) -> None:
    """Write a line to stderr; a reader or a terminal that has gone is no reason to stop."""
    with suppress(OSError):
        sys.stderr.write(escape.printed(escape.lines([text])))
        sys.stderr.flush()
