"""Other revisions of a repository, checked out by `git worktree` into the cache.

The person's own checkout, its branch and its index stay as they are. A revision's folder is kept
and used again; git forgets it once the folder is gone (`git worktree prune`).
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from bench.artifacts import Kind
from bench.cell import canonical_digest
from bench.environments import EnvSpec
from bench.errors import BenchError, InputError, Unavailable
from bench.runners import RunnerEntry

_TIMEOUT_S = 300.0
_TELL = """
import dataclasses, json
from bench.artifacts import KINDS
from bench.environments import ENVIRONMENTS
from bench.runners import RUNNERS
tables = {"runners": RUNNERS, "kinds": KINDS, "environments": ENVIRONMENTS}
plain = {t: {n: dataclasses.asdict(e) for n, e in table.items()} for t, table in tables.items()}
print(json.dumps(plain))
"""


class GitRefused(BenchError):
    """git did not do what it was asked; `output` is everything that it wrote."""

    def __init__(self, what: str, *, stderr: str, stdout: str) -> None:
        said = [line for line in (stderr or stdout).splitlines() if line.strip()]
        super().__init__(
            f"git {what}: {said[-1] if said else 'it failed'}", hint="see what git says of it"
        )
        self.output = stdout + stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A revision's files: `folder` stands where the asked folder stands in its repository."""

    folder: Path
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionTables:
    """What a revision of this project knows: its runners, kinds of artifact and environments."""

    runners: Mapping[str, RunnerEntry]
    kinds: Mapping[str, Kind]
    environments: Mapping[str, EnvSpec]


def git(folder: Path, *arguments: str) -> str:
    """Return what git writes in `folder`.

    Raises GitRefused, and Unavailable where there is no git.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env=kept | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"git doesn't run: {error}", hint="install git") from error
    if done.returncode != 0:
        raise GitRefused(" ".join(arguments[:2]), stderr=done.stderr, stdout=done.stdout)
    return done.stdout


def repository_of(folder: Path) -> Path:
    """Return the top of the working tree that `folder` lies in; raises InputError."""
    try:
        return Path(git(folder, "rev-parse", "--show-toplevel").strip())
    except GitRefused as error:
        raise InputError(
            f"{folder} is in no git repository", hint="only what git keeps has revisions"
        ) from error


def commit_of(folder: Path, revision: str) -> str:
    """Return the full hash of `revision` in `folder`'s repository; raises InputError."""
    repository_of(folder)
    try:
        return git(
            folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        ).strip()
    except GitRefused as error:
        raise InputError(
            f"there is no revision '{revision}'",
            hint="see `git log --oneline`; a shallow clone lacks the older ones",
        ) from error


def checkout(folder: Path, revision: str, cache: Path) -> Checkout:
    """Return `folder` as it was at `revision`.

    Raises InputError where there is no such revision or it has no such folder.
    """
    top, commit = repository_of(folder), commit_of(folder, revision)
    inside = folder.resolve().relative_to(top.resolve())
    place = cache / "worktrees" / f"{canonical_digest(str(top.resolve()), 8)}-{commit[:16]}"
    with _locked(place):
        if not _stands(place, commit):
            # Forced: git may still know a folder that somebody has deleted.
            git(top, "worktree", "add", "--force", "--detach", str(place.absolute()), commit)
    if not (place / inside).is_dir():
        raise InputError(
            f"revision {revision} has no folder {inside}", hint="take a later revision"
        )
    return Checkout(folder=place / inside, commit=commit)


def _stands(place: Path, commit: str) -> bool:
    """Tell whether `place` is that commit, whole; what is there and isn't goes."""
    if not place.exists():
        return False
    try:
        whole = (
            git(place, "rev-parse", "HEAD").strip() == commit
            and repository_of(place).resolve() == place.resolve()
            and not git(place, "status", "--porcelain", "--untracked-files=no").strip()
        )
    except BenchError:
        whole = False
    if not whole:
        import shutil

        shutil.rmtree(place)
    return whole


@contextmanager
def temporary(folder: Path, revision: str, cache: Path) -> Iterator[Path]:
    """Yield a worktree of `folder`'s repository at `revision`, which goes afterwards.

    For a bisection: its refs are the worktree's own, so that several can go on at once.
    """
    import tempfile

    top, commit = repository_of(folder), commit_of(folder, revision)
    (cache / "worktrees").mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="bisect-", dir=cache / "worktrees")).absolute()
    place.rmdir()
    git(top, "worktree", "add", "--detach", "--no-checkout", str(place), commit)
    try:
        yield place
    finally:
        git(top, "worktree", "remove", "--force", str(place))


def tables_at(folder: Path) -> RevisionTables:
    """Return the tables of the revision of this project in `folder`.

    Raises Unavailable where it can't tell them.
    """
    done = subprocess.run(
        [sys.executable, "-c", _TELL],
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    try:
        told = json.loads(done.stdout)
        return RevisionTables(
            runners={name: _entry(RunnerEntry, it) for name, it in told["runners"].items()},
            kinds={name: _entry(Kind, it) for name, it in told["kinds"].items()},
            environments={name: _entry(EnvSpec, it) for name, it in told["environments"].items()},
        )
    except (ValueError, LookupError, TypeError) as error:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Unavailable(
            f"that revision doesn't tell its runners: {last}", hint="take a later revision"
        ) from error


Entry = TypeVar("Entry", RunnerEntry, Kind, EnvSpec)


def _entry(kind: type[Entry], values: Mapping[str, Any]) -> Entry:
    """Return a table's entry; what this version has no field for is left out."""
    known = {field.name for field in fields(kind)}
    return kind(**{name: _frozen(value) for name, value in values.items() if name in known})


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(it) for it in value)
    if isinstance(value, dict):
        return {name: _frozen(it) for name, it in value.items()}
    return value


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Keep two comparisons from checking the same revision out at once."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
