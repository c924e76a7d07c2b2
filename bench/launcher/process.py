"""The parent's side of `bench.core.protocol`: start a child, sleep until it ends, say how it ended.

Nothing here raises for what a child does: a crash, an abort, a hang, a silent exit and a garbled
reply each become a ChildFailed with the tail of the log.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.errors import BenchError, Unavailable
from bench.core.protocol import (
    MODULE,
    MOST_ANSWER_BYTES,
    REPLY,
    REQUEST,
    STDERR,
    STDOUT,
    read_json,
    write_json,
)
from bench.launcher.environment import child_environment

_TAIL_BYTES = 4000
_TAIL_LINES = 30
MESSAGE_CHARS = 2000
_WORDS_CHARS = 200
SEE_LOG = "see log_tail in the cell's file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """The child answered with `value`; `teardown` says how it left, where that wasn't status 0."""

    value: Mapping[str, Any]
    pid: int
    wall_ns: int
    teardown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFailed:
    """The child gave no result. `kind` is one of

    crash, abort, killed, timeout, no-reply, garbage-reply (found out by the parent);
    unavailable, wrong-output, conversion, error (said by the child itself).
    """

    kind: str
    message: str
    hint: str
    log_tail: str = ""


ChildResult = Replied | ChildFailed


def run_child(
    request: Mapping[str, Any],
    *,
    python: Path,
    env: Mapping[str, str],
    timeout_s: float,
    module: str = MODULE,
) -> ChildResult:
    """Run `python -m module DIR` on `request` and return what became of it.

    The child's process group is ended at `timeout_s` seconds, and when this process is interrupted.
    Raises Unavailable where `python` can't be started.
    """
    with request_folder() as folder:
        write_json(folder / REQUEST, request)
        began = time.perf_counter_ns()
        with started(module, folder, python, child_environment(env)) as process:
            status = _wait(process, timeout_s)
        wall_ns = time.perf_counter_ns() - began
        return judge(folder, status, process.pid, wall_ns, timeout_s)


@contextmanager
def request_folder(inside: Path | None = None) -> Iterator[Path]:
    """Yield a folder for one child's files, gone afterwards; raises BenchError without any.

    It lies in `inside`, or where temporary files go.
    """
    try:
        holder = tempfile.TemporaryDirectory(prefix="bench-", dir=inside)
    except OSError as error:
        raise BenchError(
            f"no temporary folder for a child process: {error.strerror}",
            hint="free some space, or point TMPDIR at a folder that can be written",
        ) from error
    with holder as name:
        yield Path(name)


