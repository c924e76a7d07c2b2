"""What the command line says, as one frozen value that every verb takes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.artifacts import KINDS, Kind, Launch
from bench.launch import run_child
from bench.runners import RUNNERS, RunnerEntry
from bench.suite import Axes


def default_cache() -> Path:
    """Return where environments and artifacts go unless --cache says otherwise."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "shufflenet-bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Every flag of every verb; a verb reads those that it has."""

    suite: str = "cpu"
    preset: str = "standard"
    sustained_s: float | None = None
    variants: Sequence[str] = ()
    axes: Axes = field(default_factory=Axes)
    results: Path = Path("results")
    models: Path = Path("models")
    cache: Path = field(default_factory=default_cache)
    weights: str = "seeded"
    seed: int = 0
    envs: Mapping[str, Path] = field(default_factory=dict)
    device: str | None = None
    resume: str | None = None
    run: str | None = None
    sessions: int = 12
    sensors: bool = False
    explain: bool = False
    as_json: bool = False
    command: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What can be plugged in: runners, kinds of artifact, and how a child is launched."""

    runners: Mapping[str, RunnerEntry] = field(default_factory=lambda: RUNNERS)
    kinds: Mapping[str, Kind] = field(default_factory=lambda: KINDS)
    launch: Launch = run_child
