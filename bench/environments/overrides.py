"""A locked environment with one package in another version. Pure.

The lock has no hash of a version that it doesn't hold, so a pinned package comes without one; what
was installed in the end stands in the record. All other packages stay as locked, with their hashes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.core.errors import InputError

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!+_-]*)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Pin:
    """A package and the version that it shall have."""

    package: str
    version: str

    def __str__(self) -> str:
        return f"{self.package}=={self.version}"


def parse_pin(text: str) -> Pin:
    """Return the pin that `NAME==VERSION` says; raises InputError."""
    match = _PIN.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"'{text}' pins no package", hint="write NAME==VERSION, as in paddlepaddle==3.2.2"
        )
    return Pin(_normal(match[1]), match[2])


def _normal(name: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_packages(lock: str) -> frozenset[str]:
    """Return the packages that a lock holds."""
    return frozenset(_normal(match[0]) for entry in _entries(lock) if (match := _NAME.match(entry)))


def pinned(lock: str, pins: Sequence[Pin]) -> str:
    """Return `lock` with `pins` in their packages' places; what it doesn't hold is left out."""
    held = locked_packages(lock)
    others = {pin.package for pin in pins}
    kept = [
        entry
        for entry in _entries(lock)
        if (match := _NAME.match(entry)) is None or _normal(match[0]) not in others
    ]
    return "\n".join([*kept, *(str(pin) for pin in pins if pin.package in held)]) + "\n"


def _entries(lock: str) -> list[str]:
    """Return the lock's requirements, the hashes that follow each one with it."""
    entries: list[str] = []
    for line in lock.splitlines():
        if entries and entries[-1].endswith("\\"):
            entries[-1] += "\n" + line
        else:
            entries.append(line)
    return [entry for entry in entries if entry.strip() and not entry.startswith("#")]
