"""The report formats by name. A new format is one file in this folder and one line here.

Each entry names a function `write(view, folder) -> {path: bytes}`: a format computes, the store
writes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

from bench.analysis.series import View

FORMATS: Mapping[str, str] = {
    "markdown": "bench.reports.markdown.page:write",
    "csv": "bench.reports.csv_tables:write",
    "plots": "bench.reports.plots.figures:write",
}


def render_all(view: View, folder: Path) -> dict[Path, bytes]:
    """Return every format's files below `folder`, and their bytes."""
    files: dict[Path, bytes] = {}
    for spec in FORMATS.values():
        module, _, name = spec.partition(":")
        write: Callable[[View, Path], dict[Path, bytes]]
        write = getattr(importlib.import_module(module), name)
        files |= write(view, folder)
    return files
