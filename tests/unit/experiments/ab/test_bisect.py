"""git's own bisection over a repository of the test's, each revision judged by its number."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bench.core.errors import InputError
from bench.experiments.ab.bisect import BAD, GOOD, SKIP, bisect
from bench.launcher.git import GitRefused
from tests.fakes.repository import commit, make_repository, run_git

COUNT = 9


@pytest.fixture
def commits(tmp_path: Path) -> list[str]:
    folder = make_repository(tmp_path / "repository")
    made = []
    for number in range(COUNT):
        (folder / "number").write_text(str(number))
        made.append(commit(folder))
    return made


def judge(commits: list[str], first_bad: int, skipped: tuple[int, ...] = ()) -> Callable[..., int]:
    asked: list[int] = []

    def test(revision: str) -> int:
        number = commits.index(revision)
        assert number not in asked
        asked.append(number)
        if number in skipped:
            return SKIP
        return BAD if number >= first_bad else GOOD

    test.asked = asked  # type: ignore[attr-defined]
    return test


@pytest.mark.parametrize("first_bad", range(1, COUNT))
def test_the_first_bad_commit_is_found_in_few_tests(
    first_bad: int, commits: list[str], tmp_path: Path
) -> None:
    test = judge(commits, first_bad)
    found = bisect(
        tmp_path / "repository", good=commits[0], bad="HEAD", test=test, cache=tmp_path / "cache"
    )
    assert found.commits == (commits[first_bad],)
    assert len(test.asked) <= 4  # type: ignore[attr-defined]
    assert "git bisect start" in found.log


def test_revisions_that_can_not_be_tested_are_gone_round(
    commits: list[str], tmp_path: Path
) -> None:
    test = judge(commits, 6, skipped=(4,))
    found = bisect(
        tmp_path / "repository", good=commits[0], bad="main", test=test, cache=tmp_path / "cache"
    )
    assert found.commits == (commits[6],)


def test_where_they_hide_the_first_one_all_that_it_may_be_are_named(
    commits: list[str], tmp_path: Path
) -> None:
    test = judge(commits, 5, skipped=(4, 5))
    found = bisect(
        tmp_path / "repository", good=commits[0], bad="main", test=test, cache=tmp_path / "cache"
    )
    assert set(found.commits) == set(commits[4:7])


def test_the_person_s_checkout_is_as_it_was(commits: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    (folder / "number").write_text("being worked on")
    before = [run_git(folder, *it) for it in (["status", "--porcelain"], ["for-each-ref"])]

    def fails(_: str) -> int:
        raise KeyboardInterrupt

    for test in (judge(commits, 3), fails):
        with suppress(KeyboardInterrupt):
            bisect(folder, good=commits[0], bad="main", test=test, cache=tmp_path / "cache")
        after = [run_git(folder, *it) for it in (["status", "--porcelain"], ["for-each-ref"])]
        assert after == before
        assert (folder / "number").read_text() == "being worked on"
        assert run_git(folder, "rev-parse", "--abbrev-ref", "HEAD") == "main"
        assert len(run_git(folder, "worktree", "list").splitlines()) == 1


def test_revisions_between_which_there_is_no_way_are_an_error(
    commits: list[str], tmp_path: Path
) -> None:
    folder, test = tmp_path / "repository", judge(commits, 3)
    with pytest.raises(InputError, match="no revision 'nope'"):
        bisect(folder, good="nope", bad="main", test=test, cache=tmp_path / "cache")
    with pytest.raises(GitRefused):
        bisect(folder, good="main", bad="main", test=test, cache=tmp_path / "cache")
