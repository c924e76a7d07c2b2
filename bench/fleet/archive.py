"""A run's files on their way between machines, and how they are taken in.

An archive is a tar of one run's folder and its system's file, below the names that they have in
results/, behind a list of them with their SHA-256. It is taken in only where each name, size and
digest is as it must be, and its files are a run that can be read.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import BenchError, BrokenResult, ResultsError
from bench.core.scratch import scratch_folder
from bench.storage.files import sync_folder, write_atomic, writing
from bench.storage.run_folders import RunFolder
from bench.storage.store import Store

LIST = "archive.json"
MOST_BYTES = 4 << 30
"""What a run's files may come to, in bytes."""

_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.+=@-]{0,199}"
_RUN_FILE = re.compile(rf"runs/(?P<system>{_WORD})/(?P<run>{_WORD})/(?:{_WORD}/)?{_WORD}")
_SYSTEM_FILE = re.compile(rf"systems/(?P<system>{_WORD})\.json")


class BrokenArchive(ResultsError):
    """What came from a worker isn't one run's files, whole and as it sent them."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"a worker's archive: {problem}", hint="nothing of it was stored; send the job again"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A run that was taken in; `known`: it was there already, byte for byte."""

    folder: RunFolder
    known: bool


def packed(store: Store, run: RunFolder) -> bytes:
    """Return the archive of a run of `store`; raises BenchError where it can't be read."""
    system = store.root / "systems" / f"{run.path.parent.name}.json"
    paths = [path for path in sorted(run.path.rglob("*")) if path.is_file()]
    named = {path.relative_to(store.root).as_posix(): path for path in (*paths, system)}
    try:
        files = {name: path.read_bytes() for name, path in named.items() if _kept(name)}
    except OSError as error:
        problem = str(error.strerror)
        raise BrokenResult(run.path, problem, hint="make it readable") from error
    listed = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        for name, data in {LIST: json.dumps(listed).encode(), **files}.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))
    return out.getvalue()


def _kept(name: str) -> bool:
    return bool(_RUN_FILE.fullmatch(name) or _SYSTEM_FILE.fullmatch(name))


def merge(archive: bytes, store: Store) -> Merged:
    """Copy the run in `archive` into `store`, whole or not at all.

    Raises BrokenArchive, and ResultsError, by its name, where a run of that id is there with other
    contents.
    """
    files = dict(_unpacked(archive))
    store.check_writable()
    with writing(store.root), scratch_folder(store.root, ".arrived-") as scratch:
        for name, data in files.items():
            write_atomic(scratch / name, data)
        arrived = _checked(Store(scratch))
        place = store.root / arrived.path.relative_to(scratch)
        if place.exists():
            _check_same(arrived.path, place)
            return Merged(folder=RunFolder(place), known=True)
        store.add_system(Store(scratch).system(place.parent.name))
        place.parent.mkdir(parents=True, exist_ok=True)
        arrived.path.rename(place)
        sync_folder(place.parent)
    return Merged(folder=RunFolder(place), known=False)


def _unpacked(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each file, once its name, kind, size and digest are what they must be."""
    left: dict[str, str] | None = None
    size = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as tar:
            for member in tar:
                size += member.size
                data = _data(tar, member, size)
                if left is None:
                    left = dict(_listed(member.name, data))
                elif left.pop(member.name, None) == hashlib.sha256(data).hexdigest():
                    yield member.name, data
                else:
                    raise BrokenArchive(f"'{member.name}' isn't the file that its list names")
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise BrokenArchive(f"it can't be read ({error})") from error
    if left is None or left:
        raise BrokenArchive(f"it lacks {', '.join(left or [LIST])}")


def _data(tar: tarfile.TarFile, member: tarfile.TarInfo, size: int) -> bytes:
    if not member.isreg():
        raise BrokenArchive(f"'{member.name}' is no regular file")
    if size > MOST_BYTES:
        raise BrokenArchive(f"it holds more than {MOST_BYTES >> 30} GiB")
    file = tar.extractfile(member)
    return b"" if file is None else file.read()


def _listed(name: str, data: bytes) -> Mapping[str, str]:
    """Return the list of the files with their digests; they must be of one run and its system."""
    value = json.loads(data)
    if name != LIST or not isinstance(value, dict):
        raise BrokenArchive(f"it doesn't begin with {LIST}")
    runs = {(it["system"], it["run"]) for path in value if (it := _RUN_FILE.fullmatch(path))}
    systems = {it["system"] for path in value if (it := _SYSTEM_FILE.fullmatch(path))}
    strange = [path for path in value if not _kept(path)]
    if strange:
        raise BrokenArchive(f"'{strange[0]}' is no name of a run's file")
    if len(runs) != 1 or systems != {system for system, _ in runs}:
        raise BrokenArchive("it isn't of one run and its system")
    return value


def _checked(store: Store) -> RunFolder:
    """Return the one run in `store`; raises BrokenArchive where it can't be read as one."""
    try:
        (run,) = store.runs()
        list(run.records())
        store.systems()
    except ValueError as error:
        raise BrokenArchive("its files are no run of latencies") from error
    except BenchError as error:
        raise BrokenArchive(error.problem.replace(f"{store.root}/", "")) from error
    return run


def _check_same(arrived: Path, place: Path) -> None:
    own = {path.name for path in place.iterdir()} - {".lock"}
    names = {path.relative_to(arrived) for path in arrived.rglob("*") if path.is_file()}
    differing = [it for it in names if not _is_same(arrived / it, place / it)]
    if differing or own - {it.parts[0] for it in names}:
        which = min(map(str, differing), default="a file of its own")
        raise ResultsError(
            f"run {place.name} is in {place.parent} with other contents ({which})",
            hint="move that folder away, then send the job again",
        )


def _is_same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()
