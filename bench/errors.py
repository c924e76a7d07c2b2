"""Every error that the harness raises on purpose.

    BenchError                    one sentence and a remedy; the command line prints it and exits
    ├── InputError                what the person typed or wrote
    │   ├── UnknownName           a name that no table has
    │   └── BrokenFile            a suite, catalogue or other input file that can't be read as one
    ├── Unavailable               a target, runner or environment that this machine hasn't got
    ├── ArtifactError             an export or a conversion that did not give its file
    └── ResultsError              results/ can't be read or written
        ├── BrokenResult          a result file that is truncated, foreign or of another version
        └── ResultsNotWritable    read-only, full, or not a folder

Standard library only: workers raise these too.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class BenchError(Exception):
    """What is wrong, in one clause that names the thing, and the remedy, in another.

    `exit_status` is what the command line leaves with.
    """

    exit_status = 2

    def __init__(self, problem: str, *, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.problem}: {self.hint}"


class InputError(BenchError):
    """Something that the person typed can't be used as it is."""


class UnknownName(InputError):
    """`name` is none of the `known` ones of its `kind`."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        choices = sorted(known)
        near = difflib.get_close_matches(name, choices, n=1)
        guess = f"did you mean '{near[0]}'? " if near else ""
        super().__init__(
            f"there is no {kind} '{name}'", hint=f"{guess}choose from {', '.join(choices)}"
        )
        self.name = name


class BrokenFile(InputError):
    """An input file that exists, or should, and can't be read as what it is for."""

    def __init__(self, path: Path | str, problem: str, *, hint: str) -> None:
        super().__init__(f"{path}: {problem}", hint=hint)
        self.path = Path(path)


class Unavailable(BenchError):
    """This machine lacks what a target, a runner or an environment needs."""


class ArtifactError(BenchError):
    """An export or a conversion failed; `log_tail` holds the end of what its process said."""

    def __init__(self, problem: str, *, hint: str, log_tail: str = "") -> None:
        super().__init__(problem, hint=hint)
        self.log_tail = log_tail


class ResultsError(BenchError):
    """The results folder can't serve."""


class BrokenResult(ResultsError):
    """A result file that can't be trusted: truncated, foreign, or of another schema version."""

    def __init__(self, path: Path, problem: str, *, hint: str) -> None:
        super().__init__(f"{path}: {problem}", hint=hint)
        self.path = path


class ResultsNotWritable(ResultsError):
    """Nothing can be written where the results should go."""
