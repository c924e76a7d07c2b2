"""A worker that imports an engine once and forks a process for each arm that needs it.

Each arm is as fresh as a worker of its own: nothing was loaded or inferred before the fork. What it
shares with the other arms of its session is the import alone. Linux; elsewhere a fork of a process
that has loaded an engine isn't safe, so that an arm imports for itself.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.core.protocol import STDERR, STDOUT
from bench.worker.serve import load

# What one arm may print, or write into a file: SIGXFSZ ends it, and its parent says so.
LOG_LIMIT = 64 << 20
_LOOKS_EVERY_S = 0.01
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG


def preload(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Import `imports`, or those of a `runner`; one that fails fails again in its arm."""
    if sys.platform == "linux":
        runner = load(arguments["runner"]) if "runner" in arguments else None
        for module in ("numpy", *arguments.get("imports", getattr(runner, "imports", ()))):
            with suppress(ImportError):
                importlib.import_module(module)
    gc.freeze()
    return {"pid": os.getpid()}


def fork(arguments: Mapping[str, Any], become: Callable[[str], None]) -> dict[str, Any]:
    """Fork the arm whose files are in `folder`: it calls `become(folder)` and never returns.

    It hears on `commands_fd`; `close_fds` are the pipes of arms that are still to come. No file
    that it writes exceeds `most_bytes`, without them LOG_LIMIT.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    forker = os.getpid()
    pid = os.fork()
    if pid == 0:
        _be_arm(forker, arguments, become)
    for descriptor in (arguments["commands_fd"], arguments["replies_fd"]):
        os.close(descriptor)
    return {"pid": pid}


def ended(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the exit status of the arm `pid` as Popen has it, None if it goes on `within_s`."""
    until = time.monotonic() + arguments["within_s"]
    while True:
        pid, status = os.waitpid(arguments["pid"], os.WNOHANG)
        if pid:
            return {"status": os.waitstatus_to_exitcode(status)}
        if time.monotonic() >= until:
            return {"status": None}
        time.sleep(_LOOKS_EVERY_S)


def _die_with(forker: int) -> None:
    """Have the kernel end this process with its parent, whose guard may be killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != forker:
            os._exit(1)


def _be_arm(forker: int, arguments: Mapping[str, Any], become: Callable[[str], None]) -> None:
    status = 1
    try:
        _die_with(forker)
        folder = Path(arguments["folder"])
        for descriptor in arguments["close_fds"]:
            os.close(descriptor)
        os.dup2(arguments["commands_fd"], 0)
        os.close(arguments["commands_fd"])
        for stream, name in ((1, STDOUT), (2, STDERR)):
            log = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, stream)
            os.close(log)
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
        most = arguments.get("most_bytes", LOG_LIMIT)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        os.chdir(folder)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        become(str(folder))
        status = 0
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
