"""How busy others keep the machine, from trees that change while one looks, and on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.devices.host.busy import Busy, read_busy
from tests.fakes.machines import plant

STAT = "{pid} ({name}) R 1 1 1 0 -1 0 0 0 0 0 {user} {system}" + " 0" * 23 + " {core} 0 0\n"


def core(number: int, *, user: int = 0, nice: int = 0, idle: int = 0, wait: int = 0) -> str:
    return f"cpu{number} {user} {nice} 0 {idle} {wait} 0 0 0 0 0\n"


def process(pid: int, name: str, ticks: int, on: int = 0) -> dict[str, str]:
    text = STAT.format(pid=pid, name=name, user=ticks - ticks // 3, system=ticks // 3, core=on)
    return {f"proc/{pid}/stat": text}


@pytest.fixture(autouse=True)
def usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)


def told(root: Path, before: Mapping[str, str], after: Mapping[str, str]) -> Busy:
    def sleep(_: float) -> None:
        plant(root, dict(after))

    busy = read_busy(plant(root, dict(before)), sleep=sleep)
    assert busy is not None
    return busy


def test_busy_is_what_the_usable_cores_did_meanwhile_and_waiting_for_a_disk_is_not(
    tmp_path: Path,
) -> None:
    first = core(0, user=50, idle=10) + core(1, wait=5) + core(2, user=10)
    then = core(0, user=70, nice=9, idle=11) + core(1, idle=6, wait=29) + core(2, user=900)
    busy = told(tmp_path, {"proc/stat": first}, {"proc/stat": then})
    assert busy.used == pytest.approx(2 * 29 / 60)
    assert busy.cores == 2
    assert busy.sentence == "busy: 1.0 of 2 cores used by others"


def test_the_busiest_processes_are_named_each_name_once_and_this_one_not(tmp_path: Path) -> None:
    first = {
        "proc/stat": core(0) + core(1),
        **process(7, "cc1 (plus)", 100), **process(8, "make", 500), **process(os.getpid(), "us", 0),
    }  # fmt: skip
    then = {
        "proc/stat": core(0, user=100) + core(1, user=60, idle=40),
        **process(7, "cc1 (plus)", 150), **process(8, "make", 501),
        **process(9, "cc1 (plus)", 40, on=1), **process(10, "far", 99, on=5),
        **process(11, "a", 20), **process(12, "b", 10), **process(os.getpid(), "us", 100),
    }  # fmt: skip
    busy = told(tmp_path, first, then)
    assert dict(busy.processes) == pytest.approx({"cc1 (plus)": 0.9, "a": 0.2, "b": 0.1})
    assert busy.sentence == "busy: 1.6 of 2 cores used by others (cc1 (plus) 0.9, a 0.2, b 0.1)"


@pytest.mark.parametrize(
    ("used", "cores", "quiet"),
    [(0.1, 2, True), (0.11, 2, False), (3.1, 64, True), (3.3, 64, False)],
)
def test_it_is_quiet_up_to_a_tenth_of_a_core_or_a_twentieth_of_all(
    used: float, cores: int, quiet: bool
) -> None:
    busy = Busy(used=used, cores=cores)
    assert busy.is_quiet is quiet
    assert busy.sentence.startswith("quiet: " if quiet else "busy: ")


def test_where_proc_does_not_tell_nothing_is_known(tmp_path: Path) -> None:
    assert read_busy(tmp_path, sleep=lambda _: None) is None
    still = plant(tmp_path, {"proc/stat": core(0)})
    assert read_busy(still, sleep=lambda _: None) is None, "no tick has passed"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_a_busy_loop_is_told_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        try:
            busy = read_busy()
        finally:
            child.kill()
    assert busy is not None
    assert not busy.is_quiet
    assert busy.used <= busy.cores == len(os.sched_getaffinity(0))
