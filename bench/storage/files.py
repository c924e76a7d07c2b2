"""Atomic files, validated reading, and run ids."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bench import __version__
from bench.core.atomic import write_all, write_whole
from bench.core.digest import canonical_digest
from bench.core.errors import BrokenFile, BrokenResult, InputError, ResultsNotWritable
from bench.core.locks import runtime_folder, waited_for
from bench.storage.digests import Altered, checked, with_digest
from bench.storage.schema.common import SCHEMA_VERSION
from bench.storage.validation import MOST_BYTES, explain, parsed, read_bytes, short, within

Stored = TypeVar("Stored", bound=BaseModel)


# A line break tells an array from a text that looks like one: in JSON no text holds a line break.
_NUMBERS = re.compile(r"\[\n\s+(-?\d[\d.e+-]*(?:,\n\s+-?\d[\d.e+-]*)*)\n\s*\]")


def write_value(path: Path, value: BaseModel) -> None:
    """Put `value` at `path` with its digest, whole or not at all; raises ResultsNotWritable."""
    write_atomic(path, with_digest(to_text(value).encode()))


def utc_now() -> str:
    """Return the time in ISO 8601, UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


_TIME = "%Y%m%dT%H%M%SZ"
_LAST_YEAR = 9999  # past which a later time can't be written


def new_run_id(commit: str | None) -> str:
    """Return <UTC>-<git sha8>-<id8>; without a commit the version stands for it."""
    stamp = datetime.now(timezone.utc).strftime(_TIME)
    return f"{stamp}-{commit[:8] if commit else f'v{__version__}'}-{secrets.token_hex(4)}"


def id_after(run_id: str, newest: str | None) -> str:
    """Return `run_id`, or one with a later time where it doesn't sort behind `newest`.

    The order of runs is that of their ids; a clock that was set back, or two runs within a second,
    would turn it.
    """
    stamp, _, rest = run_id.partition("-")
    last = _time_of(newest or "")
    if last is None or stamp > last.strftime(_TIME):
        return run_id
    return f"{(last + timedelta(seconds=1)).strftime(_TIME)}-{rest}"


def seconds_behind(run_id: str, newest: str) -> float:
    """Return by how many seconds `run_id` is older than `newest`, 0 where either bears no time."""
    own, last = _time_of(run_id), _time_of(newest)
    return 0.0 if own is None or last is None else (last - own).total_seconds()


def _time_of(run_id: str) -> datetime | None:
    """Return the time that an id begins with, None where it begins otherwise or with none."""
    stamp = run_id.partition("-")[0]
    try:
        time = datetime.strptime(stamp, _TIME).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return time if time.year < _LAST_YEAR and time.strftime(_TIME) == stamp else None


def to_text(value: BaseModel) -> str:
    """Return `value` as JSON with sorted keys and each array of numbers in one line."""
    text = _as_json(value.model_dump(), indent=1, sort_keys=True)
    return _NUMBERS.sub(lambda m: "[" + re.sub(r"\s+", " ", m.group(1)) + "]", text) + "\n"


def to_line(value: BaseModel, *, brief: bool) -> bytes:
    """Return `value` as JSON in one line; `brief`: without what is as by default."""
    return _as_json(value.model_dump(exclude_defaults=brief), separators=(",", ":")).encode()


def _as_json(values: object, **how: Any) -> str:
    """Return JSON that is UTF-8: a file's name or a variable may hold bytes that are none."""
    return json.dumps(values, ensure_ascii=False, **how).encode("utf-8", "replace").decode()


def journal_lines(path: Path) -> tuple[list[bytes], int | None]:
    """Return a journal's whole lines, and where one begins that was never finished, None: none was.

    Raises OSError, also for a line that no harness wrote: it is too long.
    """
    lines: list[bytes] = []
    begin = 0
    with path.open("rb") as file:
        while line := within(file.readline(MOST_BYTES + 1), f"line {len(lines) + 1}"):
            if not line.endswith(b"\n"):
                return lines, begin
            lines.append(line.rstrip(b"\r\n"))
            begin += len(line)
    return lines, None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusal to write `path` into ResultsNotWritable."""
    try:
        yield
    except OSError as error:
        raise ResultsNotWritable(
            f"{path} can't be written: {error.strerror}",
            hint="free some space or make the folder writable, or name another with --results DIR",
        ) from error


def write_atomic(path: Path, data: bytes) -> None:
    """Put `data` at `path`, whole or not at all; raises ResultsNotWritable."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
        sync_folder(path.parent)


