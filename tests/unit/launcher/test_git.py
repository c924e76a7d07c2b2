"""Whether git keeps a folder, so that it has revisions."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.core.errors import InputError
from bench.experiments.ab.arms import make_arm
from bench.experiments.ab.spec import ArmSpec
from bench.experiments.context import Options, Tables
from bench.launcher.git import check_history, git_file
from tests.fakes.repository import commit, make_repository

REFUSED = "this harness is no clone of its repository, so that it has no revisions: run "


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A site-packages in an ignored environment inside somebody's repository."""
    project = make_repository(tmp_path / "project")
    (project / ".gitignore").write_text(".venv\n")
    site = project / ".venv" / "site-packages"
    site.mkdir(parents=True)
    commit(project)
    return site


def test_a_clone_has_a_history(tmp_path: Path) -> None:
    project = make_repository(tmp_path / "project")
    commit(project)
    check_history(project)


def test_what_lies_in_a_repository_of_something_else_has_none(installed: Path) -> None:
    with pytest.raises(InputError, match=REFUSED):
        check_history(installed)


def test_what_lies_in_no_repository_has_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=REFUSED):
        check_history(tmp_path)


def test_an_installed_harness_can_not_be_an_arm_of_another_revision(installed: Path) -> None:
    spec = ArmSpec(texts=("rev:main",), revision="main")
    with pytest.raises(InputError, match=REFUSED):
        make_arm("base", spec, Options(), Tables(), project=installed)


def test_a_commit_out_of_a_result_file_is_no_option_of_git(tmp_path: Path) -> None:
    project = make_repository(tmp_path / "project")
    (project / "kept.txt").write_text("kept")
    commit(project)
    (tmp_path / "out:.").mkdir()
    assert git_file(project, "HEAD", "kept.txt") == b"kept"
    assert git_file(project, f"--output={tmp_path / 'out'}", "kept.txt") is None
    assert not [*(tmp_path / "out:.").iterdir()]
