"""What an interpreter says of itself: its packages, asked of a process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.core.digest import canonical_digest
from bench.core.errors import Unavailable
from bench.launcher.environment import child_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python to run children with; `packages` name -> version, `digest` over all of that."""

    name: str
    python: Path
    packages: Mapping[str, str]
    digest: str


def describe(name: str, python: Path) -> Interpreter:
    """Ask an interpreter for its packages; raises Unavailable where it doesn't answer."""
    packages = dict(sorted(printed_json(name, python, "-c", QUERY).items()))
    return Interpreter(
        name=name, python=python, packages=packages, digest=canonical_digest(packages)
    )


def printed_json(name: str, python: Path, *arguments: str) -> dict[str, str]:
    """Return the JSON that a program prints in an interpreter; raises Unavailable without any."""
    environment = child_environment({})
    del environment["PYTHONPATH"]  # the harness's own; it may import on a later Python only
    try:
        done = subprocess.run(
            [str(python), *arguments],
            capture_output=True, text=True, errors="replace", timeout=60, check=True,
            env=environment,
        )  # fmt: skip
        return dict(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise Unavailable(
            f"the interpreter for environment '{name}', {python}, doesn't run: {_short(error)}",
            hint=f"give a Python with --env {name}=PATH",
        ) from error


def _short(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"it left with status {error.returncode}"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__


# Prints {name: version} as JSON, "python" among them. importlib.metadata came with 3.8; before, the
# names of the folders that it would read tell the same.
QUERY = """
import json, sys
try:
    from importlib.metadata import distributions
    names = [(it.metadata["Name"], it.version) for it in distributions()]
except ImportError:
    from pathlib import Path
    folders = [it.stem for path in sys.path for it in Path(path).glob("*.dist-info")]
    names = [folder.replace("_", "-").rsplit("-", 1) for folder in folders]
packages = {name.lower(): version for name, version in names if name}
print(json.dumps(dict(packages, python=sys.version.split()[0])))
"""
