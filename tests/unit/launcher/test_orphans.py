"""Nothing that a child started outlives it, and no child outlives the harness."""

from __future__ import annotations

import os
import random
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bench.core.paths import PROJECT
from bench.launcher.client import Child, WorkerFailed, open_child
from bench.launcher.process import Replied, request_folder, run_child
from tests.fakes.orphans import MODULE, eventually, guarded_for, marked
from tests.unit.launcher.test_process import is_running

PYTHON = Path(sys.executable)


@pytest.fixture
def mark() -> Iterator[str]:
    """An argument that no other process has; what still bears it is ended afterwards."""
    mark = f"mark-{secrets.token_hex(8)}"
    yield mark
    for pid in marked(mark):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def parent_of(tell: Path | str, mark: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", MODULE, str(tell), mark]
    with subprocess.Popen(command, cwd=PROJECT, start_new_session=True) as parent:
        try:
            yield parent
        finally:
            parent.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_all_that_a_child_started_ends_with_the_harness(
    number: signal.Signals, mark: str, tmp_path: Path
) -> None:
    with parent_of(tmp_path / "up", mark) as parent:
        assert eventually((tmp_path / "up").exists, 60.0)
        assert eventually(lambda: len(marked(mark)) == 3)  # the two that its child left, and it
        parent.send_signal(number)
    assert eventually(lambda: not marked(mark))


def test_a_program_that_builds_an_environment_ends_with_the_harness(mark: str) -> None:
    with parent_of("program", mark) as parent:
        assert eventually(lambda: len(marked(mark)) == 3, 60.0)  # the guard bears it too
        parent.kill()
    assert eventually(lambda: not marked(mark))


def test_a_harness_killed_at_any_moment_leaves_no_child(mark: str, tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311 - moments, no secrets
    for _ in range(6):
        with parent_of(tmp_path / "up", mark) as parent:
            time.sleep(chance.uniform(0.05, 0.8))
            parent.kill()
        assert eventually(lambda: not marked(mark))
        assert eventually(lambda: not guarded_for(parent.pid))


def test_what_left_its_childs_group_is_ended_with_it_and_named(mark: str) -> None:
    request = {"mark": mark, "then": "leaves"}
    result = run_child(request, python=PYTHON, env={}, timeout_s=60.0, module=MODULE)
    assert marked(mark) == []
    assert isinstance(result, Replied)
    assert result.teardown is not None
    assert result.teardown.startswith("the child left 'python")
    assert result.teardown.endswith("running, now ended")


def test_a_time_out_ends_what_left_the_group_too(mark: str, tmp_path: Path) -> None:
    request = {"mark": mark, "then": "hangs", "tell": str(tmp_path / "up")}
    run_child(request, python=PYTHON, env={}, timeout_s=2.0, module=MODULE)
    assert marked(mark) == []


def test_a_killed_guard_takes_its_child_along(mark: str, tmp_path: Path) -> None:
    with parent_of(tmp_path / "up", mark) as parent:
        assert eventually((tmp_path / "up").exists, 60.0)
        (guard,) = guarded_for(parent.pid)
        os.kill(guard, signal.SIGKILL)
        assert parent.wait(60.0) == 0
    assert eventually(lambda: not marked(mark))


_FORKS = """
import os, sys, time
os.fork()  # the other one has the pipe too
os.write(int(sys.argv[2]), b"{}\\n")
time.sleep(600)
"""


def test_a_killed_guard_s_worker_is_missed_at_once_though_its_pipe_is_held_open(
    mark: str, tmp_path: Path
) -> None:
    def command(replies: int) -> list[str]:
        return [sys.executable, "-c", _FORKS, mark, str(replies)]

    with open_child(Child, command, tmp_path, os.environ) as child:
        assert child.hear(60.0) == child.hear(60.0) == {}
        os.kill(child.process.pid, signal.SIGKILL)
        with pytest.raises(WorkerFailed) as raised:
            child.hear(20.0)
    assert raised.value.failure.kind == "killed"
    assert eventually(lambda: not marked(mark))


def test_what_a_killed_harness_and_its_killed_guard_left_is_ended_by_the_next_start_and_named(
    mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    with parent_of(tmp_path / "up", mark) as parent:
        assert eventually((tmp_path / "up").exists, 60.0)
        (guard,) = guarded_for(parent.pid)
        os.kill(guard, signal.SIGSTOP)  # or it would hear of its parent's end first
        parent.kill()
        os.kill(guard, signal.SIGKILL)
    assert not any(map(is_running, (parent.pid, guard)))
    assert len(marked(mark)) == 2
    with request_folder() as folder:
        assert eventually(lambda: not marked(mark))
        assert list((tmp_path / "tmp").iterdir()) == [folder]
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        r"bench: ended what a killed process had left running: 'python\S*' \(pid \d+\), "
        r"'python\S*' \(pid \d+\)",
        line,
    )


def test_what_a_living_harness_has_running_is_not_ended_by_another_start(
    mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    with parent_of(tmp_path / "up", mark):
        assert eventually((tmp_path / "up").exists, 60.0)
        with request_folder():
            assert len(marked(mark)) == 3


class Interrupted(Exception):
    """What a signal raises here."""


def test_an_interruption_while_a_child_starts_leaves_none(mark: str, tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise Interrupted

    chance = random.Random(2)  # noqa: S311 - moments, no secrets
    before = signal.signal(signal.SIGTERM, interrupt)
    request = {"mark": mark, "then": "hangs", "tell": str(tmp_path / "up")}
    try:
        for _ in range(20):
            waker = threading.Timer(chance.uniform(0, 0.05), os.kill, (os.getpid(), signal.SIGTERM))
            with pytest.raises(Interrupted):  # noqa: PT012 - by either of the two
                waker.start()
                run_child(request, python=PYTHON, env={}, timeout_s=60.0, module=MODULE)
            waker.join()
            assert children() == []
    finally:
        signal.signal(signal.SIGTERM, before)
    assert eventually(lambda: not marked(mark))


def children() -> list[str]:
    """This process's children."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if path.read_text().rpartition(")")[2].split()[1] == str(os.getpid()):
                found.append(path.parent.name)
    return found
