"""Threads that end with whoever waits for them. Standard library only.

Only the main thread is interrupted, and it has to wait for the others: they are told, and what they
wait for is ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

_OF_THIS_THREAD = threading.local()


@dataclass(slots=True)
class _Group:
    """The threads of one pool, and what ends that which they wait for."""

    ended: bool = False
    ends: list[Callable[[], object]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def join(self) -> None:
        _OF_THIS_THREAD.group = self

    def end(self) -> None:
        with self.lock:
            self.ended = True
            for end in self.ends:
                end()


@contextmanager
def pool_of(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool; where an error or Ctrl-C ends the context, its threads end at once."""
    group = _Group()
    with ThreadPoolExecutor(threads, initializer=group.join) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            group.end()
            raise


def check_interrupted() -> None:
    """Raise KeyboardInterrupt in a thread of a pool that is to end."""
    group = _group()
    if group is not None and group.ended:
        raise KeyboardInterrupt


@contextmanager
def ended_by(end: Callable[[], object]) -> Iterator[None]:
    """Have `end` called should this thread's pool end meanwhile; then raise KeyboardInterrupt."""
    group = _group()
    if group is None:
        yield
        return
    with group.lock:
        check_interrupted()
        group.ends.append(end)
    try:
        yield
    finally:
        with group.lock:
            group.ends.remove(end)
    check_interrupted()


def _group() -> _Group | None:
    return getattr(_OF_THIS_THREAD, "group", None)
