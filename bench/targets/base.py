"""Where cells are measured: what it is, how it is just now, and when a session may start there.

    local.py    this machine
    phone.py    an Android phone over ADB
    gpu.py      an NVIDIA GPU of this machine

A new place is one file beside these and one line in PLACES, by the target's kind.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bench.core.cell import Target
from bench.core.errors import UnknownName
from bench.launcher.process import ChildFailed
from bench.storage.schema.common import Scalar, System


class Readings(Protocol):
    """What was read around a session and its samples, as a session's record holds it."""

    @property
    def before(self) -> Mapping[str, Scalar]: ...
    @property
    def after(self) -> Mapping[str, Scalar]: ...
    @property
    def covariates(self) -> Mapping[str, Scalar]: ...


class Place(Protocol):
    """Holds what it needs (a device's lock, its folder there) until its `opened` context ends."""

    @property
    def target(self) -> Target:
        """What a worker needs to know to get there."""
        ...

    @property
    def system(self) -> System:
        """The hardware under its real name."""
        ...

    @property
    def cores(self) -> int | None:
        """How many cores a cell may use, None where that isn't told."""
        ...

    def conditions(self) -> Mapping[str, Scalar]:
        """Read its state; never called while a session is measured."""
        ...

    def ready(self) -> Mapping[str, Scalar]:
        """Return its state once a session may start; raises BenchError where that never is."""
        ...

    def is_back(self, failure: ChildFailed) -> bool:
        """Tell whether a session that ended in `failure` is worth repeating: the place had gone
        away in the middle, and is there again.
        """
        ...

    def child_env(self, python: Path) -> Mapping[str, str]:
        """Return what a child of the interpreter `python` needs in its environment there."""
        ...

    def wants_repeat(self, session: Readings) -> bool:
        """Tell whether something held the target back during `session`, which ended well."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


PLACES: Mapping[str, str] = {
    "cpu": "bench.targets.cpu:LocalPlace",
    "android": "bench.targets.android:PhonePlace",
    "nvidia-gpu": "bench.targets.nvidia:GpuPlace",
}


@contextmanager
def opened(target: Target, places: Mapping[str, str] = PLACES) -> Iterator[Place]:
    """Open the place of `target`'s kind; raises BenchError's kinds where it can't be reached."""
    if target.kind not in places:
        raise UnknownName("target", target.kind, places)
    module, _, name = places[target.kind].partition(":")
    place: Place = getattr(importlib.import_module(module), name)(target)
    try:
        yield place
    finally:
        place.close()
