"""Every way in which a child can end, with real children of this interpreter."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bench.core.cell import TargetSpec
from bench.core.errors import BenchError, Unavailable
from bench.core.paths import PROJECT
from bench.core.protocol import SessionRequest, request_for
from bench.launcher.environment import dropped
from bench.launcher.process import (
    ChildFailed,
    ChildResult,
    Replied,
    judge,
    run_child,
)
from tests.fakes import converter
from tests.fakes.values import CELL, SAMPLING

PYTHON = Path(sys.executable)
SAID = "the engine said this before it fell"

Measure = Callable[..., ChildResult]


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Run the worker on a fake runner."""
    converter.export({"input": [3, 8, 8]}, {"batches": [1], "input_seed": 0}, tmp_path)
    made = tmp_path / "b1"

    def call(runner: str, timeout_s: float = 60.0) -> ChildResult:
        request = SessionRequest(
            runner=f"tests.fakes.runner:{runner}",
            target=TargetSpec(kind="cpu"),
            cell=CELL,
            sampling=SAMPLING,
            artifact=made / "model.json",
            reference=made / "reference.npz",
            tolerance=1e-4,
        )
        return run_child(
            request_for("measure", **request.to_json()), python=PYTHON, env={}, timeout_s=timeout_s
        )

    return call


def do(
    does: str, *, timeout_s: float = 60.0, env: dict[str, str] | None = None, **more: Any
) -> Any:
    """Run a function of tests/fakes/children.py."""
    request = {"does": does, **more}
    return run_child(
        request, module="tests.fakes.children", python=PYTHON, env=env or {}, timeout_s=timeout_s
    )


def test_a_child_that_ends_well_gives_its_figures(measure: Measure) -> None:
    result = measure("Ok")
    assert isinstance(result, Replied)
    assert len(result.value["samples_ns"]) == SAMPLING.samples
    assert result.value["facts"]["engine"] == "fake 1.0"
    assert result.wall_ns > result.value["load_ns"]
    assert result.pid != os.getpid()
    assert result.teardown is None


@pytest.mark.parametrize(
    ("runner", "kind", "message"),
    [
        ("Crash", "crash", f"{SAID}: the child died of SIGSEGV"),
        ("Abort", "abort", f"{SAID}: the child died of SIGABRT"),
        ("Killed", "killed", f"{SAID}: the child died of SIGKILL"),
        ("SilentExit", "no-reply", "the child ended with status 0 and left no reply"),
        ("ExitSeven", "no-reply", f"{SAID}: the child left with status 7 and no reply"),
        ("Garbage", "garbage-reply", "the child's reply isn't one"),
        ("Raises", "error", "RuntimeError: the engine's own words"),
        ("NotHere", "unavailable", "this chip has no such unit"),
    ],
)
def test_a_child_that_gives_no_figures_is_told_by_kind_with_a_remedy_and_its_last_words(
    runner: str, kind: str, message: str, measure: Measure
) -> None:
    result = measure(runner)
    assert isinstance(result, ChildFailed)
    assert (result.kind, result.message) == (kind, message)
    assert result.hint
    assert SAID in result.log_tail


def test_a_wrong_output_is_told_as_such(measure: Measure) -> None:
    result = measure("WrongOutput")
    assert isinstance(result, ChildFailed)
    assert result.kind == "wrong-output"
    assert "0.01 away" in result.message


def test_a_child_that_hangs_is_ended_at_its_time_out(measure: Measure) -> None:
    result = measure("Hang", timeout_s=1.5)
    assert isinstance(result, ChildFailed)
    assert result.kind == "timeout"
    assert "1.5 s" in result.message
    assert "timeout_s" in result.hint


def test_the_reply_of_a_child_that_falls_on_the_way_down_counts(measure: Measure) -> None:
    result = measure("FallsOnTheWayDown")
    assert isinstance(result, Replied)
    assert len(result.value["samples_ns"]) == SAMPLING.samples
    assert result.teardown == "the child died of SIGSEGV"


def test_the_note_on_a_bad_teardown_does_not_deny_the_reply() -> None:
    hung = do("replies_and_hangs", timeout_s=1.5)
    raised = do("replies_and_raises")
    assert hung.value == raised.value == {"figure": 3}
    assert hung.teardown == "the child wasn't done within 1.5 s and was ended"
    assert raised.teardown == "the child left with status 1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGILL, signal.SIGRTMIN + 1])
def test_a_child_may_die_of_any_signal(number: int) -> None:
    result = do("dies_of", signal=number)
    assert result.kind == ("crash" if number == signal.SIGILL else "killed")
    name = "SIGILL" if number == signal.SIGILL else "SIGTERM"
    assert (name if number < signal.SIGRTMIN else f"signal {int(number)}") in result.message


@pytest.mark.parametrize(
    ("runner", "kind"), [("DiskFull", "disk-full"), ("Raises", "error"), ("Killed", "killed")]
)
def test_a_full_disk_is_told_from_a_fault_of_the_engine(
    runner: str, kind: str, measure: Measure
) -> None:
    result = measure(runner)
    assert isinstance(result, ChildFailed)
    assert result.kind == kind


