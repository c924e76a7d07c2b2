"""git bisect in a worktree of its own, told by a function what each revision is.

The protocol is git's: the function answers 0 for good, 1 for bad, 125 for a revision that can't be
tested (`git bisect run`). The person's own checkout is never touched: a worktree has its own HEAD
and its own refs/bisect.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.experiments.ab.revisions import temporary
from bench.launcher.git import GitRefused, commit_of, git

GOOD, BAD, SKIP = 0, 1, 125
_WORDS = {GOOD: "good", BAD: "bad", SKIP: "skip"}
_FOUND = re.compile(r"^([0-9a-f]{40,64}) is the first bad commit", flags=re.MULTILINE)
_ONE_OF = re.compile(r"^([0-9a-f]{40,64})$", flags=re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The first bad commit; several where those between couldn't be tested. `log` is git's own."""

    commits: tuple[str, ...]
    log: str


def bisect(
    repository: Path, *, good: str, bad: str, test: Callable[[str], int], cache: Path
) -> Found:
    """Return where `repository` went from `good` to `bad`; `test` gets each commit's hash.

    Raises InputError for a revision that isn't there, GitRefused where git sees no way between.
    """
    good_commit, bad_commit = commit_of(repository, good), commit_of(repository, bad)
    with temporary(repository, bad_commit, cache) as place:
        said = git(place, "bisect", "start", "--no-checkout", bad_commit, good_commit)
        while not (found := _first_bad(said)):
            commit = git(place, "rev-parse", "BISECT_HEAD").strip()
            said = _mark(place, commit, test(commit))
        return Found(commits=found, log=git(place, "bisect", "log"))


def _mark(place: Path, commit: str, status: int) -> str:
    """Tell git what `commit` is; it ends with status 2 where only skipped ones are left."""
    try:
        return git(place, "bisect", _WORDS.get(status, "skip"), commit)
    except GitRefused as refused:
        if "only 'skip'ped commits left" in refused.output:
            return refused.output
        raise


def _first_bad(said: str) -> tuple[str, ...]:
    """Return the commits that git names in the end, none while it goes on."""
    if first := _FOUND.search(said):
        return (first[1],)
    if "first bad commit could be any of" in said:
        return tuple(_ONE_OF.findall(said))
    return ()
