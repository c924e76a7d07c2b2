"""Run under the harness's own interpreter, whichever `python` was typed. Standard library only."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

_VENV_PYTHON = Path(__file__).resolve().parent.parent.parent / ".venv" / "bin" / "python"
_NEEDED = ("pydantic", "scipy", "matplotlib", "adjustText", "psutil", "rich", "uv", "click")


def ensure(module: str) -> None:
    """Start `python -m module` again in .venv where this interpreter lacks the harness's packages.

    Leaves with status 2 and one sentence where there is no such place.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if not missing:
        return
    if _VENV_PYTHON.exists() and Path(sys.prefix) != _VENV_PYTHON.parent.parent:
        os.execv(_VENV_PYTHON, [str(_VENV_PYTHON), "-m", module, *sys.argv[1:]])  # noqa: S606
    sys.stderr.write(
        f"bench: this Python has no package '{missing[0]}': run `make setup` in the project's "
        "folder, then the same command again\n"
    )
    raise SystemExit(2)