def test_a_child_without_the_space_for_its_reply_says_nothing_and_that_is_a_full_disk(
    small_disk: Path,
) -> None:
    with (small_disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
        while ballast.write(b"x" * 4096):
            pass
    result = judge(small_disk, 1, pid=7, wall_ns=1, timeout_s=1.0)
    assert isinstance(result, ChildFailed)
    assert result.kind == "disk-full"
    assert "TMPDIR" in result.hint


def test_a_child_that_prints_without_end_is_ended_before_the_disk_is_full() -> None:
    result = do("prints_without_end", timeout_s=120.0)
    assert isinstance(result, ChildFailed)
    assert result.kind == "too-much-output"
    assert "more than 64 MiB" in result.message
    assert "so much to say" in result.log_tail


@pytest.mark.parametrize(
    ("then", "timeout_s"), [("hangs", 2.0), ("leaves", 60.0)], ids=["at the time-out", "in peace"]
)
def test_what_a_child_started_ends_with_it(then: str, timeout_s: float, tmp_path: Path) -> None:
    tell = tmp_path / "pid"

    do("starts_a_child_and", tell=str(tell), then=then, timeout_s=timeout_s)

    assert not is_running(int(tell.read_text()))


def is_running(pid: int) -> bool:
    """Tell whether a process is there and more than a zombie, given a moment to die."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state in "ZX":
            return False
        time.sleep(0.05)
    return True


def test_an_interrupt_ends_the_child_before_it_goes_on_up(tmp_path: Path) -> None:
    tell = tmp_path / "pid"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            do("starts_a_child_and", tell=str(tell), then="hangs")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert not is_running(int(tell.read_text()))


SHIFTING = (
    "OMP_PROC_BIND", "KMP_AFFINITY", "MKL_NUM_THREADS", "GOMP_CPU_AFFINITY", "FLAGS_use_mkldnn",
    "OPENBLAS_NUM_THREADS", "GLOG_v", "ONEDNN_MAX_CPU_ISA", "DNNL_VERBOSE", "MALLOC_ARENA_MAX",
    "MALLOC_CONF", "LD_PRELOAD", "LD_AUDIT", "GLIBC_TUNABLES", "TF_NUM_INTRAOP_THREADS",
    "ORT_DISABLE_ALL", "PYTHONMALLOC",
    "CUDA_LAUNCH_BLOCKING", "CUDA_MODULE_LOADING", "NVIDIA_TF32_OVERRIDE", "TBB_NUM_THREADS",
)  # fmt: skip
OTHERS = ("PYTHONHASHSEED", "PYTHONSTARTUP", "VIRTUAL_ENV", "A_TOKEN", "https_proxy", "TF_VAR_x")
KEPT = ("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "CUDA_VISIBLE_DEVICES")


def test_a_child_inherits_what_it_needs_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in (*SHIFTING, *OTHERS, "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    for name in KEPT:
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")

    result = do("tells_its_environment", env={"OMP_NUM_THREADS": "3"})

    seen = result.value["environment"]
    assert {name for name in (*SHIFTING, *OTHERS, *KEPT) if name in seen} == set(KEPT)
    assert seen["OMP_NUM_THREADS"] == "3"
    assert seen["PYTHONPATH"] == str(PROJECT)
    assert "/somewhere/else" not in result.value["path"]
    assert set(dropped(("LD_AUDIT",))) == {*SHIFTING, "OMP_NUM_THREADS"} - {"LD_AUDIT"}


def test_a_child_works_in_a_folder_of_its_own_that_is_gone_afterwards() -> None:
    cwd = Path(do("tells_its_environment").value["cwd"])
    assert cwd.name.startswith("bench-")
    assert not cwd.exists()


@pytest.mark.serial
def test_the_parent_spends_no_core_on_waiting() -> None:
    before, started = usage(), time.monotonic()
    result = do("sleeps", seconds=0.5)
    after, lasted = usage(), time.monotonic() - started
    assert isinstance(result, Replied)
    # One core spent on waiting would be a ratio of 1; starting the child costs a few ms.
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent / lasted < 0.1


@pytest.mark.serial
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="without pidfd_open Popen.wait polls")
def test_the_parent_does_not_wake_while_its_child_runs() -> None:
    woken = []
    for seconds in (0.1, 1.1):
        before = usage()
        do("sleeps", seconds=seconds)
        woken.append(usage().ru_nvcsw - before.ru_nvcsw)
    # Polling every 50 ms, as Popen.wait does, would be 20 times more in the longer one.
    assert woken[1] - woken[0] < 10


def usage() -> resource.struct_rusage:
    return resource.getrusage(resource.RUSAGE_THREAD)


def test_no_temporary_folder_is_one_sentence_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bench.launcher.process.temporary_root", lambda: tmp_path / "nowhere")
    with pytest.raises(BenchError, match="no temporary folder") as raised:
        do("sleeps", seconds=0)
    assert "TMPDIR" in raised.value.hint


def test_an_interpreter_that_is_not_there_is_one_sentence_with_a_remedy(tmp_path: Path) -> None:
    python = tmp_path / "no-python"
    with pytest.raises(Unavailable, match="can't be started: No such file") as raised:
        run_child({}, python=python, env={}, timeout_s=5.0)
    assert str(python) in raised.value.problem
    assert "--env" in raised.value.hint
