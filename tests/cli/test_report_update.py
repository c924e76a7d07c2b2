"""`bench report --page` prints, `--update FILE` writes into files: nothing else is touched."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.main import main
from tests.cli.verifying import Place

MARKED = "<!-- bench:begin costs -->\n<!-- bench:end -->\n"


def report(place: Place, *words: str) -> int:
    return main(["report", *words, *place.flags()[:4]])


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(MARKED)
    return path


def test_the_page_is_printed_and_nothing_written(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in place.report.iterdir()}
    assert report(place, "--page") == 0
    out, err = capsys.readouterr()
    assert out.startswith("<a name='1.2'></a>\n\n### 1.2 模型指标\n")
    assert err == ""
    assert report(place, "--page", "--lang", "en") == 0
    assert "### 1.2 Accuracy" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in place.report.iterdir()} == before


def test_a_file_is_updated_and_a_second_time_left_alone(
    place: Place, readme: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(place, "--update", str(readme)) == 0
    assert capsys.readouterr().out == f"{readme}: costs changed, of 1 table\n"
    written, inode = readme.read_bytes(), readme.stat().st_ino
    assert b"| Models" in written
    assert report(place, "--update", str(readme), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"files": {str(readme): {"costs": False}}}
    assert (readme.read_bytes(), readme.stat().st_ino) == (written, inode)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o666])
def test_a_file_keeps_its_permissions(place: Place, readme: Path, mode: int) -> None:
    readme.chmod(mode)
    assert report(place, "--update", str(readme)) == 0
    assert stat.S_IMODE(readme.stat().st_mode) == mode
    assert [path.name for path in readme.parent.glob(".*")] == []


def test_with_one_wrong_file_none_is_written(
    place: Place, readme: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = readme.with_name("other.md")
    other.write_text(MARKED.replace("costs", "cots"))
    assert report(place, "--update", str(readme), str(other)) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"{other}: line 1: there is no table 'cots': did you mean 'costs'?" in err
    assert readme.read_text() == MARKED


def test_a_file_that_may_not_be_written_stays(
    place: Place, readme: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(os, "access", lambda path, how: how != os.W_OK)  # tests may run as root
    assert report(place, "--update", str(readme)) == 2
    assert f"{readme} can't be written: Permission denied" in capsys.readouterr().err
    assert readme.read_text() == MARKED


def linked(path: Path) -> None:
    path.symlink_to(path.with_name("README.md"))


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (linked, "it is a link"), (os.mkfifo, "it is no regular file"),
        (Path.mkdir, "it is no regular file"), (lambda path: None, "No such file or directory"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_its_own_is_refused(
    make: Callable[[Path], object], problem: str, place: Place, readme: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = readme.with_name("it")
    make(path)
    assert report(place, "--update", str(path)) == 2
    assert f"{path}: {problem}" in capsys.readouterr().err
    assert readme.read_text() == MARKED


def test_a_folder_that_takes_no_file_is_named(
    place: Place, readme: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    assert report(place, "--update", str(readme)) == 2
    assert f"{readme} can't be written: No space left on device" in capsys.readouterr().err
    assert readme.read_text() == MARKED
    assert [path.name for path in readme.parent.glob(".*")] == []


def test_without_a_file_the_keys_are_listed(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(place, "--update") == 0
    keys = capsys.readouterr().out.splitlines()
    assert keys[:2] == ["page", "costs"]
    assert "latency" in [key.split("-")[0] for key in keys]
    assert report(place, "--update", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"keys": keys}


def test_what_does_not_go_together_is_refused(refused: Callable[..., str]) -> None:
    said = refused("report", "README.md")
    assert "name a run with --run RUN, and files to update after --update" in said
    assert "leave out one of them" in refused("report", "--page", "--update", "README.md")
