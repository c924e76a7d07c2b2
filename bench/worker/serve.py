"""What every child process does around its own work: read the request, answer once, answer always.

Standard library only; see `bench.core.protocol` for the files.
"""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.core.errors import ArtifactError, BenchError, Unavailable
from bench.core.protocol import REPLY, REQUEST, write_json

Reply = Callable[[Mapping[str, Any]], None]
Handler = Callable[[Mapping[str, Any], Reply], None]


def serve(handler: Handler, argv: list[str]) -> None:
    """Call `handler(request, reply)` on the folder in `argv`; turn what it raises into a reply.

    The handler calls `reply` with its result before it tears anything down. An exception leaves
    with status 1, whether or not a reply was written before, and with its traceback in the log: of
    a BenchError in the reply only its cause's, so that the log ends in the engine's words.
    """
    if len(argv) != 1:
        sys.exit("usage: python -m bench.worker DIR (see bench/core/protocol.py)")
    folder = Path(argv[0])
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))

    def reply(result: Mapping[str, Any]) -> None:
        write_json(folder / REPLY, {"ok": result})

    try:
        handler(request, reply)
    except Exception as error:
        replied = (folder / REPLY).exists()
        if isinstance(error, BenchError) and not replied:
            sys.stderr.write(getattr(error, "log_tail", ""))  # of another process that it started
            _log(error.__cause__)
        else:
            _log(error)
        if not replied:
            write_json(folder / REPLY, {"error": describe(error)})
        raise SystemExit(1) from error


def _log(error: BaseException | None) -> None:
    if error is not None:
        # The outer frames are always this package's own.
        traceback.print_exception(type(error), error, error.__traceback__, limit=-6)


def describe(error: Exception) -> dict[str, str]:
    """Return the reply's `error` object for an exception."""
    if isinstance(error, BenchError):
        return {"kind": _kind(error), "message": error.problem, "hint": error.hint}
    return {
        "kind": "error",
        "message": f"{type(error).__name__}: {error}",
        "hint": "log_tail in the cell's file has the traceback",
    }


def _kind(error: BenchError) -> str:
    if isinstance(error, Unavailable):
        return "unavailable"
    if isinstance(error, ArtifactError):
        return "conversion"
    return getattr(error, "kind", "error")


def load(spec: str) -> Any:
    """Return the object that "module:name" names."""
    module, _, name = spec.partition(":")
    return getattr(importlib.import_module(module), name)
