"""The interpreter that a child of the harness runs in: its engine's own, or one that starts that.

A worker needs Python 3.10 or later. Where an engine exists for an older one only, its entry names
another environment for the worker, and the worker is told the engine's interpreter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from bench.environments import Environments
from bench.protocol import ENGINE_PYTHON


class Entry(Protocol):
    """A runner or a kind of artifact: `env` has the engine, `worker_env` its worker (None: too)."""

    @property
    def env(self) -> str: ...

    @property
    def worker_env(self) -> str | None: ...


def worker_of(entry: Entry, environments: Environments) -> tuple[Path, dict[str, str]]:
    """Return the interpreter of `entry`'s children and what their environment must tell them.

    Raises Unavailable where one of the interpreters can't be had.
    """
    engine = environments.get(entry.env).python
    if entry.worker_env is None:
        return engine, {}
    return environments.get(entry.worker_env).python, {ENGINE_PYTHON: str(engine)}
