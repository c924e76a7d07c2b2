"""One run a phone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.core.errors import DeviceError, Unavailable
from bench.devices.android.lock import locked

HOLD = """
import sys
from pathlib import Path
from bench.devices.android.lock import locked
with locked("abc", Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """Return another process that holds the phone until its stdin ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[4],
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_told_who_holds_the_phone_and_may_have_it_afterwards(
    tmp_path: Path,
) -> None:
    with holder(tmp_path) as other:
        with (
            pytest.raises(DeviceError, match=rf"abc is in use .* \(pid {other.pid}\)") as raised,
            locked("abc", tmp_path),
        ):
            pytest.fail("it was given to two")
        other.communicate()
    assert "wait until that run is over" in raised.value.hint
    with locked("abc", tmp_path):
        pass


def test_a_run_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    with holder(tmp_path) as other:
        other.kill()
    with locked("abc", tmp_path):
        assert (tmp_path / "phone-abc.lock").read_text() == f"{os.getpid()}\n"


def test_a_child_of_the_run_does_not_hold_on_to_it(tmp_path: Path) -> None:
    with locked("abc", tmp_path):
        child = subprocess.Popen(["sleep", "60"])
    try:
        with locked("abc", tmp_path):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_an_error_inside_gives_the_phone_back(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locked("abc", tmp_path):
        raise KeyError
    with locked("abc", tmp_path):
        pass


def test_another_phone_is_another_lock(tmp_path: Path) -> None:
    with locked("abc", tmp_path / "a/new"), locked("def", tmp_path / "a/new"):
        names = sorted(path.name for path in (tmp_path / "a/new").iterdir())
    assert names == ["phone-abc.lock", "phone-def.lock"]


def test_a_folder_that_cannot_be_made_is_one_sentence_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(Unavailable, match="lock of phone abc") as raised,
        locked("abc", tmp_path / "file" / "locks"),
    ):
        pytest.fail("there is no such folder")
    assert "writable" in raised.value.hint
