"""What a burst's threads ran and waited, read from task folders."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.core.units import Nanoseconds
from bench.worker.cpu_time import (
    Bursts,
    CpuTime,
    Watch,
    burst_figures,
    calls_per_burst,
    columns,
    cpu_clock,
    read_cpu_time,
)
from tests.fakes.values import SAMPLING

MS = 1_000_000
BUSY = """
import time
from bench.worker.cpu_time import burst_figures, read_cpu_time
from bench.worker.threads import TASKS
before = read_cpu_time(TASKS)
while time.process_time() < 0.3: pass
told = burst_figures(before, read_cpu_time(TASKS))
print(told["cpu_ns"], told["wait_ns"], told["wall_ns"])
"""


def tasks(root: Path, **threads: str) -> Path:
    for tid, text in threads.items():
        (root / tid.removeprefix("t")).mkdir(exist_ok=True)
        (root / tid.removeprefix("t") / "schedstat").write_text(text)
    return root


def read(root: Path) -> CpuTime:
    told = read_cpu_time(root)
    assert told is not None
    return told


def test_the_waits_of_all_threads_are_summed_a_new_one_from_its_start(tmp_path: Path) -> None:
    before = read(tasks(tmp_path, t1="900 50 3\n", t2="900 70 3\n"))
    after = read(tasks(tmp_path, t1="950 54 3\n", t2="950 70 3\n", t3="20 6 1\n"))
    assert burst_figures(before, after)["wait_ns"] == 10


def test_a_thread_that_ended_takes_nothing_back(tmp_path: Path) -> None:
    before = read(tasks(tmp_path, t1="900 50 3\n", t2="900 70 3\n"))
    (tmp_path / "2" / "schedstat").unlink()
    after = read(tasks(tmp_path, t1="950 54 3\n"))
    assert burst_figures(before, after)["wait_ns"] == 4


@pytest.mark.parametrize("text", ["0 0 0\n", "", "what\n"])
def test_a_kernel_that_does_not_count_is_not_taken_for_no_wait(tmp_path: Path, text: str) -> None:
    assert read_cpu_time(tasks(tmp_path, t1=text)) is None
    assert read_cpu_time(tmp_path / "none") is None
    assert burst_figures(None, CpuTime({}, 1, 1)) == burst_figures(CpuTime({}, 1, 1), None) == {}


def test_a_real_process_is_told_its_time_on_the_cpu_and_its_wait() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUSY], capture_output=True, text=True, check=True, env=os.environ
    )
    cpu, wait, wall = map(int, done.stdout.split())
    assert 100 * MS < cpu <= wall + MS
    assert 0 <= wait < wall
    assert cpu + wait > wall / 2, "it was never asleep, so what it had and waited is the time"


def test_another_process_is_read_by_its_own_clock() -> None:
    code = "import time\nwhile time.process_time() < 0.2: pass\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        told = read_cpu_time(Path(f"/proc/{child.pid}/task"), cpu_clock(child.pid))
        child.communicate(b"\n")
    assert told is not None
    assert told.cpu >= 200 * MS
    assert set(told.waited) == {str(child.pid)}


class Readings:
    """The third thread's wait grows by 1 ms, the clock by 50 ms and the CPU's by 40 a burst."""

    def __init__(self, known: int = 99) -> None:
        self.count, self.known = 0, known

    def __call__(self) -> CpuTime | None:
        self.count += 1
        bursts = self.count // 2
        told = CpuTime({"3": bursts * MS}, 40 * bursts * MS, 50 * bursts * MS)
        return told if self.count <= self.known else None


def samples(count: int) -> list[Nanoseconds]:
    return [Nanoseconds(7)] * count


def test_each_burst_is_kept_with_what_passed_in_it() -> None:
    bursts = Bursts(samples, Watch(Readings()))
    assert bursts.sample(11) == samples(11)
    bursts.sample(4)
    assert bursts.figures() == {
        "samples": [11, 4], "wait_ns": [MS] * 2, "cpu_ns": [40 * MS] * 2, "wall_ns": [50 * MS] * 2,
        "started_ns": [0, 50 * MS],
    }  # fmt: skip


def test_the_canary_runs_before_a_burst_and_counters_are_read_outside_the_clock() -> None:
    order: list[str] = []
    counts = iter([{"migrations": 5, "minor_faults": 9}, {"migrations": 7, "steal_ms": 3}])

    def counted() -> dict[str, int]:
        order.append("counts")
        return next(counts)

    def timed() -> CpuTime:
        order.append("clock")
        return CpuTime({}, len(order), len(order))

    def canary() -> int:
        order.append("canary")
        return 123

    def sample(count: int) -> list[Nanoseconds]:
        order.append("burst")
        return samples(count)

    taken, figures = Watch(timed, counted, canary).burst(sample, 3)
    assert order == ["canary", "counts", "clock", "burst", "clock", "counts"]
    assert taken == samples(3)
    assert figures == {
        "wait_ns": 0, "cpu_ns": 2, "wall_ns": 2, "started_ns": 3, "canary_ns": 123, "migrations": 2,
    }  # fmt: skip


def test_a_figure_that_one_burst_lacks_is_none_of_the_sessions() -> None:
    burst = {"samples": 2, "wait_ns": 0, "cpu_ns": 5, "wall_ns": 5, "started_ns": 1}
    told = columns([burst | {"migrations": 1, "steal_ms": 0}, burst | {"steal_ms": 10}])
    assert told is not None
    assert told["steal_ms"] == [0, 10]
    assert "migrations" not in told
    assert columns([burst, {"samples": 2}]) is None


@pytest.mark.parametrize("known", [0, 1, 3])
def test_bursts_of_which_one_is_not_known_are_not_known(known: int) -> None:
    bursts = Bursts(samples, Watch(Readings(known)))
    bursts.sample(1)
    bursts.sample(1)
    assert bursts.figures() is None


@pytest.mark.parametrize(
    ("warm_ms", "count", "calls"),
    [
        ([90, 5, 8], 100, 10),  # 50 ms by the fastest
        ([0.1], 100, 25),  # a fast net's session is four bursts at least
        ([0.1], 10_000, 500),
        ([700], 100, 1),
        ([5], 3, 1),
        ([], 100, 1),
    ],
)
def test_a_burst_lasts_some_50_ms_and_a_session_has_four(
    warm_ms: list[float], count: int, calls: int
) -> None:
    rule = replace(SAMPLING, samples=count)
    assert calls_per_burst([round(ms * MS) for ms in warm_ms], rule) == calls
