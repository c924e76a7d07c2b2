"""Real sessions under a real busy loop on the same core, and as if nothing else ran."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from bench.analysis.contention import taken
from bench.analysis.grade import findings
from bench.cli.main import main
from bench.storage.schema.latency import Record
from bench.storage.store import Store
from tests.cli.turns import Ab
from tests.conftest import FAKE_SUITE
from tests.fakes import tables as fakes
from tests.fakes.arm_tables import arm_tables

pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a thread waited"),
]

_LOOP = "import os\nos.sched_setaffinity(0, {%d})\nprint(flush=True)\nwhile True: pass"


@pytest.fixture
def core() -> Iterator[int]:
    """The one core that this process and its children may use."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield min(before)
    os.sched_setaffinity(0, before)


@contextmanager
def neighbour(core: int) -> Iterator[None]:
    """Keep `core` busy."""
    with subprocess.Popen([sys.executable, "-c", _LOOP % core], stdout=subprocess.PIPE) as loop:
        assert loop.stdout is not None
        loop.stdout.readline()
        try:
            yield
        finally:
            loop.kill()


def measured(folder: Path, runner: str) -> Record:
    """Measure one cell of `runner` in one session and return its record."""
    argv = [
        "run", "--suite", str(FAKE_SUITE), "--models", str(fakes.MODELS), "--preset", "standard",
        "--variant", "x0_25", "--batch", "1", "--results", str(folder / "results"),
        "--cache", str(folder / "cache"),
    ]  # fmt: skip
    assert main(argv, arm_tables(paddle=runner)) == 0
    (run,) = Store(folder / "results").runs()
    (record,) = run.records()
    return record


def grade_of(record: Record) -> str:
    (found,) = [it for it in findings(record) if it.rule == "contention"]
    return found.grade


def test_a_figure_beside_a_busy_loop_is_contended_and_says_so(
    tmp_path: Path, core: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with neighbour(core):
        record = measured(tmp_path, "Works")
    told = [taken(session) for session in record.sessions]
    assert all(it is not None and it.contended and it.cpu_share < 0.8 for it in told)
    assert grade_of(record) == "D"
    shown = capsys.readouterr()
    assert " D contended" in shown.out
    assert f"{record.cell.variant} paddle b1 t1: contended: as little as " in shown.out
    assert ", contended: " in shown.err


def may_go_first() -> bool:
    """Tell whether the system lets a process go before all that others do."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


def test_work_that_nobody_disturbs_is_not(tmp_path: Path, core: int) -> None:
    """Where it may go before the loop nothing disturbs it; else it takes a quiet moment."""
    first = may_go_first()
    for attempt in range(1 if first else 10):
        with neighbour(core) if first else nullcontext():
            record = measured(tmp_path / str(attempt), "WorksFirst")
        if grade_of(record) == "A":
            break
    told = [taken(session) for session in record.sessions]
    assert all(it is not None and not it.contended and it.cpu_share > 0.9 for it in told)
    assert grade_of(record) == "A"


def test_a_comparison_beside_busy_loops_is_advice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], core: int
) -> None:
    with neighbour(core):
        told = Ab(tmp_path, capsys).json("--sessions", "2", tables=arm_tables(paddle="Works"))[1]
    assert told["advice"]
    assert any("sessions of BASE are contended by other processes" in it for it in told["doubts"])
