"""A converter that tells which process it runs in, and some that end theirs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.core.errors import ArtifactError
from tests.fakes import converter

_calls: list[int] = []


def tell(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Return its process, that one's parent, what was imported, and how often this was called."""
    del options, out
    _calls.append(1)
    time.sleep(source.get("sleeps_s", 0))
    found = {"pid": os.getpid(), "parent": os.getppid(), "calls": len(_calls)}
    return {**found, "imported": "xml.dom.minidom" in sys.modules}


def refuse(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Say something and refuse."""
    sys.stderr.write("the tool's own words\n")
    raise ArtifactError("it can't", hint="mend it")


def abort(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """End as a C++ abort does, the first time; `source` names a file that it leaves then."""
    left = Path(source["left"])
    if left.exists() and source.get("once"):
        return {"aborted": "before"}
    left.write_text("")
    os.abort()


def export(source: Mapping[str, Any], options: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write what the fake exporter writes, and tell its process and that one's parent."""
    return {**converter.export(source, options, out), "pid": os.getpid(), "parent": os.getppid()}
