"""`python -m bench.worker.inference DIR`: one engine, open, that infers what it is given.

Opens a session as `bench.worker.session` does, checks its output against the reference, then obeys
the parent's commands (`bench.core.inference_protocol`). Each inference gets the batch that the
artifact was made for: the last one is filled up with its own last image, and those rows are
dropped.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.errors import BenchError, Unavailable
from bench.core.inference_protocol import InferenceRequest
from bench.runners.base import DeviceRunner, Runner, Session, TargetedRunner
from bench.worker.sampling import check_output
from bench.worker.serve import Reply, load, serve
from bench.worker.session import load_reference, process_facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Send = Callable[[Mapping[str, Any]], None]


def be_an_engine(values: Mapping[str, Any], _: Reply) -> None:
    """Open the session that `values` (an InferenceRequest) asks for and obey until the end."""
    request = InferenceRequest.from_json(values)
    os.set_inheritable(request.replies_fd, False)  # noqa: FBT003 - it takes no keyword
    x, logits = load_reference(request.reference)
    runner = _runner(request)
    started = time.perf_counter_ns()
    with runner.open(request.cell, request.artifact) as session:
        load_ns = time.perf_counter_ns() - started
        error = check_output(session.infer(x), logits, request.tolerance)
        facts = process_facts() | dict(session.facts)
        with os.fdopen(request.replies_fd, "w", encoding="utf-8") as replies:

            def send(reply: Mapping[str, Any]) -> None:
                replies.write(json.dumps(reply) + "\n")
                replies.flush()

            send({"ready": {"load_ns": load_ns, "relative_l2": error, "facts": facts}})
            obey(session, request.cell.batch, sys.stdin, send)


def _runner(request: InferenceRequest) -> Runner:
    runner: Runner | DeviceRunner = load(request.runner)()
    if isinstance(runner, DeviceRunner):
        raise Unavailable(
            "this runner's sessions run on a device from end to end and take no images",
            hint="choose a runner of this machine's CPU or GPU",
        )
    return runner.at(request.target) if isinstance(runner, TargetedRunner) else runner


def obey(session: Session, batch: int, commands: Iterable[str], send: Send) -> None:
    """Answer each of `commands` until their end; raises BenchError for what is none."""
    for line in commands:
        command = json.loads(line)
        if "images" in command:
            send({"written": infer_file(session, batch, command["images"], command["logits"])})
        elif "time" in command:
            send({"ns": session.sample(command["time"])})
        else:
            raise BenchError(
                f"an inferring child has no command {line.strip()}",
                hint="see bench/core/inference_protocol.py",
            )


def infer_file(session: Session, batch: int, images: str, logits: str) -> int:
    """Write the logits of an .npy file of images into another one; return how many rows."""
    import numpy as np

    x = np.load(Path(images), mmap_mode="r")
    parts = [
        _rows(session, batch, np.ascontiguousarray(x[at : at + batch]))
        for at in range(0, len(x), batch)
    ]
    whole = np.concatenate(parts)
    np.save(Path(logits), whole)
    return len(whole)


def _rows(session: Session, batch: int, x: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    missing = batch - len(x)
    full = np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) if missing else x
    # A copy: an engine may hand out a view of the buffer that the next batch goes into.
    return np.array(session.infer(full), dtype=np.float32)[: len(x)]


if __name__ == "__main__":
    serve(be_an_engine, sys.argv[1:])
