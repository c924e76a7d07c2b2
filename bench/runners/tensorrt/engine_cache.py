"""Built engines, kept by everything that shapes them, and a hit that is proved.

An engine belongs to one TensorRT build and one GPU. Which tactics a build picks varies from build
to build, so a key has several builds, taken in turn: the build is a level of the design, as the
session is. Layout: ROOT/<key>/build-<n>/ with the engine's files and `engine.json`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.core.atomic import write_whole
from bench.core.digest import canonical_digest
from bench.core.errors import BenchError
from bench.core.protocol import write_json

BUILDS = 3
REBUILT = "rebuilt: the cached engine no longer loads"
"""The fact of a session's engine then; else "built" or "hit"."""

_MANIFEST = "engine.json"
_USED = "used"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineKey:
    """What shapes an engine; `flags` are the builder's settings by name."""

    runner: str
    tensorrt: str
    gpu: str
    model_sha256: str
    batch: int
    flags: Mapping[str, str]

    @property
    def digest(self) -> str:
        """16 hex digits over all of it."""
        parts = [self.runner, self.tensorrt, self.gpu, self.model_sha256, self.batch]
        return canonical_digest([*parts, dict(self.flags)], 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The place of the `build`-th engine of a key."""

    folder: Path
    build: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A file's content and when it was last written."""

    sha256: str
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An engine that is there whole; `facts` are its builder's."""

    build_ns: int
    files: Mapping[str, FileState]
    facts: Mapping[str, str]


def files_sha256(paths: Iterable[Path]) -> str:
    """Return one SHA-256 over the contents of `paths`, in their order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(_sha256(path).encode())
    return digest.hexdigest()


def choose(root: Path, key: EngineKey, *, builds: int = BUILDS) -> Slot:
    """Return the slot whose turn it is: one not built yet, else the one used longest ago."""
    slots = [
        Slot(folder=root / key.digest / f"build-{number}", build=number) for number in range(builds)
    ]
    for slot in slots:
        if read(slot) is None:
            clear(slot)
            return slot
    return min(slots, key=lambda slot: (_last_used(slot), slot.build))


def clear(slot: Slot) -> None:
    """Leave `slot` an empty folder."""
    shutil.rmtree(slot.folder, ignore_errors=True)
    slot.folder.mkdir(parents=True, exist_ok=True)


def read(slot: Slot) -> Kept | None:
    """Return the engine in `slot`, None where it isn't there with the content it was kept with."""
    try:
        manifest = json.loads((slot.folder / _MANIFEST).read_text(encoding="utf-8"))
        files = states(slot)
        whole = {name: state.sha256 for name, state in files.items()} == manifest["files"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    if not whole or not files:
        return None
    return Kept(build_ns=manifest["build_ns"], files=files, facts=manifest["facts"])


def keep(slot: Slot, *, build_ns: int, facts: Mapping[str, str]) -> Kept:
    """Note that `slot` holds an engine that took `build_ns` to build; raises BenchError for none.

    Every file in its folder is the engine's.
    """
    files = states(slot)
    if not files:
        raise BenchError(
            "the engine was built and no file of it was kept",
            hint="is the cache writable and the disk full? see `df -h`",
        )
    hashes = {name: state.sha256 for name, state in files.items()}
    manifest = {"build_ns": build_ns, "files": hashes, "facts": dict(facts)}
    write_json(slot.folder / _MANIFEST, manifest)
    return Kept(build_ns=build_ns, files=files, facts=facts)


def states(slot: Slot) -> dict[str, FileState]:
    """Return the engine's files in `slot` as they are."""
    return {
        path.relative_to(slot.folder).as_posix(): FileState(
            sha256=_sha256(path), mtime_ns=path.stat().st_mtime_ns
        )
        for path in sorted(slot.folder.rglob("*"))
        if path.is_file() and path.name not in (_MANIFEST, _USED)
    }


def prove_hit(slot: Slot, kept: Kept) -> None:
    """Raise BenchError unless the files are those of `kept`, neither changed nor written again."""
    if states(slot) != dict(kept.files):
        raise BenchError(
            "the engine's files changed while it was loaded: it was built again, not taken "
            "from the cache",
            hint="delete the folder engines in the cache and run again",
        )


def timings_path(root: Path, key: EngineKey, slot: Slot) -> Path:
    """Return where builds with `slot`'s number keep their kernels' timings, for all nets alike."""
    name = canonical_digest([key.tensorrt, key.gpu, dict(key.flags)])
    return root / "timings" / f"{name}-build-{slot.build}.cache"


def write(path: Path, content: bytes) -> None:
    """Write `content` beside `path` and rename it into place; raises BenchError where it can't."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise BenchError(
            f"{path} can't be written: {error.strerror}", hint="free some space: `df -h`"
        ) from error


def mark_used(slot: Slot) -> None:
    """Note that `slot` had its turn."""
    (slot.folder / _USED).write_text(str(time.time_ns()), encoding="utf-8")


def _last_used(slot: Slot) -> int:
    try:
        return int((slot.folder / _USED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
