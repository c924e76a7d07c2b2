"""measure() in this process, on a fake session that writes down what is asked of it."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.cell import Cell, Sampling, Target
from bench.launch import PROJECT
from bench.measure import WrongOutput
from bench.protocol import MeasureRequest
from bench.runners.base import Array, DeviceSession
from bench.units import Nanoseconds
from bench.worker import load_reference, measure, peak_rss_mib, process_facts
from tests.fakes import converter
from tests.fakes.net import infer
from tests.fakes.values import CELL, SAMPLING

Call = Callable[..., list[Any]]


class Diary:
    """Runs the fake net; each call is a line of the artifact's file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.facts: Mapping[str, str] = {"engine": "diary", "python": "the engine's own"}

    def note(self, what: str) -> None:
        with self._path.open("a") as file:
            file.write(what + "\n")

    def infer(self, x: Array) -> Array:
        self.note("infer")
        return infer(x)

    def sample(self, count: int) -> list[Nanoseconds]:
        self.note(f"sample {count}, collector {'on' if gc.isenabled() else 'off'}")
        return [Nanoseconds(100 + n) for n in range(count)]


class DiaryRunner:
    @contextmanager
    def open(self, cell: Cell, artifact: Path) -> Iterator[Diary]:
        session = self.session(artifact)
        session.note(f"open batch {cell.batch}")
        yield session
        session.note("close")

    def session(self, artifact: Path) -> Diary:
        return Diary(artifact)


class Wrong(Diary):
    def infer(self, x: Array) -> Array:
        return 1.5 * super().infer(x)


