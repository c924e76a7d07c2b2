"""Git, asked as a child process: the state of the checkout, a revision, a file of a commit."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.core.errors import BenchError, InputError, Unavailable

_TIMEOUT_S = 300.0


class GitRefused(BenchError):
    """git did not do what it was asked; `output` is everything that it wrote."""

    def __init__(self, what: str, *, stderr: str, stdout: str) -> None:
        said = [line for line in (stderr or stdout).splitlines() if line.strip()]
        super().__init__(
            f"git {what}: {said[-1] if said else 'it failed'}", hint="see what git says of it"
        )
        self.output = stdout + stderr


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


def check_history(project: Path) -> None:
    """Raise InputError where git doesn't keep the harness's own folder, `project`.

    An installed harness may lie inside the repository of something else.
    """
    try:
        git(project, "rev-parse", "HEAD:./")
    except GitRefused as error:
        raise InputError(
            "this harness is no clone of its repository, so that it has no revisions",
            hint="run it in a clone, or compare by env:, model:, runner: or set:",
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


_GIT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """A commit's full hash, and whether anything but results differs; `None` is not known."""

    commit: str | None
    dirty: bool | None


def git_state(folder: Path) -> GitState:
    """Return the state of the repository that tracks `folder`; not known where git can't tell.

    Files that git neither tracks nor ignores count as changes; those under results/ do not.
    """
    # The second name fails where `folder` merely lies inside the tree of some other repository.
    names = _git(folder, "rev-parse", "HEAD^{commit}", "HEAD:./")
    if names is None:
        return GitState(commit=None, dirty=None)
    changes = _git(
        folder, "status", "--porcelain", "--untracked-files=normal", "--", ":(exclude)results"
    )
    return GitState(commit=names.split()[0], dirty=None if changes is None else changes != "")


def git_file(folder: Path, commit: str, path: str) -> bytes | None:
    """Return a text file as it is in `commit` of the repository that tracks `folder`, `path` below
    it; None where git can't tell.
    """
    text = _git(folder, "show", "--end-of-options", f"{commit}:./{path}")
    return None if text is None else text.encode()


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git writes, or `None` where it is missing, fails or takes too long."""
    import subprocess

    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    command = ("git", "--no-optional-locks", "-C", str(folder), *arguments)
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
