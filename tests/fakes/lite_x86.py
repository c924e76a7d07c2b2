"""An interpreter in which `paddlelite` is the stand-in of tests/fakes/stand_in_lite."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.core.paths import PROJECT

_SITE = Path(__file__).with_name("stand_in_lite")
_START = """
import runpy, sys
sys.path[:0] = {paths}
flag, *words = sys.argv[1:]
if flag == "-c":
    exec(words[0])
else:
    sys.argv = words if flag == "-I" else [flag, *words]
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


def interpreter(folder: Path, **variables: str) -> Path:
    """Write the interpreter into `folder` and return it; its paddlelite is 9.9.

    It sets `variables`, which the stand-in reads: a worker hands nothing of the kind on.
    """
    info = folder / "paddlelite-9.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paddlelite\nVersion: 9.9\n")
    start = folder / "start.py"
    start.write_text(_START.format(paths=[str(_SITE), str(folder), str(PROJECT)]))
    python = folder / "python"
    exports = "".join(f'export {name}="{value}"\n' for name, value in variables.items())
    python.write_text(f'#!/bin/sh\n{exports}exec "{sys.executable}" "{start}" "$@"\n')
    python.chmod(0o755)
    return python
