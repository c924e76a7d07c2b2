"""What ends a measuring early: what was measured is kept, and how to go on with it is told.

One rule for runs, live comparisons and accuracy runs. No engine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel

from bench.core.errors import BenchError, ResultsError, ResultsNotWritable

Manifest = TypeVar("Manifest", bound=BaseModel)


class Folder(Protocol[Manifest]):
    """Where a measuring is kept; its manifest has a status."""

    def manifest(self) -> Manifest: ...
    def write_manifest(self, manifest: Manifest, /) -> None: ...


@dataclass(slots=True)
class End:
    """How a measuring ended: `interrupted` by a person, or not."""

    interrupted: bool = False


@contextmanager
def kept(folder: Folder[Manifest], resume: str) -> Iterator[End]:
    """See to it that what ends a measuring early leaves one that the command `resume` goes on with.

    Its status is "interrupted" then, unless nothing can be written. An error tells the command. A
    person's interruption goes no further: what is yielded tells of it, and `interruption` words it.
    """
    end = End()
    try:
        yield end
    except ResultsNotWritable as error:
        _tell(error, "free some space", resume)
        raise
    except BenchError as error:
        _interrupt(folder)
        _tell(error, error.hint, resume)
        raise
    except KeyboardInterrupt:
        _interrupt(folder)
        end.interrupted = True
    except BaseException:
        _interrupt(folder)
        sys.stderr.write(f"bench: what was measured is kept: go on with `{resume}`\n")
        raise


def interruption(resume: str) -> str:
    """Return the sentence on a person's interruption, with the command that goes on."""
    return f"bench: interrupted; what was measured is kept: go on with `{resume}`"


def _tell(error: BenchError, remedy: str, resume: str) -> None:
    """Have the command `resume` in the remedy of `error`, whose kind stays."""
    error.problem = f"{error.problem}; what was measured before is kept"
    error.hint = f"{remedy}, then `{resume}`"


def _interrupt(folder: Folder[Manifest]) -> None:
    """Write that it was interrupted; where that fails, what ended it is the better tale."""
    with suppress(ResultsError):
        folder.write_manifest(folder.manifest().model_copy(update={"status": "interrupted"}))
