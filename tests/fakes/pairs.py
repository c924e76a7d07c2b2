"""Fake device runners that alternate two models: no device, and durations that they only claim."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.core.cell import Cell, Sampling, TargetSpec
from bench.core.errors import BenchError, DeviceLost
from bench.runners.base import (
    ArmFailure,
    Array,
    Capability,
    DeviceArm,
    DevicePair,
    DeviceSession,
    Turns,
)
from tests.fakes.net import infer

NS = 10_000_000


class Alternating:
    """The same duration each time, a tenth more for a second thread; two samples a burst."""

    capabilities: frozenset[Capability] = frozenset({"device", "pair"})

    def run(
        self, target: TargetSpec, cell: Cell, artifact: Path, x: Array, sampling: Sampling
    ) -> DeviceSession:
        raise AssertionError("a comparison asks for both models at once")

    def run_pair(
        self,
        target: TargetSpec,
        cells: tuple[Cell, Cell],
        artifacts: tuple[Path, Path],
        x: Array,
        sampling: Sampling,
        turns: Turns,
    ) -> DevicePair:
        ns = [NS * (9 + cell.threads) // 10 for cell in cells]
        first, second = (
            self.arm(x, target, cell, took) for cell, took in zip(cells, ns, strict=True)
        )
        return DevicePair(
            arms=(first, second),
            bursts=[(index, [ns[index] + 1, ns[index]]) for index in turns.order],
            covariates={"device_s": turns.burst_s * len(turns.order)},
        )

    def arm(self, x: Array, target: TargetSpec, cell: Cell, ns: int) -> DeviceArm:
        return DeviceArm(
            load_ns=3 * ns,
            first_inference_ns=2 * ns,
            output=infer(x),
            warmup_ns=[ns, ns],
            steady=True,
            facts={"engine": "fake 1.0", "threads": str(cell.threads), "ran_at": target.kind},
        )


class WrongForTwoThreads(Alternating):
    def arm(self, x: Array, target: TargetSpec, cell: Cell, ns: int) -> DeviceArm:
        right = super().arm(x, target, cell, ns)
        return right if cell.threads == 1 else replace(right, output=right.output + np.float32(1))


class CantLoadTwoThreads(Alternating):
    """Says which of the models is the cause."""

    def run_pair(self, target: TargetSpec, cells: tuple[Cell, Cell], *_: object) -> DevicePair:
        index = [cell.threads for cell in cells].index(2)
        raise ArmFailure(index, BenchError("the model can't be loaded", hint="make it again"))


class Lost(Alternating):
    def run_pair(self, target: TargetSpec, *_: object) -> DevicePair:
        raise DeviceLost("R58M", "the cable is out")


class Crashes(Alternating):
    def run_pair(self, target: TargetSpec, *_: object) -> DevicePair:
        os.kill(os.getpid(), signal.SIGSEGV)
        raise AssertionError("it has died")


class Hangs(Alternating):
    def run_pair(self, target: TargetSpec, *_: object) -> DevicePair:
        time.sleep(600)
        raise AssertionError("it was ended")


class Unpaired(Alternating):
    """Forgets one of its bursts."""

    def run_pair(self, *arguments: object) -> DevicePair:
        whole = super().run_pair(*arguments)  # type: ignore[arg-type]
        return replace(whole, bursts=whole.bursts[1:])


class OneModel:
    """Can't hold two models open."""

    capabilities: frozenset[Capability] = frozenset({"device"})

    def run(
        self, target: TargetSpec, cell: Cell, artifact: Path, x: Array, sampling: Sampling
    ) -> DeviceSession:
        raise AssertionError("a comparison asks for both models at once")
