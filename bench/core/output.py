"""The only writer to the terminal or a log, but for the progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

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
        _writers[-1](escape.printed(escape.lines([text])))


def say_command(text: str, command: str) -> None:
    """Write to stderr what a command is for, and it alone on the next line, where one copies it."""
    say(f"{text}:")
    say(f"  {command}")


@contextmanager
def said_by(write: Callable[[str], object]) -> Iterator[None]:
    """Have `write` bring what is said to stderr, as a progress bar has to, until the context ends.

    It is given whole lines.
    """
    _writers.append(write)
    try:
        yield
    finally:
        _writers.pop()


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


_writers: list[Callable[[str], object]] = [_to_stderr]
