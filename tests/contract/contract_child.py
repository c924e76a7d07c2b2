"""The child of test_runners.py: takes one runner through its contract and tells what it saw."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.tensors import only, read_reference
from bench.runners.base import Array, Runner, capabilities_of
from bench.worker.process import process_of
from bench.worker.serve import Reply, load, serve

# A thread with less than this share of the busiest one's time takes no part in the work. A thread
# pool's own bookkeeping has been seen at 2-5%, Paddle's thread that frees tensors at 21% and more.
_BUSY = 0.1


def examine(request: Mapping[str, Any], reply: Reply) -> None:
    runner, cell = load(request["runner"])(), Cell.from_json(request["cell"])
    artifact = Path(request["artifact"])
    reference = read_reference(Path(request["reference"]))
    feeds, logits = reference.inputs, only(reference.outputs)
    others = {name: x + 1 for name, x in feeds.items()}
    with runner.open(cell, artifact) as session:
        first = np.array(only(session.infer(feeds)))
        tasks = process_of(session, capabilities_of(runner)).tasks
        before = thread_times(tasks)
        samples = session.sample(request["count"])
        busy = busy_threads(before, thread_times(tasks))
        again = np.array(only(session.infer(feeds)))
        other = np.array(only(session.infer(others)))
        reply(
            {
                "facts": dict(session.facts),
                "shape": list(first.shape),
                "dtype": str(first.dtype),
                "error": distance(first, logits),
                "again_equal": bool(np.array_equal(first, again)),
                "other_away": distance(other, first),
                "samples": samples,
                "busy_threads": busy,
                "refuses_precision": refuses(runner, replace(cell, precision="int3"), artifact),
            }
        )


def distance(got: Array, wanted: Array) -> float:
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


def refuses(runner: Runner, cell: Cell, artifact: Path) -> bool:
    try:
        with runner.open(cell, artifact):
            return False
    except Unavailable as error:
        return bool(error.problem and error.hint)


def thread_times(tasks: Path) -> dict[str, int]:
    """Return the CPU time of each thread in `tasks`, in ns; nothing where /proc has none."""
    times = {}
    for task in tasks.glob("*"):
        with suppress(OSError):
            times[task.name] = int((task / "schedstat").read_text().split()[0])
    return times


def busy_threads(before: Mapping[str, int], after: Mapping[str, int]) -> int:
    """Return how many threads shared the work in between; 0: there is no telling."""
    spent = [time - before.get(thread, 0) for thread, time in after.items()]
    return sum(time > _BUSY * max(spent) for time in spent)


if __name__ == "__main__":
    serve(examine, sys.argv[1:])
