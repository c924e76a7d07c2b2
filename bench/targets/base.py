"""What a target is: its identity, its state, what it needs, and when a session may start there.

cpu.py      this machine
android.py  an Android phone over ADB
nvidia.py   an NVIDIA GPU of this machine
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.core.cell import TargetSpec
from bench.core.errors import DeviceError, Unavailable
from bench.devices.host.facts import installed_gib
from bench.environments.interpreters import Environments
from bench.launcher.process import ChildFailed
from bench.runners import RunnerEntry
from bench.storage.schema.common import Scalar, System
from bench.storage.store import Store
from bench.targets import TARGETS, TargetEntry, entry_of


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that this machine lacks, as a clause, and its remedy."""

    what: str
    remedy: str


class Readings(Protocol):
    """What was read around a session and its samples, as a session's record holds it."""

    @property
    def before(self) -> Mapping[str, Scalar]: ...
    @property
    def after(self) -> Mapping[str, Scalar]: ...
    @property
    def covariates(self) -> Mapping[str, Scalar]: ...


class Target(Protocol):
    """Holds what it needs (a device's lock, its folder there) until its `opened` context ends.

    `system` is the hardware under its real name.
    """

    system: System

    def __init__(self, spec: TargetSpec) -> None: ...

    @staticmethod
    def describe(given: Given) -> TargetSpec:
        """Return what a person's flags say of such a target; nothing is opened."""
        ...

    @staticmethod
    def missing(spec: TargetSpec) -> list[Missing]:
        """Return what keeps this machine from measuring at `spec`, none where nothing does."""
        ...

    @property
    def spec(self) -> TargetSpec:
        """What a worker needs to know to get there."""
        ...

    @property
    def cores(self) -> int | None:
        """How many cores a cell may use, None where that isn't told."""
        ...

    def state(self) -> Mapping[str, Scalar]:
        """Read its state; never called while a session is measured."""
        ...

    def ready(self) -> Mapping[str, Scalar]:
        """Return its state once a session may start; raises BenchError where that never is."""
        ...

    def reconnected(self, failure: ChildFailed) -> bool:
        """Tell whether the target disconnected in the session that ended in `failure` and
        reconnected, so that the session should be retried.
        """
        ...

    def child_env(self, python: Path) -> Mapping[str, str]:
        """Return what a child of the interpreter `python` needs in its environment there."""
        ...

    def needs_retry(self, session: Readings) -> bool:
        """Tell whether something held the target back during `session`, which ended well."""
        ...

    def refusals(
        self, runners: Mapping[str, RunnerEntry], environments: Environments
    ) -> Mapping[str, Unavailable]:
        """Return why each of its `runners` can't be measured there; the others can be."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a person gave: the flags by name, the cache's folder, own interpreters by name."""

    flags: Mapping[str, Any]
    cache: Path
    envs: Mapping[str, Path]


def describe(kind: str, given: Given, targets: Mapping[str, TargetEntry] = TARGETS) -> TargetSpec:
    """Return the spec of the target of that kind; raises UnknownName."""
    return _target_class(kind, targets).describe(given)


def missing_for(spec: TargetSpec, targets: Mapping[str, TargetEntry] = TARGETS) -> list[Missing]:
    """Return what keeps this machine from measuring at `spec`; raises UnknownName."""
    return _target_class(spec.kind, targets).missing(spec)


def refused(check: Callable[[], object]) -> list[Missing]:
    """Return what `check` raises as something that is missing."""
    try:
        check()
    except (DeviceError, Unavailable) as error:
        return [Missing(error.problem, error.hint)]
    return []


def check_target(what: str, spec: TargetSpec, targets: Mapping[str, TargetEntry] = TARGETS) -> None:
    """Raise Unavailable with all that is missing and its remedies, where `what` can't run."""
    if lacks := missing_for(spec, targets):
        problems = "; ".join(each.what for each in lacks)
        remedies = "; and ".join(dict.fromkeys(each.remedy for each in lacks))
        raise Unavailable(f"{what} can't run here: {problems}", hint=remedies)


def _target_class(kind: str, targets: Mapping[str, TargetEntry]) -> type[Target]:
    module, _, name = entry_of(kind, targets).path.partition(":")
    loaded: type[Target] = getattr(importlib.import_module(module), name)
    return loaded


@contextmanager
def opened(
    spec: TargetSpec,
    targets: Mapping[str, TargetEntry] = TARGETS,
    store: Store | None = None,
) -> Iterator[Target]:
    """Open the target of `spec`, its system under the id that `store` knows it by.

    Raises BenchError where it can't be reached.
    """
    target = _target_class(spec.kind, targets)(spec)
    try:
        if store is not None:
            target.system = known_as(target.system, store.systems())
        yield target
    finally:
        target.close()


def known_as(system: System, stored: Iterable[System]) -> System:
    """Return `system`, or the first in `stored` that is the same hardware under an earlier id.

    Earlier ids took in what a kernel or a setting moves, and GiB of memory that were only rounded.
    """
    for earlier in stored:
        if earlier.hardware is None and _fixed(earlier) == _fixed(system):
            return earlier
    return system


_NOT_COMPARED = {"simd", "abis", "clusters", "cpu_id"}


def _fixed(system: System) -> dict[str, object]:
    """Return the facts that nothing moves, as far as earlier files have them."""
    facts = {name: it for name, it in system.facts.items() if name not in _NOT_COMPARED}
    gib = facts.get("memory_gib")
    memory = installed_gib(gib << 20) if isinstance(gib, int) else None
    return {**facts, "memory_gib": memory, "emulated": system.emulated}
