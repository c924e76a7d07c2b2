"""One session: load (the runner's `open`), first inference, output checked, warm-up, samples.

Imports the standard library, numpy and, inside the runner, one engine. What an operation opens
stays open until its answer is sent: a crash on the way down loses nothing.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
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
    Runner,
    Session,
    Usage,
    capabilities_of,
)
from bench.runners.feeds import one_image
from bench.worker import subnormals
from bench.worker.cpu_time import Bursts, calls_per_burst
from bench.worker.outputs import check_outputs
from bench.worker.process import Process, process_facts, process_of, spent
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


def facts_of(current: OpenSession) -> dict[str, str]:
    """Return the facts of the worker, and above them the session's own."""
    works_here = current.gauge is None and current.process.tasks == TASKS
    return process_facts(works_here=works_here) | dict(current.session.facts)
