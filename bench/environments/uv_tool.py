"""uv as a child process: the Python to build an environment on, and the commands that build it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from bench.core.errors import Unavailable
from bench.core.paths import is_checkout
from bench.environments.specs import EnvSpec
from bench.launcher.programs import run_program


def base_python(spec: EnvSpec) -> Path:
    """Return the interpreter to build on; raises Unavailable where the version isn't to be had."""
    versions = [] if spec.python is None else spec.python.split(",")
    if not versions or platform.python_version().rpartition(".")[0] in versions:
        # Not .venv's own link to it: an environment on top of .venv would end with it.
        return Path(sys.executable).resolve()
    for version in versions:
        command = [uv_program(), "python", "find", "--no-python-downloads", "--no-project", version]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=_find_environment(version),
        )
        if done.returncode == 0:
            return Path(done.stdout.strip())
    raise Unavailable(
        f"there is no Python {' or '.join(versions)} on this machine",
        hint=f"`{typed_uv()} python install {versions[0]}` or your package manager brings one",
    )


def _find_environment(version: str) -> dict[str, str]:
    """Return an environment in which uv gets past pyenv's shims.

    `uv python find` stops at a shim whose version isn't active; naming any installed one mends it.
    """
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    root = Path(environment.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = sorted((root / "versions").glob(f"{version}.*"))
    return environment | ({"PYENV_VERSION": installed[-1].name} if installed else {})


def uv_program() -> str:
    """Return the path of uv's program."""
    from uv import find_uv_bin

    return find_uv_bin()


def typed_uv() -> str:
    """Return how a person starts uv: a clone has it in its .venv."""
    return ".venv/bin/uv" if is_checkout() else "uv"


def run_uv(command: list[str], name: str) -> None:
    """Run a command that builds environment `name`; raises Unavailable with what uv said."""
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = run_program(command, env=environment, cwd=Path.cwd())
    if done.returncode != 0:
        raise Unavailable(
            f"environment '{name}' could not be made: {cause(done.stderr)}",
            hint=f"mend that and run again, or give a Python of your own with --env {name}=PATH",
        )


def cause(stderr: str) -> str:
    """Return the first and the last thing that uv said, without its hints and addresses."""
    lines = [line.strip(" ×├╰─▶│") for line in stderr.splitlines()]
    kept = [line for line in lines if line and not line.lower().startswith(("hint", "help"))]
    text = ": ".join(dict.fromkeys([*kept[:1], *kept[-1:]])) or "uv failed"
    return re.sub(r"\w+://\S+", "the registry", text)
