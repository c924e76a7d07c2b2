"""measure() with a runner that samples elsewhere: a device's own program, a tool, a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.core.cell import Cell, Sampling, TargetSpec
from bench.runners.base import Array, Capability, DeviceSession
from bench.worker.outputs import WrongOutput
from tests.fakes.diary import Call, Diary, DiaryRunner, diary, measuring
from tests.fakes.net import infer
from tests.fakes.values import CELL


@pytest.fixture
def call(tmp_path: Path) -> Call:
    return measuring(tmp_path)


class OnDevice:
    capabilities: frozenset[Capability] = frozenset({"device"})
    error = 1.0

    def run(
        self, target: TargetSpec, cell: Cell, artifact: Path, x: Array, sampling: Sampling
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
        self, target: TargetSpec, cell: Cell, artifact: Path, x: Array, sampling: Sampling
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
    with pytest.raises(WrongOutput, match="away from the reference"):
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
    capabilities: frozenset[Capability] = frozenset({"targeted", "gauged"})

    def __init__(self, target: TargetSpec | None = None) -> None:
        self._target = target

    def at(self, target: TargetSpec) -> OnGpuRunner:
        return OnGpuRunner(target)

    def session(self, artifact: Path) -> Diary:
        assert self._target == TargetSpec(kind="cpu")
        session = OnGpu(artifact)
        session.build_ns = 5
        return session


def test_a_session_on_a_gpu_is_read_around_its_samples_and_timed_in_parts_after_them(
    call: Call, tmp_path: Path
) -> None:
    [reply] = call(OnGpuRunner, samples=3, warmup_calls=1, steady_tolerance=None)
    assert diary(tmp_path) == [
        "open batch 1", "infer", "sample 1, collector off", "begin",
        *["sample 1, collector off"] * 3, "end 3", "figures 3", "reply", "close",
    ]  # fmt: skip
    assert reply["figures_ns"] == {"on_device": [7, 7, 7], "enqueue": [2, 2, 2]}
    assert reply["covariates"]["energy_mj_per_inference"] == 1.5
    assert reply["build_ns"] == 5


def test_what_building_an_engine_took_is_no_part_of_the_load(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(0, 10**9, 1000))
    monkeypatch.setattr("bench.worker.session.time.perf_counter_ns", lambda: next(ticks))
    [plain], [gauged] = call(DiaryRunner), call(OnGpuRunner)
    assert plain["load_ns"] - gauged["load_ns"] == 5


def test_a_session_that_tells_no_more_replies_no_more(call: Call) -> None:
    [reply] = call(DiaryRunner)
    assert not {"figures_ns", "build_ns"} & set(reply)
