"""What every verb takes: the options of the command line, and the tables that can be extended."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.artifacts.builder import ARTIFACT_FORMATS, ArtifactFormat, Launch
from bench.config.axes import Axes
from bench.config.project import default_cache, default_models, default_results
from bench.core.cell import TargetSpec
from bench.core.errors import InputError
from bench.devices.host.busy import Busy, read_busy
from bench.launcher.process import run_child
from bench.runners import RUNNERS, RunnerEntry
from bench.targets import TARGETS, TargetEntry
from bench.targets.base import Given, check_target, describe
from bench.targets.serving import with_own_engines

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


Group = TypeVar("Group", bound="DataclassInstance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What verbs share of the command line; `own` has the other flags that were given, by name.

    Whoever takes flags of its own, a verb or an experiment, names them in a dataclass beside its
    code and reads them by `of`; a target reads its own from `own`.
    """

    variants: Sequence[str] = ()
    axes: Axes = field(default_factory=Axes)
    weights: str = "seeded"
    tolerance: float | None = None
    seed: int = 0
    results: Path = field(default_factory=default_results)
    models: Path = field(default_factory=default_models)
    cache: Path = field(default_factory=default_cache)
    envs: Mapping[str, Path] = field(default_factory=dict)
    passed: Mapping[str, str] = field(default_factory=dict)
    resume: str | None = None
    run: str | None = None
    as_json: bool = False
    words: Sequence[str] = ()
    command: Sequence[str] = ()
    own: Mapping[str, Any] = field(default_factory=dict)

    def of(self, group: type[Group]) -> Group:
        """Return the flags of `group`, a dataclass whose fields are named as the flags are."""
        names = {it.name for it in fields(group)}
        return group(**{name: value for name, value in self.own.items() if name in names})

    def again(
        self, names: Sequence[str], targets: Mapping[str, TargetEntry] = TARGETS
    ) -> list[str]:
        """Return the flags `names`, the target's, --env and --pass-env as one types them.

        Those as by default are left out.
        """
        plain = Options()
        of_targets = [it.name for entry in targets.values() for it in entry.options]
        given = {
            name: getattr(self, name, None) or self.own.get(name) for name in (*names, *of_targets)
        }
        flags = [
            _typed(name, value)
            for name, value in given.items()
            if value and value != getattr(plain, name, None)
        ]
        envs = [f"--env {it}={shlex.quote(str(path))}" for it, path in self.envs.items()]
        return [*flags, *envs, *(f"--pass-env {name}" for name in self.passed)]

    def checked_target(
        self, what: str, kind: str, targets: Mapping[str, TargetEntry] = TARGETS
    ) -> TargetSpec:
        """Return the target of that kind, on which this machine can measure `what`.

        Raises UnknownName, InputError where a flag belongs to another target, and Unavailable.
        """
        spec = self.target(kind, targets)
        for other, entry in targets.items():
            given = [it.flag for it in entry.options if it.name in self.own]
            if given and other != kind:
                raise InputError(
                    f"{given[0]} is for {entry.title}, and this runs on {targets[kind].title}",
                    hint="leave it out, or ask for a suite or a runner of that target",
                )
        check_target(what, spec, targets)
        return spec

    def target(self, kind: str, targets: Mapping[str, TargetEntry] = TARGETS) -> TargetSpec:
        """Return the target of that kind with what these flags say of it; raises UnknownName."""
        given = Given(flags=self.own, cache=self.cache.absolute(), envs=self.envs)
        return describe(kind, given, targets)


def _typed(name: str, value: object) -> str:
    """Return a flag as a person types it; one that is only there or not has no value."""
    flag = _FLAGS.get(name, f"--{name.replace('_', '-')}")
    return flag if value is True else f"{flag} {shlex.quote(str(value))}"


_FLAGS = {"list_file": "--list"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What can be plugged in: runners, artifact formats, targets, how a child is launched, and how
    one reads what else this machine does.
    """

    runners: Mapping[str, RunnerEntry] = field(default_factory=lambda: RUNNERS)
    formats: Mapping[str, ArtifactFormat] = field(default_factory=lambda: ARTIFACT_FORMATS)
    launch: Launch = run_child
    targets: Mapping[str, TargetEntry] = field(default_factory=lambda: TARGETS)
    busy: Callable[[], Busy | None] = read_busy

    def serving(self, given: Mapping[str, Path]) -> Tables:
        """Return the tables where the user's own interpreters `given` serve what they can."""
        return replace(self, runners=with_own_engines(self.runners, given))
