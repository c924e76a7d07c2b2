"""One side of benchmark_app_parity.py, in the engines' interpreter: either tool, for a few seconds.

Started by `bench.launcher.process`; its request says which `side`: `benchmark_app` or `harness`.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.core.cell import Cell
from bench.core.tensors import only, read_reference
from bench.runners.openvino import OpenVinoRunner
from bench.worker.serve import Reply, serve

_NS_PER_MS = 1_000_000
_CHUNK = 20


def measure(request: Mapping[str, Any], reply: Reply) -> None:
    """Reply with the durations in ns that the side gave, by what they are of."""
    reply({"benchmark_app": benchmark_app, "harness": harness}[request["side"]](request))


def benchmark_app(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run OpenVINO's own tool as its command line does; keep the latencies that it works with.

    It prints its median to two decimals of a ms, which would be 0.6% of the smallest net's.
    """
    import numpy as np
    from openvino.tools.benchmark.benchmark import Benchmark
    from openvino.tools.benchmark.main import main

    x = only(read_reference(Path(request["reference"])).inputs)
    given = Path(request["scratch"]) / "input.npy"
    np.save(given, x)
    kept: list[float] = []
    inner = Benchmark.sync_inference

    def keeping(self: Any, *arguments: Any) -> Any:
        told = inner(self, *arguments)
        kept.extend(told[0])
        return told

    Benchmark.sync_inference = keeping
    sys.argv = ["benchmark_app", *request["flags"], "-m", request["model"], "-i", str(given)]
    main()
    return {"request_ns": [round(one * _NS_PER_MS) for one in kept]}


def harness(request: Mapping[str, Any]) -> dict[str, Any]:
    """Run the harness's own runner: the request alone, as the tool does, then its whole sample."""
    feeds = read_reference(Path(request["reference"])).inputs
    seconds = request["seconds"]
    gc.disable()
    with OpenVinoRunner().open(Cell.from_json(request["cell"]), Path(request["model"])) as session:
        session.infer(feeds)
        return {
            "request_ns": sampled(session.sample_request, seconds),
            "end_to_end_ns": sampled(session.sample, seconds),
            "facts": dict(session.facts),
        }


def sampled(sample: Callable[[int], list[Any]], seconds: float) -> list[int]:
    """Return the durations that `sample` gives until `seconds` have passed."""
    until, found = time.monotonic() + seconds, list[int]()
    while time.monotonic() < until:
        found += sample(_CHUNK)
    return found


if __name__ == "__main__":
    serve(measure, sys.argv[1:])
