"""A lock has one holder, names it, and ends with it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bench.core.errors import Busy, Unavailable
from bench.core.locks import held, runtime_folder

HOLD = """
import sys
from pathlib import Path
from bench.core.locks import held
with held(Path(sys.argv[1]), "phone abc"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "phone.lock"


def holder(lock: Path) -> subprocess.Popen[str]:
    """Return another process that holds the lock until its stdin ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_learns_who_holds_it_and_may_have_it_afterwards(lock: Path) -> None:
    with holder(lock) as other:
        with (
            pytest.raises(Busy, match=rf"abc is in use .* \(pid {other.pid}, since ") as raised,
            held(lock, "phone abc"),
        ):
            pytest.fail("it was given to two")
        other.communicate()
    assert "wait until that is over" in raised.value.hint
    with held(lock, "phone abc"):
        pass


def test_a_process_that_is_killed_holds_nothing(lock: Path) -> None:
    with holder(lock) as other:
        other.kill()
    with held(lock, "phone abc"):
        assert lock.read_text().startswith(f"pid {os.getpid()}, since ")


def test_a_child_of_the_holder_does_not_hold_on_to_it(lock: Path) -> None:
    with held(lock, "it"):
        child = subprocess.Popen(["sleep", "60"])
    try:
        with held(lock, "it"):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_an_error_inside_gives_it_back(lock: Path) -> None:
    with pytest.raises(KeyError), held(lock, "it"):
        raise KeyError
    with held(lock, "it"):
        pass


def test_a_link_is_refused_and_what_it_leads_to_stays(lock: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    lock.symlink_to(victim)
    with pytest.raises(Unavailable, match="the lock of it can't be opened"), held(lock, "it"):
        pytest.fail("a link was followed")
    assert victim.read_text() == "mine"


def test_a_holder_s_words_forge_no_line(lock: Path) -> None:
    with lock.open("w") as file:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
        file.write("pid 1\n::error::forged\x1b[31m")
        file.flush()
        with pytest.raises(Busy) as raised, held(lock, "it"):
            pytest.fail("it was given to two")
    assert "\n" not in str(raised.value)
    assert "\x1b" not in str(raised.value)


def test_the_folder_is_this_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = runtime_folder()
    assert folder.is_relative_to(tmp_path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o777)
    assert stat.S_IMODE(runtime_folder().stat().st_mode) == 0o700


def test_a_folder_that_is_a_link_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run/shufflenet-bench").mkdir(parents=True)
    (tmp_path / "run/shufflenet-bench/locks").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable, match="isn't this user's own folder"):
        runtime_folder()


def test_a_folder_that_cannot_be_made_is_one_sentence_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    with pytest.raises(Unavailable, match="folder of locks") as raised:
        runtime_folder()
    assert "writable" in raised.value.hint


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["/a/bench/__main__.py", "run", "--suite", "gpu"], "python -m bench run --suite gpu"),
        (["-c"], "python -c ..."),
        (["/a/b/measure_all.py", "7"], "measure_all.py 7"),
        ([""], "python"),
    ],
)
def test_the_holder_is_named_by_what_was_typed_and_where(
    argv: list[str], named: str, lock: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", argv)
    monkeypatch.chdir(tmp_path)
    with held(lock, "phone abc"):
        said = lock.read_text()
    pid, _, rest = said.partition(", since ")
    assert pid == f"pid {os.getpid()}"
    assert rest.partition(": ")[2] == f"{named} in {tmp_path}"


def test_a_holder_whose_folder_has_gone_is_still_named(
    lock: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setattr("sys.argv", ["-c"])
    with held(lock, "phone abc"):
        assert lock.read_text().endswith(": python -c ...")
