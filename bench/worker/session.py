"""`python -m bench.worker.session DIR`: measure one session in an engine's own interpreter.

Imports the standard library, numpy and, inside the runner, one engine. The order of the figures:
load (the runner's `open`), first inference (its output checked against the reference), warm-up,
samples. The reply is written while the engine is still open: a crash on the way down loses nothing.
"""

from __future__ import annotations

import gc
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.core.protocol import MeasureRequest
from bench.runners.base import (
    Array,
    DeviceRunner,
    GaugedSession,
    RemoteSession,
    Session,
    TargetedRunner,
    Usage,
)
from bench.worker.sampling import check_output, take_samples, warm_up
from bench.worker.serve import Reply, load, serve
from bench.worker.threads import TASKS, read_threads, worked


def measure(values: Mapping[str, Any], reply: Reply) -> None:
    """Measure the session that `values` (a MeasureRequest) asks for and reply with its figures."""
    request = MeasureRequest.from_json(values)
    x, logits = load_reference(request.reference)
    runner = load(request.runner)()
    if isinstance(runner, DeviceRunner):
        reply(measure_on_device(runner, request, x, logits))
        return
    if isinstance(runner, TargetedRunner):
        runner = runner.at(request.target)
    started = time.perf_counter_ns()
    with runner.open(request.cell, request.artifact) as session:
        load_ns = time.perf_counter_ns() - started
        started = time.perf_counter_ns()
        output = session.infer(x)
        first_ns = time.perf_counter_ns() - started
        error = check_output(output, logits, request.tolerance)
        figures = sample_session(session, request)
        more = gauged_figures(session, len(figures["samples_ns"]))
        reply(
            {
                "load_ns": load_ns - (more.get("build_ns") or 0),
                "first_inference_ns": first_ns,
                "relative_l2": error,
                **figures,
                **more,
                "facts": process_facts() | dict(session.facts) | figures["facts"],
            }
        )


def measure_on_device(
    runner: DeviceRunner, request: MeasureRequest, x: Array, logits: Array
) -> dict[str, Any]:
    """Have the device run the session; its figures count only with the right output."""
    ran = runner.run(request.target, request.cell, request.artifact, x, request.sampling)
    checked = ran.output is not None
    return {
        "load_ns": ran.load_ns,
        "first_inference_ns": ran.first_inference_ns,
        "relative_l2": check_output(ran.output, logits, request.tolerance) if checked else None,
        "warmup_ns": list(ran.warmup_ns),
        "steady": ran.steady,
        "samples_ns": list(ran.samples_ns),
        "reported_ns": None if ran.reported_ns is None else dict(ran.reported_ns),
        "covariates": dict(ran.covariates),
        "facts": dict(ran.facts),
    }


def sample_session(session: Session, request: MeasureRequest) -> dict[str, Any]:
    """Warm `session` up and sample it, with the garbage collector out of the way."""
    gc.collect()
    gc.disable()
    process = process_of(session)
    warm = warm_up(session.sample, request.sampling, time.perf_counter_ns)
    threads = read_threads(process.tasks)
    gauged = session if isinstance(session, GaugedSession) else None
    if gauged:
        gauged.begin()
    before = process.usage()
    samples = take_samples(session.sample, request.sampling, time.perf_counter_ns)
    after = process.usage()
    read = gauged.end(len(samples)) if gauged else {}
    in_force = worked(threads, read_threads(process.tasks))
    gc.enable()
    return {
        "warmup_ns": warm.samples_ns,
        "steady": warm.steady,
        "samples_ns": samples,
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


def process_of(session: Session) -> Process:
    """Return the process that does the work of `session`: this one, or one that it names.

    Ask before anything is timed: telling the two apart may have the engine asked for its facts.
    """
    if isinstance(session, RemoteSession):
        return Process(Path("/proc") / str(session.pid) / "task", session.usage)
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


def process_facts() -> dict[str, str]:
    """Return what any worker can say of itself: interpreter and the cores it may run on."""
    facts = {"python": platform.python_version()}
    if hasattr(os, "sched_getaffinity"):
        facts["affinity"] = ",".join(str(core) for core in sorted(os.sched_getaffinity(0)))
    return facts


if __name__ == "__main__":
    serve(measure, sys.argv[1:])
