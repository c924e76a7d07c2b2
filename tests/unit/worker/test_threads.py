"""Which threads worked between two readings of a task folder."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bench.worker.threads import TASKS, Thread, read_threads, worked

BEFORE = {"1": Thread(100, 0), "2": Thread(900, 1)}


def test_the_threads_that_shared_the_work_are_counted_and_their_cores_named() -> None:
    after = {"1": Thread(1_100, 0), "2": Thread(1_500, 3), "3": Thread(900, 2)}
    assert worked(BEFORE, after) == {"threads_worked": "3", "cores_worked": "0,2,3"}


def test_a_thread_that_only_helped_is_not_counted() -> None:
    after = {"1": Thread(1_100, 0), "2": Thread(1_150, 1)}
    assert worked(BEFORE, after) == {"threads_worked": "1", "cores_worked": "0"}


def test_two_threads_on_one_core_are_two_threads_and_one_core() -> None:
    after = {"1": Thread(1_100, 1), "2": Thread(1_900, 1)}
    assert worked(BEFORE, after) == {"threads_worked": "2", "cores_worked": "1"}


def test_where_nothing_ran_nothing_is_said() -> None:
    assert worked(BEFORE, BEFORE) == {}
    assert worked({}, {}) == {}


def test_a_task_folder_is_read_by_its_kernel_format(tmp_path: Path) -> None:
    fields = ["S", *(["0"] * 35), "7", "0"]
    for name, comm in (("41", "(python)"), ("42", "(odd) name)")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "schedstat").write_text("123456 789 3\n")
        (tmp_path / name / "stat").write_text(f"{name} {comm} {' '.join(fields)}\n")
    assert read_threads(tmp_path) == {"41": Thread(123_456, 7), "42": Thread(123_456, 7)}


def test_a_thread_that_ended_meanwhile_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "41").mkdir()
    assert read_threads(tmp_path) == {}
    assert read_threads(tmp_path / "nowhere") == {}


@pytest.mark.skipif(not TASKS.is_dir(), reason="no /proc/self/task here")
def test_a_real_thread_that_computes_is_seen_to_work() -> None:
    before, stop = read_threads(), threading.Event()

    def compute() -> None:
        while not stop.is_set():
            sum(range(10_000))

    thread = threading.Thread(target=compute)
    thread.start()
    stop.wait(0.2)
    during = read_threads()
    stop.set()
    thread.join()
    assert len(set(during) - set(before)) == 1
    assert worked(before, during)["threads_worked"] == "1"
