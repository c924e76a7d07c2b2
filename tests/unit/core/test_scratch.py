from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bench.core.paths import PROJECT
from bench.core.scratch import scratch_folder, sweep, temporary_root

_MAKES = """
import sys, time
from pathlib import Path
from bench.core.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1]), "bench-") as folder:
    (folder / "file").write_text("much")
    print(folder.name, flush=True)
    time.sleep(600)
"""


def start_maker(inside: Path) -> tuple[subprocess.Popen[str], Path]:
    maker = subprocess.Popen(
        [sys.executable, "-c", _MAKES, str(inside)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert maker.stdout is not None
    return maker, inside / maker.stdout.readline().strip()


def test_a_folder_is_the_users_own_and_goes_whatever_happened(tmp_path: Path) -> None:
    with suppress(KeyError), scratch_folder(tmp_path, "bench-") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "file").touch()
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_temporary_files_go_where_the_shell_says_and_no_file_tries_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(os, "open", lambda path, *_: made.append(path))
    for name in ("TMP", "TEMP", "TMPDIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
        assert temporary_root() == tmp_path / name
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    assert (temporary_root(), made) == (tmp_path / "TEMP", [])


def test_what_a_killed_maker_left_goes_at_the_next_start_and_a_living_ones_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "bench-mine").mkdir()
    dead, left = start_maker(tmp_path)
    with dead:
        dead.send_signal(signal.SIGKILL)
    alive, kept = start_maker(tmp_path)
    with alive:
        try:
            assert not left.exists()
            with scratch_folder(tmp_path, "bench-") as own:
                sweep(tmp_path, "bench-")
                assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "bench-mine", kept, own])
                assert (kept / "file").read_text() == "much"
        finally:
            alive.kill()


def test_a_link_that_bears_such_a_name_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (tmp_path / "bench-0123456789abcdef.scratch").symlink_to(tmp_path / "precious")
    sweep(tmp_path, "bench-")
    assert (tmp_path / "precious" / "file").exists()


def test_makers_and_sweepers_at_once_take_nothing_from_each_other(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from bench.core.scratch import scratch_folder
for _ in range(300):
    with scratch_folder(Path(sys.argv[1]), "bench-") as folder:
        (folder / "file").touch()
        assert (folder / "file").exists()
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    makers = [subprocess.Popen(command, cwd=PROJECT) for _ in range(4)]
    assert [maker.wait(60.0) for maker in makers] == [0] * 4
    assert list(tmp_path.iterdir()) == []
