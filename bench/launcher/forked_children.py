"""Children that need the same modules, forked from a process that has imported them once.

Each is as fresh as one of its own, prints into logs of its own and ends alone. Where a fork falls
over, the request goes to a child that imports for itself, whose answer counts: what a fork may not
do is no fault of the request.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from bench.launcher.client import Worker, WorkerFailed
from bench.launcher.forks import Forker, open_forker
from bench.launcher.process import ChildResult, Replied, run_child

Launch = Callable[..., ChildResult]

_CHILDREN = 24  # of one importing process: each takes four descriptors of this one
_DIES_WITHIN_S = 5.0
_MOST_BYTES = 1 << 40  # a converter may write files as large as nets are
_OF_THE_REQUEST = ("conversion", "unavailable", "timeout", "disk-full")


@dataclass(slots=True)
class _Importing:
    """A process that has imported something, how many of its children run, and what ends it."""

    forker: Forker
    end: ExitStack
    children: int = 0


class ForkedChildren:
    """Runs children as `run_child` does; a request's `imports` are imported before it is forked.

    One process serves each interpreter, environment and list of imports, for all threads; it ends
    with the thread that needed it first, and the next request starts another. `alone` runs a
    request without imports, and what a fork fell over.
    """

    def __init__(self, alone: Launch = run_child) -> None:
        self._alone = alone
        self._locks: dict[str, threading.Lock] = {}
        self._importing: dict[str, _Importing] = {}

    def __call__(
        self,
        request: Mapping[str, Any],
        *,
        python: Path,
        env: Mapping[str, str],
        timeout_s: float,
    ) -> ChildResult:
        """Return what became of `request`; raises Unavailable where `python` can't be started."""
        if request.get("imports") and sys.platform == "linux":
            result = self._forked(request, python, env, timeout_s)
            if isinstance(result, Replied) or result.kind in _OF_THE_REQUEST:
                return result
        return self._alone(request, python=python, env=env, timeout_s=timeout_s)

    def close(self) -> None:
        """End the processes that have imported something, and what they forked."""
        with ExitStack() as ends:
            for one in self._importing.values():
                ends.push(one.end)
            self._importing.clear()

    def _forked(
        self, request: Mapping[str, Any], python: Path, env: Mapping[str, str], timeout_s: float
    ) -> ChildResult:
        began = time.perf_counter_ns()
        try:
            with self._child(request, python, env) as child:
                answer = child.first(timeout_s=timeout_s)
        except WorkerFailed as failed:
            return failed.failure
        wall_ns = time.perf_counter_ns() - began
        return Replied(value=answer, pid=child.process.pid, wall_ns=wall_ns)

    @contextmanager
    def _child(
        self, request: Mapping[str, Any], python: Path, env: Mapping[str, str]
    ) -> Iterator[Worker]:
        """Fork a child for `request` and end it afterwards; raises WorkerFailed."""
        key = json.dumps([request["imports"], str(python), sorted(env.items())])
        lock = self._locks.setdefault(key, threading.Lock())  # others import meanwhile
        with lock:
            one = self._importing.get(key) or self._start(request["imports"], python, env)
            self._importing[key] = one
            try:
                child = one.forker.fork(request, most_bytes=_MOST_BYTES)
            except WorkerFailed:
                del self._importing[key]
                one.end.close()
                raise
            one.children += 1
            if not one.forker.left:  # the next child needs another
                del self._importing[key]
        try:
            yield child
        finally:
            child.process.kill()
            with suppress(WorkerFailed, TimeoutExpired):
                child.process.wait(_DIES_WITHIN_S)
            with lock:
                one.children -= 1
                if not one.children and not one.forker.left:
                    one.end.close()

    def _start(self, imports: Sequence[str], python: Path, env: Mapping[str, str]) -> _Importing:
        with ExitStack() as opening:
            forker = opening.enter_context(
                open_forker(imports=imports, python=python, env=env, most=_CHILDREN)
            )
            return _Importing(forker, opening.pop_all())
