"""One session: load (the runner's `open`), first inference, output checked, warm-up, samples.

Imports the standard library, numpy and, inside the runner, one engine. What an operation opens
stays open until its answer is sent: a crash on the way down loses nothing.
"""

from __future__ import annotations

import gc
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.core.errors import BenchError
from bench.core.protocol import SessionRequest
from bench.core.tensors import read_reference
from bench.devices.host.energy import read_energy, used_j
from bench.runners.base import (
    NO_CAPABILITIES,
    Capability,
    DeviceRunner,
    GaugedSession,
    LayeredSession,
    RemoteSession,
    Runner,
    Session,
    Usage,
    capabilities_of,
)
from bench.runners.feeds import one_image
from bench.worker import subnormals
from bench.worker.canary import canary_ns
from bench.worker.counters import Counters
from bench.worker.cpu_time import (
    OWN_CLOCK,
    Bursts,
    CpuTime,
    Watch,
    calls_per_burst,
    cpu_clock,
    read_cpu_time,
)
from bench.worker.outputs import check_outputs
from bench.worker.sampling import take_samples, warm_up
from bench.worker.serve import load
from bench.worker.threads import TASKS, Thread, read_threads, worked

if TYPE_CHECKING:
    from bench.worker.batches import Batch


@dataclass(frozen=True, slots=True)
class OpenSession:
    """An open session, its request, and the process that does its work.

    `gauge` is the session itself where its device is read around the samples, `layered` where it
    knows its layers.
    """

    session: Session
    request: SessionRequest
    process: Process
    gauge: GaugedSession | None
    layered: LayeredSession | None = None


class State:
    """What a worker holds open from one operation to the next, torn down with `stack`."""

    def __init__(self, stack: ExitStack, current: OpenSession | None = None) -> None:
        self.stack = stack
        self.before: tuple[Mapping[str, Thread], Usage]
        self.batches: Sequence[Batch] = ()
        self._current = current

    @property
    def current(self) -> OpenSession:
        """The open session; raises BenchError where there is none."""
        if self._current is None:
            raise BenchError("no session is open", hint="open comes first: bench/core/protocol.py")
        return self._current

    def hold(
        self,
        session: Session,
        request: SessionRequest,
        capabilities: frozenset[Capability] = NO_CAPABILITIES,
    ) -> OpenSession:
        """Make `session` the current one, of a runner that declares `capabilities`."""
        gauge = cast("GaugedSession", session) if "gauged" in capabilities else None
        layered = cast("LayeredSession", session) if "layered" in capabilities else None
        process = process_of(session, capabilities)
        self._current = OpenSession(session, request, process, gauge, layered)
        return self._current

    def read_usage(self) -> None:
        """Read threads and usage: what `finish` reports is spent from here on."""
        process = self.current.process
        self.before = read_threads(process.tasks), process.usage()


def runner_of(request: SessionRequest) -> tuple[Any, frozenset[Capability]]:
    """Return the runner that `request` names, at its target, and what it declares."""
    runner = load(request.runner)()
    capabilities = capabilities_of(runner)
    return runner.at(request.target) if "targeted" in capabilities else runner, capabilities


def checked_session(
    state: State, runner: Runner, request: SessionRequest
) -> tuple[OpenSession, dict[str, Any]]:
    """Open a session, to be torn down with `state`; return it and its figures so far.

    Raises WrongOutput where its output isn't the reference's.
    """
    reference = read_reference(request.reference)
    state.stack.enter_context(subnormals.flushed())
    started = time.perf_counter_ns()
    session = state.stack.enter_context(runner.open(request.cell, request.artifact))
    load_ns = time.perf_counter_ns() - started
    started = time.perf_counter_ns()
    outputs = session.infer(reference.inputs)
    first_ns = time.perf_counter_ns() - started
    error = check_outputs(outputs, reference.outputs, request.tolerance)
    return state.hold(session, request, capabilities_of(runner)), {
        "load_ns": load_ns,
        "first_inference_ns": first_ns,
        "relative_l2": error,
    }


