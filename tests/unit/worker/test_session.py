"""measure() in this process, on a fake session that writes down what is asked of it."""

from __future__ import annotations

import gc
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from bench.core.paths import PROJECT
from bench.core.tensors import Tensors
from bench.devices.host.energy import Counter
from bench.worker import session as measured
from bench.worker.outputs import WrongOutput
from bench.worker.process import peak_rss_mib, process_facts
from tests.fakes.diary import Call, Diary, DiaryRunner, diary, measuring


class Wrong(Diary):
    def infer(self, feeds: Tensors) -> Tensors:
        return {name: 1.5 * it for name, it in super().infer(feeds).items()}


class WrongRunner(DiaryRunner):
    def session(self, artifact: Path) -> Diary:
        return Wrong(artifact)


@pytest.fixture
def call(tmp_path: Path) -> Call:
    return measuring(tmp_path)


def test_a_session_opens_infers_warms_up_samples_and_replies_before_it_closes(
    call: Call, tmp_path: Path
) -> None:
    call(DiaryRunner, samples=23, warmup_calls=2, warmup_cap_s=60.0, steady_window=6)
    assert diary(tmp_path) == [
        "open batch 1", "infer",
        "sample 1, collector off", "sample 1, collector off", "sample 6, collector off",
        *["sample 5, collector off"] * 4, "sample 3, collector off",
        "reply", "close",
    ]  # fmt: skip


def test_the_reply_holds_every_figure_of_the_session_in_order(call: Call) -> None:
    [reply] = call(DiaryRunner, samples=9, warmup_calls=2, warmup_cap_s=60.0, steady_window=6)
    assert reply["warmup_ns"] == [100, 100, 100, 101, 102, 103, 104, 105]
    assert reply["steady"] is True
    assert reply["samples_ns"] == [100, 101] * 4 + [100]
    if sys.platform == "linux":
        assert reply["bursts"]["samples"] == [2, 2, 2, 2, 1]
        assert {len(column) for column in reply["bursts"].values()} == {5}
    assert reply["relative_l2"] == 0
    assert reply["load_ns"] > 0
    assert reply["first_inference_ns"] > 0
    told = set(reply["covariates"]) - {"package_energy_j"}  # where this machine may read it
    assert told == {"involuntary_switches", "cpu_s", "peak_rss_mib"}
    assert reply["covariates"]["peak_rss_mib"] > 1


_HOLDING = """
import subprocess, sys
held = bytearray(300 << 20)
held[::4096] = bytes([1]) * len(held[::4096])
code = "from bench.worker.process import peak_rss_mib; print(peak_rss_mib())"
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
    monkeypatch.setattr("bench.worker.process._STATUS", tmp_path / "none")
    assert peak_rss_mib() > 1


def test_what_the_engine_says_of_itself_goes_above_what_the_process_says(call: Call) -> None:
    [reply] = call(DiaryRunner)
    told = {"python": "the engine's own", "engine": "diary"}
    assert {name: reply["facts"][name] for name in told} == told


def test_the_collector_is_on_again_after_a_session(call: Call) -> None:
    call(DiaryRunner)
    assert gc.isenabled()


def test_a_wrong_output_is_neither_sampled_nor_replied(call: Call, tmp_path: Path) -> None:
    with pytest.raises(WrongOutput, match=r"0\.5 away"):
        call(WrongRunner)
    assert diary(tmp_path) == ["open batch 1", "infer"]


def test_a_process_tells_its_python_and_the_cores_it_may_run_on() -> None:
    facts = process_facts(works_here=True)
    assert facts["python"] == platform.python_version()
    if hasattr(os, "sched_getaffinity"):
        assert {int(core) for core in facts["affinity"].split(",")} == os.sched_getaffinity(0)


def test_the_energy_of_the_packages_is_read_around_the_samples_and_not_among_them(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = iter([{"0": Counter(1_000_000, 10**12)}, {"0": Counter(3_500_000, 10**12)}])

    def reading() -> dict[str, Counter]:
        Diary(tmp_path / "diary").note("energy")
        return next(read)

    monkeypatch.setattr(measured, "read_energy", reading)
    [reply] = call(DiaryRunner, samples=5, warmup_calls=2, warmup_cap_s=60.0, steady_window=6)
    assert reply["covariates"]["package_energy_j"] == 2.5
    kept = [line.partition(",")[0] for line in diary(tmp_path)]
    first, last = (index for index, line in enumerate(kept) if line == "energy")
    assert set(kept[first + 1 : last]) == {"sample 1"}
    assert kept[last + 1] == "reply"
