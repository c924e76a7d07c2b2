"""Fakes of which nothing is known of what others took: they work for 0.1 ms, and that is chance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar
from unittest.mock import patch

from bench.worker.process import Process

Opened = TypeVar("Opened")


def unwatched(
    opens: Callable[..., Iterator[Opened]],
) -> Callable[..., AbstractContextManager[Opened]]:
    """Make the generator a context manager in which this process doesn't read its threads' waits.

    It is for a runner's `open`, which only a worker calls.
    """
    opened = contextmanager(opens)

    @contextmanager
    def alone(*arguments: object) -> Iterator[Opened]:
        with patch.object(Process, "cpu_time", lambda _: None), opened(*arguments) as session:
            yield session

    return alone
