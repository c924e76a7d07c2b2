"""A session in which a device alternates two models.

The program on the device measures; this process starts it, reads it, and checks the output of both
arms before any time counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.core.errors import BenchError, Unavailable
from bench.core.program import command
from bench.core.protocol import PairRequest
from bench.core.tensors import Tensors, read_reference
from bench.runners.base import (
    ArmFailure,
    Array,
    DeviceArm,
    DevicePair,
    PairingRunner,
    Turns,
    capabilities_of,
)
from bench.runners.feeds import one_image
from bench.worker.outputs import WrongOutput, check_outputs
from bench.worker.serve import describe, load
from bench.worker.session import State


def measure_pair(_: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Measure the session of a PairRequest; an arm that is the cause of a failure is named."""
    request = PairRequest.from_json(arguments)
    names = list(request.arms)
    try:
        return _measure(request, names)
    except ArmFailure as failure:
        return {"failed": {"arm": names[failure.index], **describe(failure.error)}}


def _measure(request: PairRequest, names: list[str]) -> dict[str, Any]:
    references = [read_reference(arm.reference) for arm in request.arms.values()]
    ran = _run(request, [one_image(it.inputs, "a device program") for it in references])
    arms = {
        name: _figures(index, ran.arms[index], reference.outputs, request.arms[name].tolerance)
        | {"covariates": dict(ran.covariates)}
        for index, (name, reference) in enumerate(zip(names, references, strict=True))
    }
    bursts = [{"arm": names[index], "ns": list(ns)} for index, ns in ran.bursts]
    return {"arms": arms, "bursts": bursts}


def _run(request: PairRequest, inputs: list[Array]) -> DevicePair:
    import numpy as np

    first, second = request.arms.values()
    runner = load(first.runner)()
    if "pair" not in capabilities_of(runner):
        raise Unavailable(
            "this runner's device program runs one model at a time",
            hint=f"compare stored runs of it instead: {command('compare')}",
        )
    if not np.array_equal(inputs[0], inputs[1]):
        raise BenchError(
            f"{' and '.join(request.arms)} were exported with different inputs",
            hint="compare nets that take the same input",
        )
    pairing: PairingRunner = runner
    return pairing.run_pair(
        first.target,
        (first.cell, second.cell),
        (first.artifact, second.artifact),
        inputs[0],
        first.rule,
        Turns(
            order=request.order,
            burst_s=request.burst_s,
            least_calls=request.least_calls,
            most_calls=request.most_calls,
        ),
    )


def _figures(index: int, ran: DeviceArm, outputs: Tensors, tolerance: float) -> dict[str, Any]:
    """Return the arm's figures; raises ArmFailure for a wrong output."""
    try:
        error = check_outputs({"output": ran.output}, outputs, tolerance)
    except WrongOutput as wrong:
        raise ArmFailure(index, wrong) from wrong
    return {
        "load_ns": ran.load_ns,
        "first_inference_ns": ran.first_inference_ns,
        "relative_l2": error,
        "steady": ran.steady,
        "warmup_ns": list(ran.warmup_ns),
        "facts": dict(ran.facts),
    }