def measure(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Measure the session of a SessionRequest from end to end."""
    request = SessionRequest.from_json(arguments)
    runner, capabilities = runner_of(request)
    if "device" in capabilities:
        return measure_on_device(runner, request)
    current, figures = checked_session(state, runner, request)
    sampled = sample_session(current)
    more = gauged_figures(current.gauge, len(sampled["samples_ns"]))
    if current.layered is not None:
        more["layers"] = list(current.layered.layers())
    return {
        **figures,
        "load_ns": figures["load_ns"] - (more.get("build_ns") or 0),
        **sampled,
        **more,
        "facts": facts_of(current) | sampled["facts"],
    }


def measure_on_device(runner: DeviceRunner, request: SessionRequest) -> dict[str, Any]:
    """Have the device run the session; its figures count only with the right output."""
    reference = read_reference(request.reference)
    x = one_image(reference.inputs, "a device program")
    ran = runner.run(request.target, request.cell, request.artifact, x, request.rule)
    outputs = None if ran.output is None else {"output": ran.output}
    return {
        "load_ns": ran.load_ns,
        "first_inference_ns": ran.first_inference_ns,
        "relative_l2": outputs and check_outputs(outputs, reference.outputs, request.tolerance),
        "warmup_ns": list(ran.warmup_ns),
        "steady": ran.steady,
        "samples_ns": list(ran.samples_ns),
        "figures_ns": {name: list(ns) for name, ns in ran.figures_ns.items()},
        "reported_ns": None if ran.reported_ns is None else dict(ran.reported_ns),
        "covariates": dict(ran.covariates),
        "facts": dict(ran.facts),
    }


def sample_session(current: OpenSession) -> dict[str, Any]:
    """Warm the session up and sample it, with the garbage collector out of the way."""
    gc.collect()
    gc.disable()
    session, process, gauge = current.session, current.process, current.gauge
    rule = current.request.rule
    warm = warm_up(session.sample, rule, time.perf_counter_ns)
    threads = read_threads(process.tasks)
    if gauge:
        gauge.begin()
    before, started = process.usage(), time.perf_counter()
    energy = {} if gauge else read_energy()
    bursts = Bursts(session.sample, process.watch)
    calls = calls_per_burst(warm.samples_ns, rule)
    samples = take_samples(bursts.sample, rule, time.perf_counter_ns, calls=calls)
    after = process.usage()
    energy_j = used_j(energy, read_energy(), time.perf_counter() - started)
    telemetry = gauge.end(len(samples)) if gauge else {}
    effective = worked(threads, read_threads(process.tasks))
    gc.enable()
    return {
        "warmup_ns": warm.samples_ns,
        "steady": warm.steady,
        "samples_ns": samples,
        "bursts": bursts.figures(),
        "facts": effective,
        "covariates": {
            **spent(before, after),
            "peak_rss_mib": after.peak_rss_mib,
            **({} if energy_j is None else {"package_energy_j": energy_j}),
            **telemetry,
        },
    }


def gauged_figures(gauge: GaugedSession | None, count: int) -> dict[str, Any]:
    """Return the figures beside the samples, none without a gauge."""
    if gauge is None:
        return {}
    return {"figures_ns": dict(gauge.figures(count)), "build_ns": gauge.build_ns}


# ru_maxrss is in KiB on Linux and in bytes on macOS (getrusage(2) of each).
_RSS_PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10
_STATUS = Path("/proc/self/status")


def peak_rss_mib() -> float:
    """Return the most memory that this program has held, in MiB.

    Not ru_maxrss where /proc is: on Linux that survives exec, and a child of a parent of 200 MiB
    that holds 14 says 213.
    """
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _RSS_PER_MIB, 1)


@dataclass(frozen=True, slots=True)
class Process:
    """The process that does a session's work: where its threads are read, and what it has used."""

    tasks: Path
    usage: Callable[[], Usage]
    counters: Counters
    clock: int = OWN_CLOCK

    @property
    def watch(self) -> Watch:
        """Return what is read around each of its bursts; the canary runs in this process."""
        return Watch(self.cpu_time, self.counters.read, canary_ns)

    def cpu_time(self) -> CpuTime | None:
        """Return what its threads have run and waited so far, None where that isn't known."""
        return read_cpu_time(self.tasks, self.clock)


def process_of(session: Session, capabilities: frozenset[Capability]) -> Process:
    """Return the process that does the work of `session`: this one, or one that it names."""
    if "remote" not in capabilities:
        return Process(TASKS, own_usage, Counters(TASKS, own=True))
    remote = cast("RemoteSession", session)
    tasks = Path("/proc") / str(remote.pid) / "task"
    return Process(tasks, remote.usage, Counters(tasks, own=False), cpu_clock(remote.pid))


def own_usage() -> Usage:
    """Return what this process has used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(
        involuntary_switches=used.ru_nivcsw,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_rss_mib=peak_rss_mib(),
    )


def spent(before: Usage, after: Usage) -> dict[str, float]:
    """Return the covariates of the work between two readings."""
    return {
        "involuntary_switches": after.involuntary_switches - before.involuntary_switches,
        "cpu_s": round(after.cpu_s - before.cpu_s, 6),
    }


def facts_of(current: OpenSession) -> dict[str, str]:
    """Return the facts of the worker, and above them the session's own."""
    works_here = current.gauge is None and current.process.tasks == TASKS
    return process_facts(works_here=works_here) | dict(current.session.facts)


def process_facts(*, works_here: bool) -> dict[str, str]:
    """Return the facts of this process: its interpreter, the cores it may run on and, where the
    engine's arithmetic is its own, what becomes of subnormal numbers.
    """
    facts = {"python": platform.python_version()}
    if works_here:
        facts["subnormals"] = subnormals.effective()
    if hasattr(os, "sched_getaffinity"):
        facts["affinity"] = ",".join(str(core) for core in sorted(os.sched_getaffinity(0)))
    return facts
