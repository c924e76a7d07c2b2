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
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.errors import BenchError
from bench.core.protocol import SessionRequest
from bench.runners.base import (
    Array,
    DeviceRunner,
    GaugedSession,
    RemoteSession,
    Runner,
    Session,
    TargetedRunner,
    Usage,
)
from bench.worker import subnormals
from bench.worker.cpu_time import (
    OWN_CLOCK,
    Bursts,
    CpuTime,
    calls_per_burst,
    cpu_clock,
    read_cpu_time,
)
from bench.worker.sampling import check_output, take_samples, warm_up
from bench.worker.serve import load
from bench.worker.threads import TASKS, Thread, read_threads, worked


@dataclass(frozen=True, slots=True)
class OpenSession:
    """An open session with its request, and the process that does its work."""

    session: Session
    request: SessionRequest
    process: Process


class State:
    """What a worker holds open from one operation to the next, torn down with `stack`."""

    def __init__(self, stack: ExitStack, current: OpenSession | None = None) -> None:
        self.stack = stack
        self.before: tuple[Mapping[str, Thread], Usage]
        self._current = current

    @property
    def current(self) -> OpenSession:
        """The open session; raises BenchError where there is none."""
        if self._current is None:
            raise BenchError("no session is open", hint="open comes first: bench/core/protocol.py")
        return self._current

    def hold(self, session: Session, request: SessionRequest) -> None:
        self._current = OpenSession(session, request, process_of(session))

    def read_usage(self) -> None:
        """Read threads and usage: what `finish` tells is spent from here on."""
        process = self.current.process
        self.before = read_threads(process.tasks), process.usage()


def runner_of(request: SessionRequest) -> Runner | DeviceRunner:
    """Return the runner that `request` names, at its target."""
    runner: Runner | DeviceRunner = load(request.runner)()
    return runner.at(request.target) if isinstance(runner, TargetedRunner) else runner


def checked_session(
    state: State, runner: Runner, request: SessionRequest
) -> tuple[Session, dict[str, Any]]:
    """Open a session, to be torn down with `state`; return it and its figures so far.

    Raises WrongOutput where its output isn't the reference's.
    """
    x, logits = load_reference(request.reference)
    state.stack.enter_context(subnormals.flushed())
    started = time.perf_counter_ns()
    session = state.stack.enter_context(runner.open(request.cell, request.artifact))
    load_ns = time.perf_counter_ns() - started
    started = time.perf_counter_ns()
    output = session.infer(x)
    first_ns = time.perf_counter_ns() - started
    error = check_output(output, logits, request.tolerance)
    state.hold(session, request)
    return session, {
        "load_ns": load_ns,
        "first_inference_ns": first_ns,
        "relative_l2": error,
    }


def measure(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Measure the session of a SessionRequest from end to end."""
    request = SessionRequest.from_json(arguments)
    runner = runner_of(request)
    if isinstance(runner, DeviceRunner):
        return measure_on_device(runner, request)
    session, figures = checked_session(state, runner, request)
    sampled = sample_session(session, request)
    more = gauged_figures(session, len(sampled["samples_ns"]))
    return {
        **figures,
        "load_ns": figures["load_ns"] - (more.get("build_ns") or 0),
        **sampled,
        **more,
        "facts": process_facts(session) | dict(session.facts) | sampled["facts"],
    }


def measure_on_device(runner: DeviceRunner, request: SessionRequest) -> dict[str, Any]:
    """Have the device run the session; its figures count only with the right output."""
    x, logits = load_reference(request.reference)
    ran = runner.run(request.target, request.cell, request.artifact, x, request.rule)
    checked = ran.output is not None
    return {
        "load_ns": ran.load_ns,
        "first_inference_ns": ran.first_inference_ns,
        "relative_l2": check_output(ran.output, logits, request.tolerance) if checked else None,
        "warmup_ns": list(ran.warmup_ns),
        "steady": ran.steady,
        "samples_ns": list(ran.samples_ns),
        "figures_ns": {name: list(ns) for name, ns in ran.figures_ns.items()},
        "reported_ns": None if ran.reported_ns is None else dict(ran.reported_ns),
        "covariates": dict(ran.covariates),
        "facts": dict(ran.facts),
    }


def sample_session(session: Session, request: SessionRequest) -> dict[str, Any]:
    """Warm `session` up and sample it, with the garbage collector out of the way."""
    gc.collect()
    gc.disable()
    process = process_of(session)
    warm = warm_up(session.sample, request.rule, time.perf_counter_ns)
    threads = read_threads(process.tasks)
    gauged = session if isinstance(session, GaugedSession) else None
    if gauged:
        gauged.begin()
    before = process.usage()
    bursts = Bursts(session.sample, process.cpu_time)
    calls = calls_per_burst(warm.samples_ns, request.rule)
    samples = take_samples(bursts.sample, request.rule, time.perf_counter_ns, calls=calls)
    after = process.usage()
    read = gauged.end(len(samples)) if gauged else {}
    in_force = worked(threads, read_threads(process.tasks))
    gc.enable()
    return {
        "warmup_ns": warm.samples_ns,
        "steady": warm.steady,
        "samples_ns": samples,
        "bursts": bursts.figures(),
        "facts": in_force,
        "covariates": {
            **spent(before, after),
            "peak_rss_mib": after.peak_rss_mib,
            **read,
        },
    }


def gauged_figures(session: Session, count: int) -> dict[str, Any]:
    """Return what a session tells beside its samples, nothing where it has no more to tell."""
    if not isinstance(session, GaugedSession):
        return {}
    return {"figures_ns": dict(session.figures(count)), "build_ns": session.build_ns}


# ru_maxrss is in KiB on Linux and in bytes on macOS (getrusage(2) of each).
_RSS_PER_MIB = 1 << 20 if sys.platform == "darwin" else 1 << 10
_STATUS = Path("/proc/self/status")


def peak_rss_mib() -> float:
    """Return the most memory that this program has held, in MiB.

    Not ru_maxrss where /proc tells: on Linux that survives exec, and a child of a parent of 200 MiB
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
    clock: int = OWN_CLOCK

    def cpu_time(self) -> CpuTime | None:
        """Return what its threads have run and waited so far, None where that isn't known."""
        return read_cpu_time(self.tasks, self.clock)


def process_of(session: Session) -> Process:
    """Return the process that does the work of `session`: this one, or one that it names.

    Ask before anything is timed: telling the two apart may have the engine asked for its facts.
    """
    if isinstance(session, RemoteSession):
        tasks = Path("/proc") / str(session.pid) / "task"
        return Process(tasks, session.usage, cpu_clock(session.pid))
    return Process(TASKS, own_usage)


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


def load_reference(path: Path) -> tuple[Array, Array]:
    """Return the seeded input and the reference logits, float32."""
    import numpy as np

    with np.load(path) as arrays:
        return arrays["input"], arrays["logits"]


def process_facts(session: Session) -> dict[str, str]:
    """Return what any worker can say of itself: interpreter, the cores it may run on, and what
    becomes of subnormal numbers where it does the work of `session` itself.
    """
    facts = {"python": platform.python_version()}
    if not isinstance(session, RemoteSession | GaugedSession):
        facts["subnormals"] = subnormals.effective()
    if hasattr(os, "sched_getaffinity"):
        facts["affinity"] = ",".join(str(core) for core in sorted(os.sched_getaffinity(0)))
    return facts
