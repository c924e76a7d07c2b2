"""Make one artifact in the interpreter that can make it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.worker.serve import load
from bench.worker.session import State


def convert(_: State, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make files in `out` with `converter` ("module:function"), from `source` and `options`."""
    converter = load(arguments["converter"])
    facts: Mapping[str, Any] = converter(
        arguments["source"], arguments["options"], Path(arguments["out"])
    )
    return facts
