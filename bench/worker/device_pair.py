"""`python -m bench.worker.device_pair DIR`: a session in which a device alternates two models.

See `bench.core.pair_protocol`. The program on the device measures; this process starts it, reads
it, and checks the output of both arms before any time counts.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from bench.core.errors import BenchError, Unavailable
from bench.core.pair_protocol import PairArm, PairRequest
from bench.runners.base import ArmFailure, Array, DeviceArm, DevicePair, PairingRunner, Turns
from bench.worker.sampling import WrongOutput, check_output
from bench.worker.serve import Reply, describe, load, serve
from bench.worker.session import load_reference


def measure_pair(values: Mapping[str, Any], reply: Reply) -> None:
    """Measure the session that `values` (a PairRequest) asks for and reply with its figures."""
    request = PairRequest.from_json(values)
    runner = load(request.runner)()
    if not isinstance(runner, PairingRunner):
        raise Unavailable(
            "this runner's device program runs one model at a time",
            hint="compare stored runs of it instead: `python -m bench compare`",
        )
    references = [load_reference(arm.reference) for arm in request.arms]
    try:
        ran = _run(runner, request, [x for x, _ in references])
        told = zip(request.arms, ran.arms, (logits for _, logits in references), strict=True)
        arms = {
            arm.name: _figures(index, arm, figures, logits)
            for index, (arm, figures, logits) in enumerate(told)
        }
    except ArmFailure as failure:
        reply({"failed": {"arm": request.arms[failure.index].name, **describe(failure.error)}})
        return
    for arm in arms.values():
        arm["covariates"] = dict(ran.covariates)
    names = [arm.name for arm in request.arms]
    reply(
        {
            "arms": arms,
            "bursts": [{"arm": names[index], "ns": list(ns)} for index, ns in ran.bursts],
        }
    )


def _run(runner: PairingRunner, request: PairRequest, inputs: list[Array]) -> DevicePair:
    import numpy as np

    first, second = request.arms
    given, other = inputs
    if not np.array_equal(given, other):
        raise BenchError(
            f"{first.name} and {second.name} were exported with different inputs",
            hint="compare nets that take the same input",
        )
    return runner.run_pair(
        request.target,
        (first.cell, second.cell),
        (first.artifact, second.artifact),
        given,
        request.sampling,
        Turns(
            order=request.order,
            burst_s=request.burst_s,
            least_calls=request.least_calls,
            most_calls=request.most_calls,
        ),
    )


def _figures(index: int, arm: PairArm, told: DeviceArm, logits: Array) -> dict[str, Any]:
    """Return the arm's figures; raises ArmFailure for a wrong output."""
    try:
        error = check_output(told.output, logits, arm.tolerance)
    except WrongOutput as wrong:
        raise ArmFailure(index, wrong) from wrong
    return {
        "load_ns": told.load_ns,
        "first_inference_ns": told.first_inference_ns,
        "relative_l2": error,
        "steady": told.steady,
        "warmup_ns": list(told.warmup_ns),
        "facts": dict(told.facts),
    }


if __name__ == "__main__":
    serve(measure_pair, sys.argv[1:])
