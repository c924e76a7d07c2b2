"""The commands that messages name, as a person types them here. Standard library only."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from bench.core.paths import is_checkout

_MODULE, _SCRIPT = "python -m bench", "bench"
_AGENT = "`make agent NDK=... PADDLE_LITE=...`"


def program() -> str:
    """Return how this program is started: a clone has the module, an installation the script."""
    return _SCRIPT if _is_script() or not is_checkout() else _MODULE


def own_program() -> list[str]:
    """Return what starts this very program again, whichever module or script it was started as."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    name = "bench" if spec is None else str(spec.name).removesuffix(".__main__")
    return [sys.executable, "-m", name]


def command(words: str) -> str:
    """Return the command line of a verb and its flags, `words`, in backticks."""
    return f"`{program()} {words}`"


def run_command(suite: str, flags: str = "", *, device: str | None = None) -> str:
    """Return the command that measures `suite`, on `device`: by make in a clone."""
    if program() == _SCRIPT:
        words = ["bench run"] if suite == "cpu" else [f"bench run --suite {suite}"]
        words += [] if device is None else [f"--device {shlex.quote(device)}"]
        return " ".join([*words, flags] if flags else words)
    words = ["make bench"] if suite == "cpu" else [f"make bench-{suite}"]
    words += [] if device is None else [f"DEVICE={shlex.quote(device)}"]
    return " ".join([*words, f"ARGS='{flags}'"] if flags else words)


def agent_command() -> str:
    """Return the command that builds the device program, in backticks; only a clone has it."""
    return _AGENT if is_checkout() else f"{_AGENT} in a clone of the project"


def install_hint(extra: str) -> str:
    """Return how a person gets the packages of pyproject.toml's optional dependencies `extra`."""
    if is_checkout():
        return "run `make setup` in the project's folder"
    return f"install shufflenet-bench[{extra}], by pip or uv as before"


def _is_script() -> bool:
    return Path(sys.argv[0]).name == _SCRIPT
