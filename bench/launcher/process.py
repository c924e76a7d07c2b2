"""The parent's side of `bench.core.protocol`: start a child, sleep until it ends, say how it ended.

Nothing here raises for what a child does: a crash, an abort, a hang, a silent exit and a garbled
reply each become a ChildFailed with the tail of the log.
"""

from __future__ import annotations

import re
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.core.errors import BenchError
from bench.core.protocol import (
    MODULE,
    REQUEST,
    STDERR,
    STDOUT,
    read_regular,
    read_reply,
    write_json,
)
from bench.core.scratch import scratch_folder, temporary_root
from bench.launcher.environment import child_environment
from bench.launcher.guard import LOG_LIMIT
from bench.launcher.guarded import Note, note_in, started, wait
from bench.launcher.orphans import end_orphans

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

    crash, abort, killed, timeout, no-reply, garbage-reply, too-much-output, disk-full (found out by
    the parent);
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

    The child and all that it started is ended at `timeout_s` seconds, and with this process.
    Raises Unavailable where `python` can't be started.
    """
    with request_folder() as folder:
        write_json(folder / REQUEST, request)
        began = time.perf_counter_ns()
        command = [str(python), "-m", module, str(folder)]
        with started(command, folder, child_environment(env)) as process:
            status = wait(process, timeout_s)
        wall_ns = time.perf_counter_ns() - began
        return judge(folder, status, process.pid, wall_ns, timeout_s)


@contextmanager
def request_folder(inside: Path | None = None) -> Iterator[Path]:
    """Yield a folder for one child's files, gone afterwards; raises BenchError without any.

    It lies in `inside`, or where temporary files go; those of harnesses that were killed go first,
    and what these left running.
    """
    with ExitStack() as stack:
        try:
            holder = scratch_folder(inside or temporary_root(), "bench-", on_dead=end_orphans)
            folder = stack.enter_context(holder)
        except OSError as error:
            raise BenchError(
                f"no temporary folder for a child process: {error.strerror}",
                hint="free some space, or point TMPDIR at a folder that can be written",
            ) from error
        yield folder


def judge(
    folder: Path, status: int | None, pid: int, wall_ns: int, timeout_s: float
) -> ChildResult:
    """Turn a child's exit `status` (None: time-out) and its folder into a result.

    A whole reply counts even if the child fell over while tearing down; the fall is noted.
    """
    note = note_in(folder)
    try:
        reply, kind = read_reply(folder), "garbage-reply"
    except FileNotFoundError:
        reply, kind = None, "no-reply"
    if reply is not None and "ok" in reply:
        teardown = _teardown(status, note, timeout_s)
        return Replied(value=reply["ok"], pid=note.pid or pid, wall_ns=wall_ns, teardown=teardown)
    tail = log_tail(folder)
    if reply is not None:
        texts = {name: text[:MESSAGE_CHARS] for name, text in reply["error"].items()}
        return _of_disk(ChildFailed(**texts, log_tail=tail), folder)
    message = _MESSAGES[kind]
    if note.flooded:
        kind, message = "too-much-output", _MESSAGES["too-much-output"]
    elif status != 0:
        kind, message = _ended(status, timeout_s)
        message += " and no reply" if kind == "no-reply" else ""
        said = "" if status is None else _last_words(folder)
        message = f"{said}: {message}" if said else message
    failure = ChildFailed(kind=kind, message=message, hint=_HINTS[kind], log_tail=tail)
    return _of_disk(failure, folder)


def _of_disk(failure: ChildFailed, folder: Path) -> ChildFailed:
    """Return `failure` as one of a full disk where it looks like that."""
    if failure.kind in _MAY_BE_THE_DISK and (
        _SAYS_FULL.search(f"{failure.message}\n{failure.log_tail}") or is_full(folder)
    ):
        return replace(failure, kind="disk-full", hint=_HINTS["disk-full"])
    return failure


def is_full(folder: Path) -> bool:
    """Tell whether next to nothing can be written in `folder`."""
    try:
        return shutil.disk_usage(folder).free < _LEAST_FREE
    except OSError:
        return False


_LEAST_FREE = 1 << 20
_MAY_BE_THE_DISK = {"no-reply", "garbage-reply", "error", "conversion", "crash", "abort"}
_SAYS_FULL = re.compile(
    r"No space left on device|Disk quota exceeded|\d+ requested and \d+ written"
)


def _teardown(status: int | None, note: Note, timeout_s: float) -> str | None:
    """Return what there is to say of the way in which a child left that had replied."""
    ended = [] if status == 0 else [_ended(status, timeout_s)[1]]
    left = [f"the child left {', '.join(note.left)} running, now ended"] if note.left else []
    return "; ".join(ended + left) or None


_MESSAGES = {
    "no-reply": "the child ended with status 0 and left no reply",
    "garbage-reply": "the child's reply isn't one",
    "too-much-output": f"the child printed more than {LOG_LIMIT >> 20} MiB and was ended",
}
_HINTS = {
    "timeout": "raise timeout_s in the suite's preset if the net is only slow",
    "crash": f"{SEE_LOG}; the interpreter's libraries may not fit this CPU",
    "abort": f"{SEE_LOG} for the check that failed in the engine",
    "killed": "the system may have run out of memory; a smaller batch needs less",
    "no-reply": f"something in the engine called exit(); {SEE_LOG}",
    "garbage-reply": "the interpreter runs another version of the harness, or its disk is full",
    "disk-full": "free some space in the cache and where temporary files go (TMPDIR)",
    "too-much-output": f"make the engine say less; {SEE_LOG}",
}

_SIGNAL_KINDS: Mapping[int, str] = {
    signal.SIGSEGV: "crash",
    signal.SIGBUS: "crash",
    signal.SIGILL: "crash",
    signal.SIGFPE: "crash",
    signal.SIGABRT: "abort",
    signal.SIGXFSZ: "too-much-output",
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


def log_tail(folder: Path) -> str:
    """Return the last lines of what the child printed, its errors last: 30, and 4000 bytes."""
    parts = [_end_of(folder / name).strip() for name in (STDOUT, STDERR)]
    lines = "\n".join(part for part in parts if part).splitlines()
    tail = "\n".join(lines[-_TAIL_LINES:]).encode()[-_TAIL_BYTES:]
    return tail.decode("utf-8", "ignore")


def _end_of(path: Path) -> str:
    with suppress(OSError):
        return read_regular(path, last=_TAIL_BYTES).decode("utf-8", "replace")
    return ""


def _last_words(folder: Path) -> str:
    """Return the last line that the engine wrote to stderr, "" for none; the cause is there."""
    lines = [line.strip() for line in _end_of(folder / STDERR).splitlines()]
    last = next((line for line in reversed(lines) if any(map(str.isalnum, line))), "")
    return last if len(last) <= _WORDS_CHARS else f"…{last[-_WORDS_CHARS:]}"
