"""Where cells are measured: what it is, how it is just now, and when a session may start there.

    cpu.py      this machine
    android.py  an Android phone over ADB
    nvidia.py   an NVIDIA GPU of this machine

A new target is one file beside these and one line in PLACES, by the target's kind.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.core.cell import TargetSpec
from bench.core.errors import UnknownName
from bench.devices.host.facts import installed_gib
from bench.launcher.process import ChildFailed
from bench.storage.directory import Store
from bench.storage.schema.common import Scalar, System


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

    def close(self) -> None:
        """Leave nothing behind."""
        ...


TARGETS: Mapping[str, str] = {
    "cpu": "bench.targets.cpu:CpuTarget",
    "android": "bench.targets.android:AndroidTarget",
    "nvidia-gpu": "bench.targets.nvidia:NvidiaTarget",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a person gave: the flags by name, the cache's folder, own interpreters by name."""

    flags: Mapping[str, Any]
    cache: Path
    envs: Mapping[str, Path]


def describe(kind: str, given: Given, targets: Mapping[str, str] = TARGETS) -> TargetSpec:
    """Return the spec of the target of that kind; raises UnknownName."""
    return _target_class(kind, targets).describe(given)


def _target_class(kind: str, targets: Mapping[str, str]) -> type[Target]:
    if kind not in targets:
        raise UnknownName("target", kind, targets)
    module, _, name = targets[kind].partition(":")
    found: type[Target] = getattr(importlib.import_module(module), name)
    return found


@contextmanager
def opened(
    spec: TargetSpec, targets: Mapping[str, str] = TARGETS, store: Store | None = None
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
