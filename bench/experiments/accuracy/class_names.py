"""Class names: a file with one a line, in the order of the net's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.core.errors import BrokenFile
from bench.storage.validation import read_text

_HINT = "write one class a line, in the order of the net's outputs"


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file without the blanks around them; raises BrokenFile."""
    return [line.strip() for line in read_text(path).split("\n")]


def read_names(path: Path) -> tuple[str, ...]:
    """Return the class names in `path`; raises BrokenFile.

    Where each line begins with its own number, as in PaddleClas's lists, the numbers are left out.
    """
    lines = read_lines(path)
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise BrokenFile(path, "it names no class", hint=_HINT)
    if "" in lines:
        raise BrokenFile(path, f"line {lines.index('') + 1} is empty", hint=_HINT)
    return _without_numbers(lines)


def _without_numbers(lines: Sequence[str]) -> tuple[str, ...]:
    heads = [line.partition(" ")[::2] for line in lines]
    numbered = all(head == str(at) and rest for at, (head, rest) in enumerate(heads))
    return tuple(rest.strip() for _, rest in heads) if numbered else tuple(lines)


def check_count(names: Sequence[str], classes: int, path: Path) -> None:
    """Raise BrokenFile unless there is a name for each of the net's `classes`."""
    if len(names) != classes:
        raise BrokenFile(
            path, f"it names {len(names)} classes, and the net has {classes}", hint=_HINT
        )