def read_text_file(path: Path) -> bytes:
    """Return what a person's file holds; raises BrokenFile, also where it is a link or a device."""
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe without a writer would block
        descriptor = os.open(path, flags)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file")
            with open(descriptor, "rb", closefd=False) as file:
                return within(file.read(MOST_BYTES + 1), "it")
        finally:
            os.close(descriptor)
    except OSError as error:
        problem = "it is a link" if error.errno == errno.ELOOP else str(error.strerror)
        raise BrokenFile(path, problem, hint="name a text file that can be read") from error


def rewrite(files: Mapping[Path, bytes]) -> None:
    """Put new bytes into files that are there, all or none; each keeps its permissions.

    Raises InputError.
    """
    try:
        for path in files:
            if not os.access(path, os.W_OK):  # which a rename wouldn't ask for
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        write_all(files, keep_modes=True)
        for folder in {path.parent for path in files}:
            sync_folder(folder)
    except OSError as error:
        names = ", ".join(map(str, files))
        raise InputError(
            f"{names} can't be written: {error.strerror}",
            hint="make the file and its folder writable, or free some space",
        ) from error


def sync_folder(folder: Path) -> None:
    """Have the names in `folder` on the disk; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


UNSEALED = "it isn't the file that the run was completed with"


def read_as(kind: type[Stored], path: Path, *, remedy: str, seal: str | None = None) -> Stored:
    """Return the file as a `kind`, once it is read; its SHA-256 must be `seal` where there is one.

    Raises BrokenResult that names the file and what is wrong.
    """
    try:
        if path.is_fifo():  # waits for a writer
            raise OSError(errno.EINVAL, "it is no regular file")
        data = read_bytes(path)
    except OSError as error:
        raise BrokenResult(path, str(error.strerror), hint=remedy) from error
    altered: Altered | None = None
    try:
        text = checked(data)[0]
    except Altered as error:
        text, altered = error.text, error
    try:
        value = parsed(kind, text)
    except ValidationError as error:
        problem = _version_problem(data) or explain(error)
        raise BrokenResult(path, problem, hint=remedy) from error
    if altered is not None:
        raise BrokenResult(path, str(altered), hint=remedy)
    if seal is not None and seal != hashlib.sha256(data).hexdigest():
        raise BrokenResult(path, UNSEALED, hint=remedy)
    return value


def _version_problem(data: bytes) -> str | None:
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return None
    version = parsed.get("schema_version") if isinstance(parsed, dict) else None
    if version is None or version == SCHEMA_VERSION:
        return None
    return f"schema version {short(repr(version))}, this harness reads {SCHEMA_VERSION}"


def replace_report(
    files: Mapping[Path, bytes], earlier: Callable[[], Collection[Path]] = frozenset
) -> list[Path]:
    """Write `files` of a report, all or none; those that `earlier` names and this one lacks go.

    One process at a time does so; others wait. Raises ResultsNotWritable.
    """
    concerned = [*files, *earlier()]
    if not concerned:
        return []
    folder = Path(os.path.commonpath([path.parent for path in concerned]))
    lock = runtime_folder() / f"report-{canonical_digest(str(folder.resolve()), 16)}.lock"
    with waited_for(lock, f"the report {folder}"), writing(folder):
        for parent in {path.parent for path in files}:
            parent.mkdir(parents=True, exist_ok=True)
        write_all({path: data for path, data in files.items() if _differs(path, data)})
        for old in set(earlier()) - set(files):
            old.unlink(missing_ok=True)
        sync_folder(folder)
    return list(files)


def _differs(path: Path, data: bytes) -> bool:
    return not path.exists() or path.read_bytes() != data
