"""Counts around a burst, read from files of /proc and of cgroups."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from bench.worker.counters import COUNTERS, MOST_NS, Counters, grown

STAT = "7 (a name (of) 3 words) S 1 7 7 0 -1 0 {minor} 0 {major} 0 50 9 0 0 20 0 3 0 1\n"
SCHED = (
    "x (7, #threads: 2)\n---\nse.nr_migrations   :  {moved}\nnr_involuntary_switches : {pushed}\n"
)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A process 7 of two threads in a cgroup of both versions."""
    for tid, moved, pushed in ((7, 3, 10), (8, 4, 20)):
        folder = tmp_path / f"proc/7/task/{tid}"
        folder.mkdir(parents=True)
        (folder / "sched").write_text(SCHED.format(moved=moved, pushed=pushed))
    (tmp_path / "proc/7/stat").write_text(STAT.format(minor=500, major=6))
    (tmp_path / "proc/stat").write_text("cpu  1 2 3 4 5 6 7 250 0 0\ncpu0 1 2 3 4 5 6 7 99 0 0\n")
    (tmp_path / "proc/self").mkdir()
    (tmp_path / "proc/self/cgroup").write_text("2:cpu,cpuacct:/a\n0::/b\n")
    for name, took in (("cpu/a", "throttled_time 9000"), ("b", "throttled_usec 30")):
        group = tmp_path / "sys/fs/cgroup" / name
        group.mkdir(parents=True)
        (group / "cpu.stat").write_text(f"nr_periods 50\nnr_throttled 2\n{took}\n")
    (tmp_path / "sys/fs/cgroup/cpu.stat").write_text("usage_usec 1\n")  # the root has no quota
    return tmp_path


def counters(root: Path, *costs_ns: int) -> Counters:
    """Return the counters of process 7, whose readers cost so much each, nothing without."""
    now, costs = 0, [cost for cost in costs_ns for _ in range(3)]

    def clock() -> int:
        nonlocal now
        clock.calls += 1  # type: ignore[attr-defined]
        if clock.calls % 2 == 0 and costs:  # type: ignore[attr-defined]
            now += costs.pop(0)
        return now

    clock.calls = 0  # type: ignore[attr-defined]
    return Counters(root / "proc/7/task", own=True, root=root, clock=clock)


def test_every_count_is_read_of_all_threads_and_groups(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_CLK_TCK": 100}.__getitem__)
    told = counters(machine).read()
    assert {name: told[name] for name in COUNTERS if name != "collections"} == {
        "major_faults": 6, "minor_faults": 500, "migrations": 7, "involuntary_switches": 30,
        "throttled_periods": 4, "throttled_us": 39, "steal_ms": 2500,
    }  # fmt: skip


def test_collections_are_of_this_process_alone(machine: Path) -> None:
    own = counters(machine)
    before = own.read()
    gc.collect()
    assert grown(before, own.read())["collections"] == 1
    other = Counters(machine / "proc/7/task", own=False, root=machine)
    assert "collections" not in other.read()


@pytest.mark.parametrize(
    ("gone", "names"),
    [
        ("proc/7/stat", {"minor_faults", "major_faults"}),
        ("proc/stat", {"steal_ms"}),
        ("proc/self/cgroup", {"throttled_periods", "throttled_us"}),
    ],
)
def test_what_can_not_be_read_has_no_name(machine: Path, gone: str, names: set[str]) -> None:
    (machine / gone).unlink()
    assert set(COUNTERS) - set(counters(machine).read()) == names


@pytest.mark.parametrize("text", ["", "what\n", "se.nr_migrations : many\n"])
def test_a_kernel_without_these_counts_gives_none(machine: Path, text: str) -> None:
    for path in (*machine.glob("proc/7/task/*/sched"), machine / "proc/stat"):
        path.write_text(text)
    (machine / "proc/7/stat").write_text(text)
    told = counters(machine).read()
    assert set(told) == {"throttled_periods", "throttled_us", "collections"}


def test_a_thread_that_ended_takes_nothing_back(machine: Path) -> None:
    read = counters(machine).read
    before = read()
    (machine / "proc/7/task/8/sched").unlink()
    assert grown(before, read())["migrations"] == 0


def test_readers_that_do_not_fit_into_the_time_of_one_reading_are_left_out(machine: Path) -> None:
    own = counters(machine, 1, 2, MOST_NS, 5, MOST_NS - 8)
    assert set(own.read()) == {
        "collections", "minor_faults", "major_faults", "migrations", "involuntary_switches",
        "steal_ms",
    }  # fmt: skip


def test_a_count_is_one_of_both_readings_or_none() -> None:
    before, after = {"migrations": 3, "steal_ms": 50}, {"migrations": 5, "minor_faults": 9}
    assert grown(before, after) == {"migrations": 2}
    assert grown({"steal_ms": 50}, {"steal_ms": 40}) == {"steal_ms": 0}
