"""What the command line says, as one frozen value that every verb takes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.artifacts.builder import ARTIFACT_FORMATS, ArtifactFormat, Launch
from bench.config.project import default_agent, default_cache, default_models, default_results
from bench.config.suite import Axes
from bench.core.cell import TargetSpec
from bench.core.errors import InputError
from bench.launcher.process import run_child
from bench.runners import RUNNERS, RunnerEntry
from bench.targets.base import TARGETS
from bench.targets.options import TARGET_OPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Every flag of every verb; a verb reads those that it has.

    `own` has those flags, by name, that are no fields here: options of one verb alone.
    """

    suite: str = "cpu"
    preset: str = "standard"
    sustained_s: float | None = None
    variants: Sequence[str] = ()
    axes: Axes = field(default_factory=Axes)
    results: Path = field(default_factory=default_results)
    models: Path = field(default_factory=default_models)
    cache: Path = field(default_factory=default_cache)
    weights: str = "seeded"
    seed: int = 0
    envs: Mapping[str, Path] = field(default_factory=dict)
    passed: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None
    agent: Path = field(default_factory=default_agent)
    benchmark_bin: Path | None = None
    transport: str | None = None
    gpu: str | None = None
    shared_gpu: bool = False
    allow_partial: bool = False
    install: bool = False
    resume: str | None = None
    run: str | None = None
    sessions: int = 12
    sensors: bool = False
    explain: bool = False
    as_json: bool = False
    output_format: str = "table"
    words: Sequence[str] = ()
    base: Sequence[str] = ()
    head: Sequence[str] = ()
    most_sessions: int = 10
    half_width: float = 0.01
    good: str | None = None
    bad: str = "HEAD"
    cell: str | None = None
    max_ms: float | None = None
    min_top1: float | None = None
    data: Path | None = None
    list_file: Path | None = None
    labels: Path | None = None
    command: Sequence[str] = ()
    own: Mapping[str, Any] = field(default_factory=dict)

    def again(self, names: Sequence[str]) -> list[str]:
        """Return the flags `names`, the target's, --env and --pass-env as one types them.

        Those as by default are left out.
        """
        plain = Options()
        of_targets = [it.name for entry in TARGET_OPTIONS.values() for it in entry.options]
        flags = [
            _typed(name, getattr(self, name))
            for name in (*names, *of_targets)
            if getattr(self, name) != getattr(plain, name)
        ]
        envs = [f"--env {it}={shlex.quote(str(path))}" for it, path in self.envs.items()]
        return [*flags, *envs, *(f"--pass-env {name}" for name in self.passed)]

    def own_target(self, kind: str) -> TargetSpec:
        """Return the target of that kind; raises InputError where a flag belongs to another one."""
        plain = Options()
        for other, entry in TARGET_OPTIONS.items():
            given = [
                it.flag for it in entry.options if getattr(self, it.name) != getattr(plain, it.name)
            ]
            if given and other != kind:
                title = TARGET_OPTIONS[kind].title if kind in TARGET_OPTIONS else kind
                raise InputError(
                    f"{given[0]} is for {entry.title}, and this runs on {title}",
                    hint="leave it out, or ask for a suite or a runner of that target",
                )
        return self.target(kind)

    def target(self, kind: str) -> TargetSpec:
        """Return the target of that kind with what these flags say of it."""
        if kind == "nvidia-gpu":
            return self._gpu_target()
        if kind != "android":
            return TargetSpec(kind=kind)
        tool = self.benchmark_bin
        return TargetSpec(
            kind=kind,
            device=self.device,
            agent=str(self.agent.absolute()),
            benchmark_bin=None if tool is None else str(tool.absolute()),
            transport=self.transport,
        )

    def _gpu_target(self) -> TargetSpec:
        own = self.envs.get("gpu")
        return TargetSpec(
            kind="nvidia-gpu",
            device=self.gpu,
            engines=str(self.cache.absolute() / "engines"),
            own_python=None if own is None else str(own),
            sharing="allowed" if self.shared_gpu else "refused",
            partial="allowed" if self.allow_partial else "refused",
        )


def _typed(name: str, value: object) -> str:
    """Return a flag as a person types it; one that is only there or not has no value."""
    flag = _FLAGS.get(name, f"--{name.replace('_', '-')}")
    return flag if value is True else f"{flag} {shlex.quote(str(value))}"


_FLAGS = {"list_file": "--list"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What can be plugged in: runners, artifact formats, targets, and how a child is launched."""

    runners: Mapping[str, RunnerEntry] = field(default_factory=lambda: RUNNERS)
    formats: Mapping[str, ArtifactFormat] = field(default_factory=lambda: ARTIFACT_FORMATS)
    launch: Launch = run_child
    targets: Mapping[str, str] = field(default_factory=lambda: TARGETS)