@contextmanager
def started(
    module: str,
    folder: Path,
    python: Path,
    env: Mapping[str, str],
    *,
    stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child in a process group of its own and leave none of it behind.

    Raises Unavailable where `python` can't be started.
    """
    with (folder / STDOUT).open("wb") as out, (folder / STDERR).open("wb") as err:
        try:
            process = subprocess.Popen(
                [str(python), "-m", module, str(folder)],
                stdin=stdin,
                stdout=out,
                stderr=err,
                env=dict(env),
                cwd=folder,
                pass_fds=pass_fds,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(
                f"the interpreter {python} can't be started: {error.strerror}",
                hint="delete its environment, which is then built again, or give one with --env",
            ) from error
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    """Return the exit status, or None at the time-out, asleep all the while.

    Popen.wait(timeout) polls; a pidfd (Linux 5.3) lets the parent sleep while the child measures.
    """
    if hasattr(os, "pidfd_open"):
        descriptor = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll(timeout_s * 1000)
        finally:
            os.close(descriptor)
        return process.poll()
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None


def judge(
    folder: Path, status: int | None, pid: int, wall_ns: int, timeout_s: float
) -> ChildResult:
    """Turn a child's exit `status` (None: time-out) and its folder into a result.

    A whole reply counts even if the child fell over while tearing down; the fall is noted.
    """
    tail = log_tail(folder)
    reply = _read_reply(folder)
    if isinstance(reply, dict) and "ok" in reply:
        teardown = None if status == 0 else _ended(status, timeout_s)[1]
        return Replied(value=reply["ok"], pid=pid, wall_ns=wall_ns, teardown=teardown)
    if isinstance(reply, dict) and "error" in reply:
        texts = {name: str(text)[:MESSAGE_CHARS] for name, text in reply["error"].items()}
        return ChildFailed(**texts, log_tail=tail)
    if status is None or status != 0:
        kind, message = _ended(status, timeout_s)
        message += " and no reply" if kind == "no-reply" else ""
        said = "" if status is None else _last_words(folder)
        message = f"{said}: {message}" if said else message
        return ChildFailed(kind=kind, message=message, hint=_HINTS[kind], log_tail=tail)
    if reply is _ABSENT:
        return ChildFailed(
            kind="no-reply",
            message="the child ended with status 0 and left no reply",
            hint=f"something in the engine called exit(); {SEE_LOG}",
            log_tail=tail,
        )
    return ChildFailed(
        kind="garbage-reply",
        message="the child's reply isn't one",
        hint="the interpreter runs another version of the harness, or its disk is full",
        log_tail=tail,
    )


_HINTS = {
    "timeout": "raise timeout_s in the suite's preset if the net is only slow",
    "crash": f"{SEE_LOG}; the interpreter's libraries may not fit this CPU",
    "abort": f"{SEE_LOG} for the check that failed in the engine",
    "killed": "the system may have run out of memory; a smaller batch needs less",
    "no-reply": SEE_LOG,
}

_SIGNAL_KINDS: Mapping[int, str] = {
    signal.SIGSEGV: "crash",
    signal.SIGBUS: "crash",
    signal.SIGILL: "crash",
    signal.SIGFPE: "crash",
    signal.SIGABRT: "abort",
}


def _ended(status: int | None, timeout_s: float) -> tuple[str, str]:
    """Return the kind and the sentence of an end that isn't status 0."""
    if status is None:
        return "timeout", f"the child wasn't done within {timeout_s:g} s and was ended"
    if status < 0:
        return _SIGNAL_KINDS.get(-status, "killed"), f"the child died of {_signal_name(-status)}"
    return "no-reply", f"the child left with status {status}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"


class _Absent:
    """There is no reply file."""


_ABSENT = _Absent()


def _read_reply(folder: Path) -> object:
    try:
        with (folder / REPLY).open("rb") as file:
            reply = read_json(file.read(MOST_ANSWER_BYTES + 1))
    except FileNotFoundError:
        return _ABSENT
    except (OSError, ValueError):
        return None
    return reply if _is_reply(reply) else None


def _is_reply(reply: object) -> bool:
    if not isinstance(reply, dict):
        return False
    if set(reply) == {"error"}:
        error = reply["error"]
        return isinstance(error, dict) and set(error) == {"kind", "message", "hint"}
    return set(reply) == {"ok"} and isinstance(reply["ok"], dict)


def log_tail(folder: Path) -> str:
    """Return the last lines of what the child printed, its errors last: 30, and 4000 bytes."""
    parts = [_end_of(folder / name).strip() for name in (STDOUT, STDERR)]
    lines = "\n".join(part for part in parts if part).splitlines()
    tail = "\n".join(lines[-_TAIL_LINES:]).encode()[-_TAIL_BYTES:]
    return tail.decode("utf-8", "ignore")


def _end_of(path: Path) -> str:
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace")
    return ""


def _last_words(folder: Path) -> str:
    """Return the last line that the engine wrote to stderr, "" for none; the cause is there."""
    lines = [line.strip() for line in _end_of(folder / STDERR).splitlines()]
    last = next((line for line in reversed(lines) if any(map(str.isalnum, line))), "")
    return last if len(last) <= _WORDS_CHARS else f"…{last[-_WORDS_CHARS:]}"
