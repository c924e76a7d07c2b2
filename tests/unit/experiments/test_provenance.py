"""Where results come from, in real repositories; and that no path of the machine gets out."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.experiments.provenance import command_line, package_versions, scrub
from bench.launcher.git import GitState, git_state

HOME = "/home/joe"
PROJECT = Path("/home/joe/code/bench")
UNKNOWN = GitState(commit=None, dirty=None)
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(autouse=True)
def joes_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ("git", "-C", str(folder), *who, *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "results").mkdir(parents=True)
    (folder / "code.py").write_text("1\n")
    (folder / "results" / "kept.json").write_text("{}\n")
    (folder / ".gitignore").write_text("*.log\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


@needs_git
def test_a_clean_tree_is_its_commit(repository: Path) -> None:
    expected = GitState(commit=git(repository, "rev-parse", "HEAD"), dirty=False)
    assert git_state(repository) == expected


@needs_git
@pytest.mark.parametrize("name", ["code.py", "new.py", "results_of_mine.txt"])
def test_a_changed_or_a_new_file_makes_it_dirty(repository: Path, name: str) -> None:
    (repository / name).write_text("2\n")
    assert git_state(repository).dirty is True


@needs_git
@pytest.mark.parametrize("name", ["results/kept.json", "results/new.json", "run.log"])
def test_results_and_ignored_files_leave_it_clean(repository: Path, name: str) -> None:
    (repository / name).write_text("2\n")
    assert git_state(repository).dirty is False


@needs_git
def test_a_person_who_hides_new_files_still_has_a_dirty_tree(repository: Path) -> None:
    git(repository, "config", "status.showUntrackedFiles", "no")
    (repository / "new.py").write_text("2\n")
    assert git_state(repository).dirty is True


@needs_git
def test_a_subfolder_is_of_its_repository(repository: Path) -> None:
    (repository / "part").mkdir()
    (repository / "part" / "a.py").write_text("1\n")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "second")
    expected = GitState(commit=git(repository, "rev-parse", "HEAD"), dirty=False)
    assert git_state(repository / "part") == expected


@needs_git
def test_a_folder_that_merely_lies_in_some_repository_is_not_of_it(repository: Path) -> None:
    (repository / "unpacked").mkdir()
    (repository / "unpacked" / "a.py").write_text("1\n")
    assert git_state(repository / "unpacked") == UNKNOWN


@needs_git
def test_a_repository_without_a_commit_is_not_known(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert git_state(tmp_path) == UNKNOWN


def test_a_folder_outside_any_repository_is_not_known(tmp_path: Path) -> None:
    assert git_state(tmp_path) == UNKNOWN
    assert git_state(tmp_path / "missing") == UNKNOWN


@needs_git
def test_the_environments_git_variables_do_not_reach_git(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = git_state(repository)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert git_state(repository) == expected
    assert os.environ["GIT_DIR"] == str(tmp_path / "elsewhere")


def fake_git(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    program = folder / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


def test_a_repository_of_dubious_ownership_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path, monkeypatch, "echo 'fatal: detected dubious ownership' >&2; exit 128")
    assert git_state(tmp_path) == UNKNOWN


def test_a_git_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_git(tmp_path, monkeypatch, "exec sleep 30")
    monkeypatch.setattr("bench.launcher.git._GIT_TIMEOUT_S", 0.2)
    assert git_state(tmp_path) == UNKNOWN


def test_a_commit_is_kept_where_only_the_status_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_git(tmp_path, monkeypatch, 'case "$*" in *status*) exit 1;; *) echo abc; echo def;; esac')
    assert git_state(tmp_path) == GitState(commit="abc", dirty=None)


def test_a_machine_without_git_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) == UNKNOWN


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("python", "python"),
        ("--batch=1,2", "--batch=1,2"),
        ("1/2", "1/2"),
        ("results/runs", "results/runs"),
        ("../sibling/x", "../sibling/x"),
        ("https://example.org:80/a/b?c=/d/e", "https://example.org:80/a/b?c=/d/e"),
        ("/", "/"),
        ("/home/joe/code/bench", "."),
        ("/home/joe/code/bench/results/", "./results"),
        ("/home/joe/code/bench/../bench/a", "./a"),
        ("/home/joe/code/bench2/a", "~/code/bench2/a"),
        ("/home/joe/my models/x.onnx", "~/my models/x.onnx"),
        ("/home/joe/../ann/x", "…/x"),
        ("/home/joey/x", "…/x"),
        ("/data", "…/data"),
        ("//data//secret/x.onnx", "…/x.onnx"),
        ("--out=/data/secret/out", "--out=…/out"),
        ("PYTHON=/opt/secret/bin/python", "PYTHON=…/python"),
        ("--models=/data/a.onnx,/home/joe/b.onnx,c/d", "--models=…/a.onnx,~/b.onnx,c/d"),
        ("--mount=/data/a:/srv/b", "--mount=…/a:…/b"),
        ("--mirror=https://h/a,/data/secret/x", "--mirror=https://h/a,…/x"),
        ("-I/opt/secret/include", "-I…/include"),
        ("@/opt/secret/arguments", "@…/arguments"),
        ("/opt/secret/tool -i /data/secret/x", "…/tool -i …/x"),
        ('{"path": "/data/secret/x"}', '{"path": "…/x"}'),
        ("file:///data/secret/x", "file://…/x"),
    ],
)
def test_a_command_line_keeps_what_was_meant_and_no_folder(typed: str, kept: str) -> None:
    assert command_line([typed], PROJECT) == [kept]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            'File "/home/joe/x/.venv/lib/python3.11/site-packages/paddle/a.py", line 3, in f',
            'File "site-packages/paddle/a.py", line 3, in f',
        ),
        ('File "/usr/lib/python3/dist-packages/six.py"', 'File "dist-packages/six.py"'),
        ('File "/opt/joe/lib/python3.11/threading.py"', 'File "lib/python3.11/threading.py"'),
        ('File "/home/joe/code/bench/bench/cell.py", line 1', 'File "./bench/cell.py", line 1'),
        ("/home/joe/code/bench/bench/cell.py:12: error", "./bench/cell.py:12: error"),
        ("no such file: '/data/my nets/x.onnx'", "no such file: '…/x.onnx'"),
        ("see /home/joe. Then stop", "see ~. Then stop"),
        ("cc -I/opt/secret/include -o /tmp/joe/b", "cc -I…/include -o …/b"),
        ("`/usr/bin/env -i /data/secret/x`", "`…/env -i …/x`"),
        ("[/srv/secret/a, (/srv/secret/b)]", "[…/a, (…/b)]"),
        ("file:///srv/secret/a and https://h/home/joe/a", "file://…/a and https://h~/a"),
        ("backup/home/joe/x", "backup~/x"),
        ("\n/srv/secret/a\n/srv/secret/b\n", "\n…/a\n…/b\n"),
    ],
)
def test_scrubbed_text_keeps_what_helps_and_no_folder(text: str, kept: str) -> None:
    assert scrub(text, PROJECT) == kept


@pytest.mark.parametrize(
    "text",
    [
        "1/2 of x/y, and/or n/a",
        "11/24/2026 at 5 km /h",
        "https://example.org/a/b/c?d=/e/f (see http://x.org/y)",
        "shape [1/1] </tag> 'a'/'b' \"/\" / // 3 / 4",
        "./a/b ../c/d ~/e/f …/g/h ${HOME}/i/j $HOME/k/l **/m/n",
        "TCP/IP GPU/CPU text/html s/foo/bar/",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert scrub(text, PROJECT) == text


def test_a_linked_project_goes_under_both_its_names(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    assert command_line([f"{link}/a", f"{real}/b"], link) == ["./a", "./b"]


@pytest.mark.parametrize("home", ["/", "/root"])
def test_a_short_home_does_not_eat_the_text(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", home)
    text = "1/2 the square/root of a/b"
    assert scrub(text, PROJECT) == text


def test_a_home_at_the_top_is_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/anna")
    assert scrub("in /anna/a/b or /anna", PROJECT) == "in ~/a/b or ~"


WORDS = st.text(st.sampled_from("ab1 /.~-_:;,='\"`()[]<>\n…@\\*?Ié"), max_size=12)
FOLDERS = [HOME, str(PROJECT), "/home/joey", "/usr/lib/python3.11/", "/srv/x/site-packages/"]
PIECES = st.sampled_from([*FOLDERS, "https://h/", "file://"])
TEXTS = st.lists(WORDS | PIECES, max_size=8).map("".join)
fixtures_hold = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def home_stands_in(text: str) -> bool:
    after = text.split(HOME)[1:]
    return any(not rest[:1].isalnum() and rest[:1] not in {"-", "_"} for rest in after)


@fixtures_hold
@given(text=TEXTS)
@example(text="'/..//home/joe x'")
@example(text="\\/home/joe/x")
def test_the_home_folder_never_stays(text: str) -> None:
    assert not home_stands_in(scrub(text, PROJECT))
    assert not home_stands_in(command_line([text], PROJECT)[0])


@fixtures_hold
@given(text=TEXTS)
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once = scrub(text, PROJECT)
    assert scrub(once, PROJECT) == once


@fixtures_hold
@given(text=st.text(max_size=60).filter(lambda text: "/" not in text))
def test_text_without_a_slash_is_left_alone(text: str) -> None:
    assert scrub(text, PROJECT) == text
    assert command_line([text], PROJECT) == [text]


@fixtures_hold
@given(folders=st.lists(st.from_regex(r"[a-z]{8}", fullmatch=True), min_size=2, max_size=5))
def test_no_leading_folder_of_a_path_stays(folders: list[str]) -> None:
    path = "/" + "/".join(folders)
    for text in (scrub(f"open {path}: no", PROJECT), *command_line([f"--a={path}"], PROJECT)):
        assert f"…/{folders[-1]}" in text
        assert "/".join(folders) not in text
        assert f"/{folders[0]}/" not in text


def test_versions_are_those_of_the_installed_packages() -> None:
    versions = package_versions()
    assert versions["numpy"] == version("numpy")
    assert set(versions) <= {"matplotlib", "numpy", "psutil", "pydantic", "scipy"}


def test_a_package_that_is_missing_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bench.experiments.provenance._PACKAGES", ("numpy", "no-such-package-at-all")
    )
    assert list(package_versions()) == ["numpy"]
