"""An engine in a process of its own, below a worker or a converter that can't import it.

It is a Python program for an interpreter that the harness names in ENGINE_PYTHON, or a compiled one
that it names in ENGINE_PROGRAM. A Python program is started by its path and by itself (-I): this
project's packages import on Python 3.10 only, and files beside the program bear engines' names.
A program speaks first, one line of JSON on a pipe of its own:

    {"ready": {...}}                         what it has done so far
    {"unavailable": "why", "hint": "remedy"} it can't open its engine; a remedy where there is one

From then on it answers each line on its standard input by one line on that pipe, and leaves when
they end. What it printed last is told where it falls over. It has a guard of its own, which ends it
with its parent. Standard library only.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.errors import BenchError, Unavailable
from bench.core.protocol import ENGINE_PROGRAM, ENGINE_PYTHON
from bench.launcher.client import Child, WorkerFailed, open_child
from bench.launcher.process import ChildFailed, judge, request_folder

_LEAVES_WITHIN_S = 10.0


class EngineLost(BenchError):
    """The engine's process gave no answer; `kind` is that of a failed child.

    As a text it ends in what that process printed last, for the log of whoever started it.
    """

    def __init__(self, kind: str, message: str, *, hint: str, log_tail: str = "") -> None:
        super().__init__(f"the engine's own process: {message}", hint=hint)
        self.kind = kind
        self.log_tail = log_tail

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.log_tail}"


@dataclass(slots=True, kw_only=True)
class EngineProcess:
    """A program that holds the engine.

    `ready` is what it told first; `folder` is for files that both sides read and write.
    """

    ready: Mapping[str, Any]
    live: Child

    @property
    def pid(self) -> int:
        return self.live.pid

    @property
    def folder(self) -> Path:
        return self.live.folder

    def ask(self, command: Mapping[str, object], timeout_s: float) -> Mapping[str, Any]:
        """Give it a command and return its answer; raises EngineLost."""
        with _as_engine_lost():
            return self.live.ask(command, timeout_s)


def garbage(answer: object) -> EngineLost:
    """Return the error of an answer that isn't what was asked for."""
    return EngineLost(
        "garbage-reply", f"it answered {answer!r}", hint="its program is of another version"
    )


@contextmanager
def open_engine_process(
    program: Sequence[str], *words: str, timeout_s: float
) -> Iterator[EngineProcess]:
    """Start `program` with `words` and a pipe's number, and end it afterwards, whatever happened.

    Yields once it has told that it is ready. Raises EngineLost where it doesn't within `timeout_s`
    or where it falls over when it is to leave, Unavailable where program or engine are missing.
    """
    # The current folder is a worker's own, and goes with it where it has to be killed.
    with request_folder(Path.cwd()) as folder:

        def command(replies: int) -> list[str]:
            return [*program, *words, str(replies)]

        with open_child(Child, command, folder, os.environ) as live:
            yield EngineProcess(ready=_ready(live, timeout_s), live=live)
            _leave(live)


def interpreted(program: Path) -> list[str]:
    """Return how a Python program for the engine's interpreter is started; raises Unavailable."""
    return [_named(ENGINE_PYTHON, "the interpreter that has the engine"), "-I", str(program)]


def compiled() -> list[str]:
    """Return how the engine's compiled program is started; raises Unavailable."""
    return [_named(ENGINE_PROGRAM, "the engine's compiled program")]


def _named(variable: str, what: str) -> str:
    named = os.environ.get(variable)
    if named is None:
        raise Unavailable(
            f"nobody told {what}",
            hint=f"let the harness start this, or name it in {variable}",
        )
    return named


def _ready(live: Child, timeout_s: float) -> Mapping[str, Any]:
    with _as_engine_lost():
        first = live.hear(timeout_s)
    if "unavailable" in first:
        remedy = first.get("hint", "leave --env out to have its environment built")
        raise Unavailable(str(first["unavailable"]), hint=str(remedy))
    if not isinstance(first.get("ready"), dict):
        raise garbage(first)
    ready: Mapping[str, Any] = first["ready"]
    return ready


def _leave(live: Child) -> None:
    """Let it tear its engine down; raises EngineLost unless it leaves with status 0."""
    assert live.process.stdin is not None  # noqa: S101 - it is a pipe
    with suppress(OSError):
        live.process.stdin.close()
    try:
        status: int | None = live.process.wait(_LEAVES_WITHIN_S)
    except subprocess.TimeoutExpired:
        status = None
    if status != 0:
        found = judge(live.folder, status, live.pid, 0, _LEAVES_WITHIN_S)
        raise _lost(found) if isinstance(found, ChildFailed) else garbage(found)


@contextmanager
def _as_engine_lost() -> Iterator[None]:
    try:
        yield
    except WorkerFailed as lost:
        raise _lost(lost.failure) from None


def _lost(failure: ChildFailed) -> EngineLost:
    said = "its answer isn't one" if failure.kind == "garbage-reply" else failure.message
    return EngineLost(failure.kind, said, hint=failure.hint, log_tail=failure.log_tail)