class WrongRunner(DiaryRunner):
    def session(self, artifact: Path) -> Diary:
        return Wrong(artifact)


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Measure with a runner of this module; return the replies."""
    converter.export({"input": [3, 8, 8]}, {"batches": [1], "input_seed": 0}, tmp_path)

    def measured(runner: type, **sampling: Any) -> list[Any]:
        request = MeasureRequest(
            runner=f"{__name__}:{runner.__name__}",
            target=Target(kind="cpu"),
            cell=CELL,
            sampling=type(SAMPLING)(**{**SAMPLING.to_json(), **sampling}),
            artifact=tmp_path / "diary",
            reference=tmp_path / "b1" / "reference.npz",
            tolerance=1e-4,
        )
        replies: list[Any] = []

        def reply(result: Mapping[str, Any]) -> None:
            Diary(tmp_path / "diary").note("reply")
            replies.append(result)

        measure(request.to_json(), reply)
        return replies

    return measured


def diary(folder: Path) -> list[str]:
    return (folder / "diary").read_text().splitlines()


def test_a_session_opens_infers_warms_up_samples_and_replies_before_it_closes(
    call: Call, tmp_path: Path
) -> None:
    call(DiaryRunner, samples=23, warmup_calls=2, warmup_cap_s=60.0, steady_window=6)
    assert diary(tmp_path) == [
        "open batch 1", "infer",
        "sample 1, collector off", "sample 1, collector off", "sample 6, collector off",
        "sample 10, collector off", "sample 10, collector off", "sample 3, collector off",
        "reply", "close",
    ]  # fmt: skip


def test_the_reply_holds_every_figure_of_the_session_in_order(call: Call) -> None:
    [reply] = call(DiaryRunner, warmup_calls=2, warmup_cap_s=60.0, steady_window=6)
    assert reply["warmup_ns"] == [100, 100, 100, 101, 102, 103, 104, 105]
    assert reply["steady"] is True
    assert reply["samples_ns"] == [100, 101, 102, 103]
    assert reply["relative_l2"] == 0
    assert reply["load_ns"] > 0
    assert reply["first_inference_ns"] > 0
    assert set(reply["covariates"]) == {"involuntary_switches", "cpu_s", "peak_rss_mib"}
    assert reply["covariates"]["peak_rss_mib"] > 1


_HOLDING = """
import subprocess, sys
held = bytearray(300 << 20)
held[::4096] = bytes([1]) * len(held[::4096])
code = "from bench.worker import peak_rss_mib; print(peak_rss_mib())"
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
"""


def test_a_childs_peak_of_memory_is_its_own_and_not_its_parents() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HOLDING], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert 1 < float(done.stdout) < 150


def test_where_proc_tells_nothing_the_peak_is_that_of_the_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("bench.worker._STATUS", tmp_path / "none")
    assert peak_rss_mib() > 1


def test_what_the_engine_says_of_itself_goes_above_what_the_process_says(call: Call) -> None:
    [reply] = call(DiaryRunner)
    told = {**process_facts(), "engine": "diary", "python": "the engine's own"}
    assert {name: reply["facts"][name] for name in told} == told


def test_the_collector_is_on_again_after_a_session(call: Call) -> None:
    call(DiaryRunner)
    assert gc.isenabled()


def test_a_wrong_output_is_neither_sampled_nor_replied(call: Call, tmp_path: Path) -> None:
    with pytest.raises(WrongOutput, match=r"0\.5 away"):
        call(WrongRunner)
    assert diary(tmp_path) == ["open batch 1", "infer"]


def test_the_reference_is_the_input_and_its_logits(tmp_path: Path) -> None:
    x = np.arange(6, dtype=np.float32).reshape(1, 6)
    np.savez(tmp_path / "reference.npz", input=x, logits=2 * x)

    got_x, got_logits = load_reference(tmp_path / "reference.npz")

    assert np.array_equal(got_x, x)
    assert np.array_equal(got_logits, 2 * x)
    assert {str(got_x.dtype), str(got_logits.dtype)} == {"float32"}


def test_a_process_tells_its_python_and_the_cores_it_may_run_on() -> None:
    facts = process_facts()
    assert facts["python"] == platform.python_version()
    if hasattr(os, "sched_getaffinity"):
        assert {int(core) for core in facts["affinity"].split(",")} == os.sched_getaffinity(0)


class OnDevice:
    error = 1.0

    def run(
        self, target: Target, cell: Cell, artifact: Path, x: Array, sampling: Sampling
    ) -> DeviceSession:
        assert (target.kind, cell, artifact.name) == ("cpu", CELL, "diary")
        return DeviceSession(
            load_ns=11,
            first_inference_ns=12,
            output=self.error * infer(x),
            warmup_ns=[9] * sampling.warmup_calls,
            steady=True,
            samples_ns=[7] * sampling.samples,
            facts={"engine": "device 1.0"},
            covariates={"peak_rss_mib": 3.5},
        )


class WrongOnDevice(OnDevice):
    error = 1.5


class Tool(OnDevice):
    def run(
        self, target: Target, cell: Cell, artifact: Path, x: Array, sampling: Sampling
    ) -> DeviceSession:
        return DeviceSession(
            load_ns=11,
            first_inference_ns=12,
            reported_ns={"min": 1, "max": 3, "avg": 2},
            facts={},
            covariates={},
        )


def test_a_devices_own_figures_are_the_sessions(call: Call) -> None:
    [reply] = call(OnDevice, samples=3, warmup_calls=2)
    assert reply["load_ns"] == 11
    assert reply["first_inference_ns"] == 12
    assert reply["warmup_ns"] == [9, 9]
    assert reply["samples_ns"] == [7, 7, 7]
    assert reply["steady"] is True
    assert reply["relative_l2"] == 0
    assert reply["reported_ns"] is None
    assert reply["facts"] == {"engine": "device 1.0"}
    assert reply["covariates"] == {"peak_rss_mib": 3.5}


def test_a_devices_wrong_output_has_no_figure(call: Call) -> None:
    with pytest.raises(WrongOutput, match="away from the reference logits"):
        call(WrongOnDevice)


def test_a_tool_that_prints_no_output_is_told_as_that(call: Call) -> None:
    [reply] = call(Tool)
    assert reply["relative_l2"] is None
    assert reply["samples_ns"] == []
    assert reply["reported_ns"] == {"min": 1, "max": 3, "avg": 2}


class OnGpu(Diary):
    build_ns: int | None = 5

    def begin(self) -> None:
        self.note("begin")

    def end(self, count: int) -> Mapping[str, float]:
        self.note(f"end {count}")
        return {"energy_mj_per_inference": 1.5}

    def figures(self, count: int) -> Mapping[str, list[int]]:
        self.note(f"figures {count}")
        return {"on_device": [7] * count, "enqueue": [2] * count}


class OnGpuRunner(DiaryRunner):
    def __init__(self, target: Target | None = None) -> None:
        self._target = target

    def at(self, target: Target) -> OnGpuRunner:
        return OnGpuRunner(target)

    def session(self, artifact: Path) -> Diary:
        assert self._target == Target(kind="cpu")
        session = OnGpu(artifact)
        session.build_ns = 5
        return session


def test_a_session_on_a_gpu_is_read_around_its_samples_and_timed_in_parts_after_them(
    call: Call, tmp_path: Path
) -> None:
    [reply] = call(OnGpuRunner, samples=3, warmup_calls=1, steady_tolerance=None)
    assert diary(tmp_path) == [
        "open batch 1", "infer", "sample 1, collector off", "begin", "sample 3, collector off",
        "end 3", "figures 3", "reply", "close",
    ]  # fmt: skip
    assert reply["figures_ns"] == {"on_device": [7, 7, 7], "enqueue": [2, 2, 2]}
    assert reply["covariates"]["energy_mj_per_inference"] == 1.5
    assert reply["build_ns"] == 5


def test_what_building_an_engine_took_is_no_part_of_the_load(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(0, 10**9, 1000))
    monkeypatch.setattr("bench.worker.time.perf_counter_ns", lambda: next(ticks))
    [plain], [gauged] = call(DiaryRunner), call(OnGpuRunner)
    assert plain["load_ns"] - gauged["load_ns"] == 5


def test_a_session_that_tells_no_more_replies_no_more(call: Call) -> None:
    [reply] = call(DiaryRunner)
    assert not {"figures_ns", "build_ns"} & set(reply)
