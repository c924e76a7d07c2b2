"""What is stored against what comes out today: a report's files, and what a cell's figure rests on.

Pure: bytes and facts come in. A fact that can't be had here comes as a Doubt, and stays one: what
wasn't compared is never said to be the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

from bench.config.catalog import Model
from bench.storage.schema.common import CellFields

_EXCERPT = 60
_BEFORE = 20
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Stale:
    """Something that a cell's figure rests on is another one now."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that a cell's figure rests on can't be compared here."""

    reason: str


Doubt = Stale | Unchecked


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first line that differs, counted from 1; None: the file has ended before it."""

    line: int
    found: str | None
    derived: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCheck:
    """A file of a report; `difference` only where both sides of a differing one are text."""

    file: Path
    state: Literal["same", "differs", "missing", "stray"]
    difference: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCheck:
    """A cell: `stale` with what contradicts it, `unchecked` with what couldn't be compared."""

    cell_id: str
    state: Literal["current", "stale", "unchecked"]
    reasons: tuple[str, ...] = ()


def compare_files(derived: Mapping[Path, bytes], stored: Mapping[Path, bytes]) -> list[FileCheck]:
    """Return a check for each file that the report writes, then for each that it doesn't."""
    checks = [_compare_file(path, data, stored.get(path)) for path, data in derived.items()]
    strays = sorted(set(stored) - set(derived))
    return checks + [FileCheck(file=path, state="stray") for path in strays]


def _compare_file(path: Path, derived: bytes, stored: bytes | None) -> FileCheck:
    if stored is None:
        return FileCheck(file=path, state="missing")
    if stored == derived:
        return FileCheck(file=path, state="same")
    difference = first_difference(stored, derived)
    return FileCheck(file=path, state="differs", difference=difference)


def first_difference(stored: bytes, derived: bytes) -> Difference | None:
    """Return where two files that differ do so first, both lines shortened; None: not text."""
    try:
        lines = zip_longest(stored.decode().split("\n"), derived.decode().split("\n"))
    except UnicodeDecodeError:
        return None
    number, (old, new) = next((n, pair) for n, pair in enumerate(lines, 1) if pair[0] != pair[1])
    at = _first_column(old or "", new or "")
    return Difference(line=number, found=_excerpt(old, at), derived=_excerpt(new, at))


def _first_column(old: str, new: str) -> int:
    pairs = enumerate(zip(old, new, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(old), len(new)))


def _excerpt(line: str | None, at: int) -> str | None:
    """Return the part of `line` that shows its column `at`."""
    if line is None or len(line) <= _EXCERPT:
        return line
    start = max(0, at - _BEFORE)
    end = start + _EXCERPT
    return "…" * (start > 0) + line[start:end] + "…" * (end < len(line))


def judge(cell_id: str, doubts: Iterable[Doubt]) -> CellCheck:
    """Return what `doubts` leave of a cell: one contradiction is enough to make it stale."""
    all_doubts = list(doubts)
    stale = tuple(doubt.reason for doubt in all_doubts if isinstance(doubt, Stale))
    if stale:
        return CellCheck(cell_id=cell_id, state="stale", reasons=stale)
    unchecked = tuple(doubt.reason for doubt in all_doubts)
    return CellCheck(
        cell_id=cell_id, state="unchecked" if unchecked else "current", reasons=unchecked
    )


def compare_model(cell: CellFields, weights: str | None, now: Model | Doubt) -> list[Doubt]:
    """Compare the net that was measured, with `weights` of that kind, and today's.

    Hashes over weights of two kinds tell nothing about the net.
    """
    if not isinstance(now, Model):
        return [now]
    if now.hash == cell.model_hash:
        return []
    kind = (weights or "").partition(" ")[0]
    kinds = {kind, now.weights.kind}
    if len(kinds) == 2 and kinds < {"seeded", "pretrained", "file"}:
        flag_value = "the file with" if kind == "file" else f"{weights} with"
        return [Unchecked(f"{cell.variant} had {weights} weights: give {flag_value} --weights")]
    change = f"model hash {cell.model_hash} then, {now.hash} now"
    return [Stale(f"{cell.variant} is another net or has other weights: {change}")]


def compare_artifact(
    name: str, then: Mapping[str, str] | None, now: Mapping[str, str] | Doubt
) -> list[Doubt]:
    """Compare the SHA-256 of an artifact's files, by file name, then and in today's cache."""
    if not then:
        return [Unchecked(f"run.json has no hashes of {name}")]
    if isinstance(now, Stale | Unchecked):
        return [now]
    return [_lacking(name, file) for file in sorted(set(then) - set(now))] + [
        Stale(f"{name}: {file} has SHA-256 {then[file][:_DIGITS]} then, {now[file][:_DIGITS]} now")
        for file in sorted(set(then) & set(now))
        if then[file] != now[file]
    ]


def _lacking(name: str, file: str) -> Doubt:
    return Unchecked(f"{name}: the cache lacks {file}")


def compare_packages(
    environment: str, then: Mapping[str, str] | None, now: Mapping[str, str] | Doubt
) -> list[Doubt]:
    """Compare the versions of an environment's packages, by package name, then and now."""
    if then is None:
        return [Unchecked(f"run.json has no packages of environment {environment}")]
    if isinstance(now, Stale | Unchecked):
        return [now]
    return [
        Stale(
            f"{environment}: {name} {then.get(name, 'absent')} then, {now.get(name, 'absent')} now"
        )
        for name in sorted(set(then) | set(now))
        if then.get(name) != now.get(name)
    ]
