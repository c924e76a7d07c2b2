"""What a runner is, and the one timed loop of all engines that run in the worker's process.

A new engine is one file beside this one and one line in `bench/runners/__init__.py`.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bench.core.cell import Cell, Sampling, TargetSpec
from bench.core.errors import BenchError, Unavailable
from bench.core.tensors import Tensors
from bench.core.units import Nanoseconds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
else:
    Array = object


Capability = Literal["device", "pair", "targeted", "gauged", "layered", "remote", "profiled"]
"""What a runner can do beside `Runner.open`, by the protocol that says how.

    "device"    DeviceRunner, in place of Runner
    "pair"      PairingRunner
    "targeted"  TargetedRunner
    "gauged"    its sessions are GaugedSession
    "layered"   its sessions are LayeredSession
    "remote"    its sessions are RemoteSession
    "profiled"  its sessions are ProfiledSession (bench/runners/profiling.py)
"""
NO_CAPABILITIES: frozenset[Capability] = frozenset()


def capabilities_of(runner: object) -> frozenset[Capability]:
    """Return what the class of `runner` declares in its attribute `capabilities`, if anything."""
    declared: frozenset[Capability] = getattr(runner, "capabilities", NO_CAPABILITIES)
    return declared


class Session(Protocol):
    """One engine, loaded with one artifact, ready to infer."""

    @property
    def facts(self) -> Mapping[str, str]:
        """Versions, and the effective threads, precision and settings."""
        ...

    def infer(self, feeds: Tensors) -> Tensors:
        """Return the outputs for `feeds`, untimed; they become the input of `sample` too.

        Feeds have the names that the reference has, outputs the engine's own, in its order.
        """
        ...

    def sample(self, count: int) -> list[Nanoseconds]:
        """Return one duration per inference, device work included; never an average."""
        ...


class GaugedSession(Session, Protocol):
    """A session with device telemetry before and after sampling, and timings of its parts."""

    @property
    def build_ns(self) -> int | None:
        """What building the engine took within `open`, None where it came from the cache."""
        ...

    def begin(self) -> None:
        """Read the device right before the samples are taken."""
        ...

    def end(self, count: int) -> Mapping[str, float]:
        """Read it right after `count` of them; return the covariates that follow."""
        ...

    def figures(self, count: int) -> Mapping[str, list[int]]:
        """Return `count` durations in ns of each other figure by name, taken in runs of their own.

        "on_device": from the first to the last work on the device, without copies. "enqueue": what
        the host takes to hand that work over.
        """
        ...


class LayeredSession(Session, Protocol):
    """A session whose engine tells which kernel runs each of its layers."""

    def layers(self) -> Sequence[Mapping[str, str]]:
        """Return the layers in the order in which they run, none where they aren't known.

        Each has the fields of `bench.storage.schema.layers.Layer`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process has used so far, all its threads together; of memory the most that it held."""

    involuntary_switches: int
    cpu_s: float
    peak_rss_mib: float


class RemoteSession(Session, Protocol):
    """A session whose engine works in another process of this machine."""

    @property
    def pid(self) -> int:
        """The process whose threads do the work."""
        ...

    def usage(self) -> Usage:
        """Return what that process has used so far."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSession:
    """One session that a program on a device ran by itself, from its load to its last sample.

    `output` is the net's only one; a tool that prints neither output nor samples leaves
    both out and gives `reported_ns` (min, max, avg) instead. `figures_ns` are other durations by
    name: "run", the engine's part of each sample, without the copies of input and output.
    """

    load_ns: int
    first_inference_ns: int
    output: Array | None = None
    warmup_ns: Sequence[int] = ()
    steady: bool = False
    samples_ns: Sequence[int] = ()
    reported_ns: Mapping[str, int] | None = None
    figures_ns: Mapping[str, Sequence[int]] = field(default_factory=dict)
    facts: Mapping[str, str]
    covariates: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """How two models on a device take turns; see `bench.experiments.ab.interleave.Rule`.

    `order` has the arm of each burst, 0 or 1, one of each in every pair.
    """

    order: Sequence[int]
    burst_s: float
    least_calls: int
    most_calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceArm:
    """What a device program reported of one of two models; `output` is its only one."""

    load_ns: int
    first_inference_ns: int
    output: Array
    warmup_ns: Sequence[int]
    steady: bool
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePair:
    """One session in which a device program alternated two models, the first samples of the bursts
    in it. `covariates` are of the program, which is one for both.
    """

    arms: tuple[DeviceArm, DeviceArm]
    bursts: Sequence[tuple[int, Sequence[int]]]
    covariates: Mapping[str, float]


class ArmFailure(Exception):
    """One of two models on a device gave no figure: arm `index` ended in `error`."""

    def __init__(self, index: int, error: BenchError) -> None:
        super().__init__(str(error))
        self.index = index
        self.error = error


class DeviceRunner(Protocol):
    """An engine on a device: the program there takes the samples, this side reads them."""

    def run(
        self, target: TargetSpec, cell: Cell, artifact: Path, x: Array, sampling: Sampling
    ) -> DeviceSession:
        """Run one session of `artifact` on input `x` by the rules of `sampling`.

        Raises DeviceError, and Unavailable where the device can't do what the cell asks.
        """
        ...


class PairingRunner(DeviceRunner, Protocol):
    """A device runner whose program can hold two models open and alternate them by itself."""

    def run_pair(
        self,
        target: TargetSpec,
        cells: tuple[Cell, Cell],
        artifacts: tuple[Path, Path],
        x: Array,
        sampling: Sampling,
        turns: Turns,
    ) -> DevicePair:
        """Run one session of both artifacts on input `x`, warmed up by the rules of `sampling`.

        Raises ArmFailure where one of them is the cause, DeviceError and Unavailable.
        """
        ...


class Runner(Protocol):
    """An engine: opens sessions of cells that it can run."""

    def open(self, cell: Cell, artifact: Path) -> AbstractContextManager[Session]:
        """Load `artifact` with `cell`'s settings.

        Raises Unavailable where this machine or engine can't do what the cell asks.
        """
        ...


class TargetedRunner(Runner, Protocol):
    """A runner that needs its target before it opens anything."""

    def at(self, target: TargetSpec) -> Runner:
        """Return the runner for `target`."""
        ...


def import_engine(module: str, *, env: str) -> Any:
    """Import an engine's package; raises Unavailable where environment `env` hasn't got it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Unavailable(
            f"{module} can't be imported here ({error})",
            hint=f"leave --env {env} out to have its environment built",
        ) from error


def require_precision(cell: Cell, *known: str) -> None:
    """Raise Unavailable unless `cell` asks for one of the precisions that its runner knows."""
    if cell.precision not in known:
        raise Unavailable(
            f"the {cell.runner} runner has no {cell.precision} on the CPU",
            hint=f"use precision {' or '.join(known)}",
        )


def time_calls(call: Callable[[], object], count: int) -> list[Nanoseconds]:
    """Return the duration of each of `count` calls; `call` returns only when its work is done."""
    clock = time.perf_counter_ns
    samples = [0] * count
    for index in range(count):
        started = clock()
        call()
        samples[index] = clock() - started
    return [Nanoseconds(sample) for sample in samples]


def time_paced(
    call: Callable[[], object],
    count: int,
    *,
    pause_s: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> list[Nanoseconds]:
    """Return the duration of each of `count` calls, `pause_s` seconds of sleep before each."""
    samples = [0] * count
    for index in range(count):
        if pause_s:
            sleep(pause_s)
        started = clock()
        call()
        samples[index] = clock() - started
    return [Nanoseconds(sample) for sample in samples]
