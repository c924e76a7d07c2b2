"""What lies in the cache: each item's size and last use, whether anything needs it, its removal.

A removal locks what it removes as its maker would, and takes nothing but real files and folders in
the cache itself: a link stays, and so does what it leads to.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache
from glob import escape
from pathlib import Path

from bench.artifacts.builder import Workshop
from bench.config.catalog import Model
from bench.core.locks import held
from bench.runners import RUNNERS

# The folders of the cache, what they hold, and how that is named: nothing else is the harness's.
_FOLDERS: Mapping[str, tuple[str, str]] = {
    "envs": ("environments", r".+-[0-9a-f]{12}"),
    "artifacts": ("artifacts", r".+-b[0-9]+-[0-9a-f]{16}"),
    "weights": ("weights", r".+-[0-9a-f]{16}-[0-9a-f]+"),
    "programs": ("programs", r".+-[0-9a-f]{12}"),
    "engines": ("engines", r"[0-9a-f]{16}|timings"),
    "logs": ("logs", r".+-(?:FORMATS)\.log"),
    "worktrees": ("worktrees", r"[0-9a-f]{8}-[0-9a-f]{16}"),
    "index": ("indexes", r"[0-9a-f]{16}\.sqlite"),
}
KINDS = tuple(kind for kind, _ in _FOLDERS.values())
_ARTIFACT = re.compile(r"(?P<start>.+)-b(?P<batch>[0-9]+)-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing in the cache; `last_used` is in seconds since 1970.

    `model`, `format` and `batch` are an artifact's.
    """

    kind: str
    path: Path
    bytes: int
    last_used: float
    model: str = ""
    format: str = ""
    batch: int | None = None


def items(cache: Path, formats: Sequence[str]) -> list[Item]:
    """Return what lies in the cache, by kinds and names; unfinished work is left out."""
    longest_first = sorted(formats, key=len, reverse=True)
    any_format = "|".join(map(re.escape, formats))
    return [
        _item(kind, path, longest_first)
        for folder, (kind, names) in _FOLDERS.items()
        for path in _entries(cache / folder, re.compile(names.replace("FORMATS", any_format)))
    ]


def _entries(folder: Path, names: re.Pattern[str]) -> list[Path]:
    if not folder.is_dir() or folder.is_symlink():
        return []
    found = (it for it in folder.iterdir() if names.fullmatch(it.name) and not it.is_symlink())
    return sorted(found)


def _item(kind: str, path: Path, formats: Sequence[str]) -> Item:
    size, used = _measured(path)
    plain = Item(kind=kind, path=path, bytes=size, last_used=used)
    match = _ARTIFACT.fullmatch(path.name) if kind == "artifacts" else None
    if match is None:
        return plain
    format_ = next((it for it in formats if match["start"].endswith(f"-{it}")), "")
    return Item(
        kind=kind,
        path=path,
        bytes=size,
        last_used=used,
        model=match["start"].removesuffix(f"-{format_}"),
        format=format_,
        batch=int(match["batch"]),
    )


def _measured(path: Path) -> tuple[int, float]:
    """Return the bytes of what is in `path`, each file once, and when it was last used."""
    state = path.lstat()
    if not path.is_dir():
        return state.st_size, state.st_mtime
    files = {(state.st_dev, state.st_ino): state for state in _states(path)}.values()
    used = max([state.st_mtime, *(file.st_mtime for file in files)])
    return sum(file.st_size for file in files), used


def _states(folder: Path) -> Iterator[os.stat_result]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _states(Path(entry.path))
            else:
                yield entry.stat(follow_symlinks=False)


def unneeded(found: Sequence[Item], workshop: Workshop, models: Sequence[Model]) -> list[Item]:
    """Return what of `found` neither the locked environments of today nor these models need.

    What can't be told from here counts as needed: an artifact whose environment isn't built, an
    engine, a revision whose repository is still there.
    """
    environments = workshop.environments.folders()
    needed: dict[str, Callable[[Item], bool]] = {
        "environments": lambda it: environments.get(_name(it), it.path.parent) in (None, it.path),
        "artifacts": _makers(workshop, models),
        "weights": lambda it: it.path.name.startswith(
            tuple(f"{model.variant}-{model.hash}-" for model in models)
        ),
        "logs": lambda it: any(it.path.name.startswith(f"{model.variant}-") for model in models),
        "worktrees": lambda it: _has_repository(it.path),
        "programs": _drivers(workshop),
        "engines": lambda _: True,
        "indexes": lambda _: True,
    }
    return [item for item in found if not needed[item.kind](item)]


def _name(item: Item) -> str:
    """Return the name of an environment or a program."""
    return item.path.name.rpartition("-")[0]


def _makers(workshop: Workshop, models: Sequence[Model]) -> Callable[[Item], bool]:
    """Return what tells whether today's code would make an artifact, or can't be asked."""
    environments = workshop.environments
    built = {name for name in environments.specs if environments.is_built(name)}

    def makes(item: Item) -> bool:
        own = [model for model in models if model.variant == item.model]
        if item.batch is None or item.format not in workshop.formats:
            return False
        return any(
            not built.issuperset(workshop.makers(model, item.format))
            or workshop.folder(model, item.format, item.batch) == item.path
            for model in own
        )

    return makes


def _drivers(workshop: Workshop) -> Callable[[Item], bool]:
    """Return what tells whether today's runners would compile a program, or can't be asked."""
    environments = workshop.environments

    @cache
    def todays() -> dict[str, Path | None]:
        entries = [entry for entry in RUNNERS.values() if entry.program is not None]
        return {
            str(it.program): environments.program_folder(str(it.program), it.env) for it in entries
        }

    return lambda item: todays().get(_name(item), item.path.parent) in (None, item.path)


def _has_repository(worktree: Path) -> bool:
    """Tell whether git's folder of that worktree is still there."""
    with suppress(OSError):
        _, _, folder = (worktree / ".git").read_text(encoding="utf-8").strip().partition(": ")
        return Path(folder).is_dir()
    return False


def remove(item: Item, cache: Path) -> None:
    """Remove `item` from the cache.

    Raises Busy, naming the process that makes it just then, and OSError.
    """
    with ExitStack() as stack:
        for lock in _locks(item, cache):
            stack.enter_context(held(lock, f"{item.path.name} in the cache"))
        if item.path.is_symlink():  # it was put there meanwhile
            return
        if item.path.is_dir():
            shutil.rmtree(item.path)
        else:
            item.path.unlink(missing_ok=True)


def _locks(item: Item, cache: Path) -> list[Path]:
    """Return the locks that whoever makes `item` holds meanwhile."""
    if item.kind in ("environments", "programs", "worktrees"):
        return [item.path.with_suffix(".lock")]
    locks = cache / "locks"
    if item.kind == "artifacts":
        return sorted(locks.glob(f"{escape(f'{item.model}-{item.format}')}-b0-*.lock"))
    if item.kind == "weights":
        variant = item.path.name.rsplit("-", 2)[0]
        return sorted(locks.glob(f"{escape(variant)}-*-b0-*.lock"))
    return []
