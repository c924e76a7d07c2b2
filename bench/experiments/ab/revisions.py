"""Other revisions of a repository, checked out by `git worktree` into the cache.

The person's own checkout, its branch and its index stay as they are. A revision's folder is kept
and used again; git forgets it once the folder is gone (`git worktree prune`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from bench.artifacts.formats import ArtifactFormat, Importer
from bench.core.atomic import mark_used
from bench.core.digest import canonical_digest
from bench.core.errors import BenchError, InputError, Unavailable
from bench.core.locks import waited_for
from bench.core.scratch import scratch_folder
from bench.environments.specs import EnvSpec
from bench.launcher.git import commit_of, git, repository_of
from bench.launcher.programs import run_code
from bench.runners import OwnEngine, RunnerEntry

_TELL = """
import dataclasses, json
from bench.artifacts.formats import ARTIFACT_FORMATS
from bench.environments.specs import ENVIRONMENTS
from bench.runners import RUNNERS
tables = {"runners": RUNNERS, "formats": ARTIFACT_FORMATS, "environments": ENVIRONMENTS}
plain = {t: {n: dataclasses.asdict(e) for n, e in table.items()} for t, table in tables.items()}
print(json.dumps(plain))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A revision's files: `folder` stands where the asked folder stands in its repository."""

    folder: Path
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionTables:
    """What a revision of this project knows: its runners, artifact formats and environments."""

    runners: Mapping[str, RunnerEntry]
    formats: Mapping[str, ArtifactFormat]
    environments: Mapping[str, EnvSpec]


def checkout(folder: Path, revision: str, cache: Path) -> Checkout:
    """Return `folder` as it was at `revision`.

    Raises InputError where there is no such revision or it has no such folder.
    """
    top, commit = repository_of(folder), commit_of(folder, revision)
    inside = folder.resolve().relative_to(top.resolve())
    place = cache / "worktrees" / f"{canonical_digest(str(top.resolve()), 8)}-{commit[:16]}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with waited_for(place.with_suffix(".lock"), f"revision {revision} in the cache"):
        if not _stands(place, commit):
            # Forced: git may still know a folder that somebody has deleted.
            git(top, "worktree", "add", "--force", "--detach", str(place.absolute()), commit)
    mark_used(place)
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
    top, commit = repository_of(folder), commit_of(folder, revision)
    (cache / "worktrees").mkdir(parents=True, exist_ok=True)
    with scratch_folder((cache / "worktrees").absolute(), "bisect-") as holder:
        place = holder / "tree"
        git(top, "worktree", "add", "--detach", "--no-checkout", str(place), commit)
        try:
            yield place
        finally:
            git(top, "worktree", "remove", "--force", str(place))


def tables_at(folder: Path) -> RevisionTables:
    """Return the tables of the revision of this project in `folder`.

    Raises Unavailable where it can't tell them.
    """
    if not (folder / "bench" / "core").is_dir():
        raise Unavailable(
            "that revision is from before the harness moved into packages, and its worker speaks "
            "another protocol",
            hint="compare with a revision that has the folder bench/core",
        )
    done = run_code(_TELL, folder)
    try:
        tables = json.loads(done.stdout)
        return RevisionTables(
            runners={name: _runner(it) for name, it in tables["runners"].items()},
            formats={name: _format(it) for name, it in tables["formats"].items()},
            environments={name: _entry(EnvSpec, it) for name, it in tables["environments"].items()},
        )
    except (ValueError, LookupError, TypeError) as error:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Unavailable(
            f"that revision doesn't tell its runners: {last}", hint="take a later revision"
        ) from error


def _format(values: Mapping[str, Any]) -> ArtifactFormat:
    """Return an artifact's format, whose importer is an entry within it."""
    own = values.get("importer")
    importer = None if own is None else _entry(Importer, own)
    return replace(_entry(ArtifactFormat, values), importer=importer)


def _runner(values: Mapping[str, Any]) -> RunnerEntry:
    """Return a runner's entry, whose later engine is an entry within it."""
    own = values.get("own")
    return replace(_entry(RunnerEntry, values), own=None if own is None else _entry(OwnEngine, own))


Entry = TypeVar("Entry", RunnerEntry, OwnEngine, ArtifactFormat, Importer, EnvSpec)


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
