"""Other revisions in folders of their own, with real repositories."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.artifacts.builder import ARTIFACT_FORMATS
from bench.core.errors import InputError, Unavailable
from bench.core.paths import PROJECT
from bench.environments.specs import ENVIRONMENTS
from bench.experiments.ab.revisions import checkout, tables_at, temporary
from bench.launcher.git import GitRefused, commit_of, git
from bench.runners import RUNNERS
from tests.fakes.repository import commit, make_repository, run_git


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three revisions of part/file."""
    folder = make_repository(tmp_path / "repository")
    (folder / "readme").write_text("before there was a part")
    commit(folder)
    (folder / "part").mkdir()
    for text in ("one", "two"):
        (folder / "part/file").write_text(text)
        commit(folder)
    return folder


def state(folder: Path) -> Mapping[str, str]:
    """What a person's checkout is: branch, commit, changes, refs."""
    asked = ("rev-parse HEAD", "symbolic-ref HEAD", "status --porcelain", "for-each-ref")
    return {it: run_git(folder, *it.split()) for it in asked}


def test_a_revision_of_a_folder_stands_in_the_cache_and_the_checkout_stays_as_it_was(
    repository: Path, tmp_path: Path
) -> None:
    (repository / "part/file").write_text("three, not committed")
    before = state(repository)
    found = checkout(repository / "part", "HEAD~1", tmp_path / "cache")
    assert (found.folder / "file").read_text() == "one"
    assert found.folder.is_relative_to(tmp_path / "cache")
    assert found.commit == run_git(repository, "rev-parse", "HEAD~1")
    assert state(repository) == before
    assert (repository / "part/file").read_text() == "three, not committed"


def test_a_checkout_is_used_again(repository: Path, tmp_path: Path) -> None:
    first = checkout(repository, "HEAD", tmp_path / "cache")
    (first.folder / "untracked").touch()
    assert checkout(repository, "main", tmp_path / "cache") == first
    assert (first.folder / "untracked").exists()


def test_a_checkout_that_was_changed_or_lost_is_made_again(
    repository: Path, tmp_path: Path
) -> None:
    for harm in ("change", "lose", "break"):
        folder = checkout(repository, "HEAD", tmp_path / "cache").folder
        if harm == "change":
            (folder / "part/file").write_text("meddled with")
        elif harm == "lose":
            shutil.rmtree(folder)
        else:
            (folder / ".git").unlink()
        again = checkout(repository, "HEAD", tmp_path / "cache").folder
        assert (again / "part/file").read_text() == "two"


def test_what_has_no_such_revision_is_told_with_a_remedy(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no revision 'nope'") as raised:
        checkout(repository, "nope", tmp_path)
    assert "shallow" in raised.value.hint
    with pytest.raises(InputError, match="revision HEAD~2 has no folder part"):
        checkout(repository / "part", "HEAD~2", tmp_path / "cache")
    with pytest.raises(InputError, match="is in no git repository"):
        commit_of(tmp_path, "HEAD")


def test_a_revision_that_looks_like_a_flag_is_no_flag(repository: Path) -> None:
    with pytest.raises(InputError, match="no revision '--all'"):
        commit_of(repository, "--all")


def test_what_git_says_is_in_the_error(repository: Path) -> None:
    with pytest.raises(GitRefused, match=r"git checkout nope: .*nope") as raised:
        git(repository, "checkout", "nope")
    assert "nope" in raised.value.output


def test_a_variable_of_a_hook_leads_git_nowhere_else(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert git(repository, "rev-parse", "HEAD").strip() == run_git(repository, "rev-parse", "HEAD")


def test_a_worktree_for_a_while_has_its_own_bisection_and_goes(
    repository: Path, tmp_path: Path
) -> None:
    before = state(repository)
    with temporary(repository, "HEAD", tmp_path / "cache") as place:
        git(place, "bisect", "start", "--no-checkout", "HEAD", "HEAD~2")
        assert "refs/bisect" not in run_git(repository, "for-each-ref")
    assert not place.exists()
    assert state(repository) == before
    assert len(run_git(repository, "worktree", "list").splitlines()) == 1


def test_a_revision_tells_its_own_tables() -> None:
    told = tables_at(PROJECT)
    assert told.runners == RUNNERS
    assert told.formats == ARTIFACT_FORMATS
    assert told.environments == ENVIRONMENTS


def test_a_field_that_this_version_does_not_know_is_left_out_of_a_revision_s_tables(
    tmp_path: Path,
) -> None:
    bench = tmp_path / "bench"
    bench.mkdir()
    table = (
        '@dataclasses.dataclass\nclass E:\n  lock: str\n  more: int = 1\n{} = {{"own": E("l")}}\n'
    )
    (bench / "__init__.py").touch()
    for room in ("environments", "artifacts", "core"):
        (bench / room).mkdir()
    text = "import dataclasses\n" + table.format("ENVIRONMENTS")
    (bench / "environments" / "specs.py").write_text(text)
    (bench / "artifacts" / "formats.py").write_text("ARTIFACT_FORMATS = {}\n")
    (bench / "runners.py").write_text("RUNNERS = {}\n")
    told = tables_at(tmp_path)
    assert (told.runners, told.formats) == ({}, {})
    assert told.environments["own"].lock == "l"


def test_a_revision_that_can_not_tell_its_tables_is_no_arm(tmp_path: Path) -> None:
    (tmp_path / "bench" / "core").mkdir(parents=True)
    with pytest.raises(Unavailable, match="doesn't tell its runners: ModuleNotFoundError"):
        tables_at(tmp_path)


def test_a_revision_from_before_the_rooms_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "artifacts.py").write_text("KINDS = {}\n")
    with pytest.raises(Unavailable, match="before the harness moved into packages") as refused:
        tables_at(tmp_path)
    assert "bench/core" in refused.value.hint
