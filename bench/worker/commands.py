"""The operations of a session that stays open: `bench ab` and `bench accuracy` talk to it.

The parent never lets two workers work at once: between two operations this process waits for a
line.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.core.errors import Unavailable
from bench.core.program import command
from bench.core.protocol import SessionRequest
from bench.core.tensors import read_reference
from bench.runners.base import Session
from bench.worker.outputs import matched
from bench.worker.process import Process, spent
from bench.worker.sampling import warm_up
from bench.worker.session import (
    OpenSession,
    State,
    checked_session,
    facts_of,
    runner_of,
)
from bench.worker.threads import TASKS, pin, read_threads, wait_until_quiet, worked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def open_session(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Open the session of a SessionRequest, check its output, bind it to its cores.

    Raises Unavailable where the runner's sessions can't stay open.
    """
    current, figures = open_one(state, SessionRequest.from_json(arguments))
    state.read_usage()
    return {**figures, "facts": facts_of(current)}


def open_one(state: State, request: SessionRequest) -> tuple[OpenSession, dict[str, Any]]:
    """Open a session that stays open, and return it and its figures; raises as `open_session`."""
    runner, capabilities = runner_of(request)
    if "device" in capabilities:
        raise Unavailable(
            "this runner's sessions run on a device from end to end: they don't stay open, "
            "and take no images",
            hint="choose a runner of this machine's CPU or GPU, or compare stored runs: "
            + command("compare"),
        )
    current, figures = checked_session(state, runner, request)
    if request.cores is not None:
        bind(current.process, request.cores)
    return current, figures


def bind(process: Process, cores: Sequence[int]) -> None:
    """Bind this process and the one that does the session's work to `cores`."""
    for tasks in {TASKS, process.tasks}:
        pin(cores, tasks)


def warm(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Warm the open session up, with the garbage collector out of the way from here on."""
    current = state.current
    gc.collect()
    gc.disable()
    done = warm_up(current.session.sample, current.request.rule, time.perf_counter_ns)
    rest(state, arguments)
    state.read_usage()
    return {"warmup_ns": done.samples_ns, "steady": done.steady}


def sample(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Take a burst of `count` samples, and return them once the engine's threads are at rest."""
    current = state.current
    samples, figures = current.process.watch.burst(current.session.sample, arguments["count"])
    rest(state, arguments)
    return {"samples_ns": samples, **figures}


def finish(state: State, _: Mapping[str, Any]) -> dict[str, Any]:
    """Return which threads worked since the warm-up, and what that work used."""
    current, (threads, usage) = state.current, state.before
    facts = worked(threads, read_threads(current.process.tasks))
    after = current.process.usage()
    return {
        "facts": facts,
        "covariates": {**spent(usage, after), "peak_rss_mib": after.peak_rss_mib},
    }


def rest(state: State, arguments: Mapping[str, Any]) -> None:
    """Wait until the engine's threads are quiet; a single one is when its call returns.

    A worker that the parent pauses needn't wait, unless another process has the threads.
    """
    paused = arguments.get("paused") and state.current.process.tasks == TASKS
    if state.current.request.cell.threads > 1 and not paused:
        wait_until_quiet(partial(read_threads, state.current.process.tasks), time.sleep)


def infer(state: State, arguments: Mapping[str, Any]) -> dict[str, int]:
    """Write the output `output`, by the reference's name, for the .npy file `images` into the .npy
    file `logits`; without a name the engine's first.

    Both are float32; images are the net's only input, (rows, channels, height, width). Each
    inference gets the batch that the artifact was made for: the last one is filled up with its own
    last image, and those rows are dropped.
    """
    import numpy as np

    session, batch = state.current.session, state.current.request.cell.batch
    x = np.load(Path(arguments["images"]), mmap_mode="r")
    output = _engine_name(state, arguments.get("output"))
    parts = [
        _rows(session, batch, output, np.ascontiguousarray(x[at : at + batch]))
        for at in range(0, len(x), batch)
    ]
    whole = np.concatenate(parts)
    np.save(Path(arguments["logits"]), whole)
    return {"rows": len(whole)}


def _engine_name(state: State, name: str | None) -> str | None:
    """Return what the engine calls the reference's output `name`, None: its first one."""
    session, request = state.current.session, state.current.request
    if name is None:
        return None
    reference = read_reference(request.reference)
    if len(reference.outputs) == 1:
        return None
    return matched(session.infer(reference.inputs), reference.outputs, request.tolerance)[name]


def _rows(
    session: Session, batch: int, output: str | None, x: NDArray[np.float32]
) -> NDArray[np.float32]:
    import numpy as np

    missing = batch - len(x)
    full = np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) if missing else x
    # A copy: an engine may hand out a view of the buffer that the next batch goes into.
    outputs = session.infer({"images": full})
    rows = np.array(outputs[output or next(iter(outputs))], dtype=np.float32)
    return rows.reshape(batch, -1)[: len(x)]
