"""What both ways to a device share: a stream of bytes to one of its services, and a deadline.

Below this line two of Python's own exceptions say all that can go wrong with a link: TimeoutError
for a deadline that passed, ConnectionError for a link or stream that ended. `calls.py` turns them
into `bench.core.errors.DeviceError`'s kinds.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the monotonic clock, in seconds."""

    end_s: float

    @classmethod
    def after(cls, timeout_s: float) -> Deadline:
        return cls(monotonic() + timeout_s)

    def left_s(self) -> float:
        """Return the seconds that are left, more than 0; raises TimeoutError when none are."""
        left_s = self.end_s - monotonic()
        if left_s <= 0:
            raise TimeoutError("the deadline has passed")
        return left_s


class Stream(Protocol):
    """Bytes to and from one service of a device."""

    def read(self, deadline: Deadline) -> bytes:
        """Return what has come, at least one byte, or b"" once the device has closed."""
        ...

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Send all of `data`; may stop short when the device answers in the middle of it."""
        ...

    def answered(self) -> bool:
        """Tell, without waiting, whether `read` would return at once."""
        ...

    def close(self) -> None:
        """End the stream, and with it what the service does; never raises."""
        ...


@contextmanager
def link_errors() -> Iterator[None]:
    """Turn every other OSError of a socket into ConnectionError."""
    try:
        yield
    except (TimeoutError, ConnectionError):
        raise
    except OSError as error:
        raise ConnectionError(str(error)) from error


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Give an empty file beside `path`, readable by this user only; removed unless renamed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
