from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from bench.core.errors import ResultsNotWritable
from bench.storage.files import write_atomic
from bench.storage.run_folders import RunFolder
from bench.storage.store import Store
from tests.fakes.values import entry


def test_a_file_is_written_whole_with_its_folder_and_nothing_stays_beside_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "new" / "folder" / "file.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_whole_and_nothing_beside_it(small_disk: Path) -> None:
    path = small_disk / "cell.json"
    write_atomic(path, b"old")

    with pytest.raises(ResultsNotWritable, match="No space left") as raised:
        write_atomic(path, b"x" * 300_000)

    assert path.read_bytes() == b"old"
    assert list(small_disk.iterdir()) == [path]
    assert str(path) in raised.value.problem
    assert "--results DIR" in raised.value.hint
    assert isinstance(raised.value.__cause__, OSError)
    assert raised.value.__cause__.errno == errno.ENOSPC


def test_a_full_disk_in_the_midst_of_a_journal_costs_only_the_line_that_did_not_fit(
    small_disk: Path,
) -> None:
    run = RunFolder(small_disk)
    run.append(entry(order=0))
    with pytest.raises(ResultsNotWritable, match=r"journal\.jsonl.*No space left"):
        run.append(entry(order=1, warmup_ns=[10**9] * 40_000))
    assert run.journal() == [entry(order=0)]


def test_a_disk_that_became_read_only_is_told_as_such(small_disk: Path) -> None:
    path = small_disk / "cell.json"
    write_atomic(path, b"old")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(ResultsNotWritable, match="Read-only file system"):
        write_atomic(path, b"new")
    with pytest.raises(ResultsNotWritable, match=r"journal\.jsonl.*Read-only file system"):
        RunFolder(small_disk).append(entry())
    assert path.read_bytes() == b"old"


def test_a_folder_that_is_a_file_or_takes_no_files_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        with pytest.raises(ResultsNotWritable, match=f"^{folder} (is a file|can't be written):"):
            Store(folder).check_writable()
    assert (tmp_path / "file").read_text() == ""


def test_a_folder_without_write_permission_is_not_writable(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(ResultsNotWritable, match="Permission denied"):
        Store(tmp_path).check_writable()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
        (errno.ENOSPC, "No space left on device"),
    ],
)
def test_a_system_that_refuses_to_move_the_new_file_into_place_leaves_the_old_one(
    number: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cell.json"
    path.write_bytes(b"old")

    def refuse(self: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ResultsNotWritable, match=said):
        write_atomic(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_look_whether_results_can_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    Store(tmp_path / "results").check_writable()
    assert list((tmp_path / "results").iterdir()) == []
