"""The only writer to the terminal or a log, but for the progress bar."""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from bench.core import escape


def show(text: str) -> None:
    """Write an answer to stdout. Its lines are the caller's: `escape.lines` makes them."""
    sys.stdout.write(escape.printed(text))


def show_lines(texts: Iterable[str]) -> None:
    """Write each of `texts` to stdout as one line; on a terminal prose is wrapped at words.

    What has two blanks in a row in it is a row of a table, and stays one line.
    """
    width = _prose_width(sys.stdout)
    show(
        escape.lines(
            part
            for text in texts
            for part in ([text] if _ROW.search(text) else wrapped(text, width))
        )
    )


_ROW = re.compile(r"\S {2,}\S")
_COMMAND = re.compile("`[^`]*`")
_KEPT = "\x00"  # a blank that a line isn't broken at


def wrapped(text: str, width: int | None) -> list[str]:
    """Return `text` in lines of at most `width` columns, indented as it is, the later ones more.

    None is as wide as it takes. A command between backticks isn't broken: one copies it.
    """
    line = escape.plain(text)
    if width is None or len(line) <= width:
        return [line]
    indent = len(line) - len(line.lstrip(" "))
    kept = _COMMAND.sub(lambda found: found[0].replace(" ", _KEPT), line)
    parts = textwrap.wrap(
        kept,
        max(width, 20),
        subsequent_indent=" " * (indent + 2 * bool(indent)),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [part.replace(_KEPT, " ") for part in parts]


_PLAINER = {
    **dict.fromkeys("─━═", "-"), **dict.fromkeys("–—−", "-"), **dict.fromkeys("█▉▊▋▌", "#"),
    **dict.fromkeys("▍▎▏", "."), **dict.fromkeys("‘’", "'"), "±": "+/-", "…": "...", "×": "x",
    "→": "->", "≤": "<=", "≥": ">=",
}  # fmt: skip


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """Return what a terminal shows in the place of signs that its encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAINER.get(sign, "?") for sign in lacking), error.end


def suit_encoding() -> None:
    """Have stdout and stderr write a plainer sign for one that their encoding lacks."""
    codecs.register_error("plainer", _plainer)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plainer")


def columns(stream: TextIO | None = None) -> int | None:
    """Return how many columns COLUMNS says, else the terminal has that stdout, or `stream`, is.

    None: it is none.
    """
    stream = sys.stdout if stream is None else stream
    with suppress(ValueError):
        if (said := int(os.environ.get("COLUMNS", ""))) > 0:
            return said
    with suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else None
    return None


def _prose_width(stream: TextIO) -> int | None:
    """Return at how many columns prose is wrapped: a program reads whole lines from a pipe."""
    return columns(stream) if stream.isatty() else None


def say(text: str) -> None:
    """Write a line to stderr; a reader or a terminal that has gone is no reason to stop.

    On a terminal it is wrapped at words.
    """
    _say(wrapped(text, _prose_width(sys.stderr)))


def say_command(text: str, command: str) -> None:
    """Write to stderr what a command is for, and it alone on the next line, where one copies it."""
    say(f"{text}:")
    _say([f"  {command}"])


def _say(texts: Iterable[str]) -> None:
    with suppress(OSError):
        _writers[-1](escape.printed(escape.lines(texts)))


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
