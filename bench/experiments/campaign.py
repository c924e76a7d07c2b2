"""What ends a measuring early, told with the command that goes on with it. No engine, no files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.core.errors import BenchError, DeviceError, ResultsNotWritable


@contextmanager
def telling_how_to_go_on(resume: str) -> Iterator[None]:
    """Have the command `resume` in the remedy of a disk that is full and a device that is gone."""
    try:
        yield
    except ResultsNotWritable as error:
        raise ResultsNotWritable(
            f"{error.problem}; what was measured before is kept",
            hint=f"free some space, then `{resume}`",
        ) from error
    except DeviceError as error:
        raise BenchError(
            f"{error.problem}; what was measured before is kept",
            hint=f"{error.hint}, then `{resume}`",
        ) from error
