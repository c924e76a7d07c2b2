"""The operation `run_command`, in a real worker: what its runs take, and how a command ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.core.protocol import request_for
from bench.launcher.client import WorkerFailed, open_worker
from tests.unit.launcher.test_process import is_running

PYTHON = Path(sys.executable)
SPIN = "import time\nwhile time.process_time() < 0.1: pass"


def run(*words: str, count: int = 1, cwd: Path | None = None, **env: str) -> Mapping[str, Any]:
    where = str(cwd or Path.cwd())
    request = request_for("run_command", words=words, env=env, cwd=where, count=count)
    with open_worker(request, python=PYTHON, env={}) as worker:
        return worker.first(timeout_s=60)


def python(code: str, **how: Any) -> Mapping[str, Any]:
    return run(sys.executable, "-S", "-c", code, **how)


def failure(*words: str) -> WorkerFailed:
    with pytest.raises(WorkerFailed) as raised:
        run(*words)
    return raised.value


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's counts are Linux's")
def test_each_run_is_a_fresh_process_and_its_times_are_its_own() -> None:
    answer = python(SPIN, count=2)
    assert len(answer["samples_ns"]) == 2
    assert all(ns >= 100_000_000 for ns in answer["samples_ns"])
    assert 200_000_000 <= answer["cpu_ns"] <= sum(answer["samples_ns"]) * 1.02
    assert answer["wall_ns"] == sum(answer["samples_ns"])
    assert answer["wait_ns"] >= 0


def test_cpu_time_is_that_of_its_own_children_too_and_the_wait_is_not_known_then() -> None:
    answer = run("sh", "-c", f"'{sys.executable}' -S -c '{SPIN}'; true", PATH=os.environ["PATH"])
    assert answer["cpu_ns"] >= 100_000_000
    assert "wait_ns" not in answer


def test_a_command_has_its_folder_and_its_variables_and_no_others(tmp_path: Path) -> None:
    code = "import os; open('names', 'w').write(' '.join(sorted(os.environ)))"
    python(code, cwd=tmp_path, OWN="1")
    assert {"OWN"} <= set((tmp_path / "names").read_text().split()) <= {"OWN", "LC_CTYPE"}


def test_what_it_prints_goes_nowhere_and_it_hears_nothing(tmp_path: Path) -> None:
    code = "import sys; print('x' * 100); open('heard', 'w').write(repr(sys.stdin.read()))"
    assert len(python(code, cwd=tmp_path)["samples_ns"]) == 1
    assert (tmp_path / "heard").read_text() == "''"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; sys.exit(3)", "left with status 3"),
        ("import os; os.kill(os.getpid(), 11)", "died of SIGSEGV"),
        ("raise ValueError('boom')", "left with status 1"),
    ],
)
def test_one_that_fails_says_how_it_ended(code: str, says: str) -> None:
    failed = failure(sys.executable, "-c", code).failure
    assert (failed.kind, failed.message) == ("command-failed", says)
    assert ("ValueError: boom" in failed.log_tail) == ("boom" in code)


def test_stderr_holds_the_last_run_alone(tmp_path: Path) -> None:
    """The first run writes much, the second one fails: only its words are the log's."""
    code = (
        "import os, sys\nif os.path.exists('ran'): sys.exit('the second one')\n"
        "open('ran', 'w'); sys.stderr.write('first ' * 1000)"
    )
    with pytest.raises(WorkerFailed) as raised:
        python(code, count=2, cwd=tmp_path)
    assert raised.value.failure.log_tail == "the second one"


def test_one_that_can_not_be_started_is_not_available(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o755)
    failed = failure(str(tmp_path / "text")).failure
    assert failed.kind == "unavailable"
    assert failed.message.startswith("can't be started: ")


def test_what_it_leaves_behind_ends_with_the_worker(tmp_path: Path) -> None:
    left = "import subprocess, sys; it = subprocess.Popen(['sleep', '600'], start_new_session=True)"
    python(f"{left}; open('pid', 'w').write(str(it.pid))", cwd=tmp_path, PATH=os.environ["PATH"])
    assert not is_running(int((tmp_path / "pid").read_text()))
