"""Files are whole or absent, and no link is followed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.core.atomic import SUFFIX, sweep, temporary_beside, write_whole


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert [it.name for it in tmp_path.iterdir()] == ["a.json"]


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "a.json"
    victim.write_bytes(b"mine")
    for name in (".a.json.tmp", f".a.json{SUFFIX}"):
        (tmp_path / name).symlink_to(victim)
    path.symlink_to(victim)
    write_whole(path, b"new")
    assert (victim.read_bytes(), path.read_bytes(), path.is_symlink()) == (b"mine", b"new", False)


def test_two_writers_have_a_file_each(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with temporary_beside(path) as one, temporary_beside(path) as two:
        assert one != two
        assert one.parent == two.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert {it.name: it.read_bytes() for it in tmp_path.iterdir()} == {"a.json": b"old"}


def test_a_living_writer_s_file_stays_and_a_dead_one_s_goes_with_the_next_write(
    tmp_path: Path,
) -> None:
    (tmp_path / f".a.json-0123{SUFFIX}").touch()
    with temporary_beside(tmp_path / "a.json") as living:
        sweep(tmp_path)
        write_whole(tmp_path / "b.json", b"b")
        assert sorted(tmp_path.iterdir()) == [living, tmp_path / "b.json"]


def test_what_a_killed_writer_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f".a.json-0123{SUFFIX}").touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / "a.json").touch()
    sweep(tmp_path)
    assert sorted(it.name for it in tmp_path.iterdir()) == [".hidden", "a.json"]
