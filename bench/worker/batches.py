"""The operations of `bench serve`: sessions of one net for several batches, and their inferences.

Tensors lie in memory that the parent shares, at the places of `bench.core.slots`: what is answered
has none of them.
"""

from __future__ import annotations

import gc
import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.core.errors import Unavailable
from bench.core.protocol import SessionRequest
from bench.core.slots import slots_of
from bench.core.tensors import Tensors, read_reference
from bench.runners.base import Session
from bench.worker.commands import open_one
from bench.worker.outputs import WrongOutput, check_outputs, matched
from bench.worker.session import State, facts_of

_TIMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A session of one batch, and where its tensors lie; `names` are the engine's of its outputs,
    by the reference's.
    """

    session: Session
    size: int
    inputs: Tensors
    outputs: Tensors
    names: Mapping[str, str]

    def put(self, inputs: Tensors) -> None:
        """Put the inputs into their places, over what was there: all batches have the same."""
        for name, array in inputs.items():
            self.inputs[name][...] = array

    def infer(self) -> None:
        """Infer what lies in the inputs' places, and put the outputs into theirs."""
        outputs = self.session.infer(self.inputs)
        for name, own in self.names.items():
            place = self.outputs[name]
            place[...] = outputs[own].reshape(place.shape)


def open_batches(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Open the `sessions`, SessionRequests of one net with a batch each, the least of them first.

    `memory_fd` is the memory, of `memory_bytes`. Raises WrongOutput where one of them gives another
    output than its reference, Unavailable where rows of a batch aren't independent of each other.
    """
    memory = mmap.mmap(arguments["memory_fd"], arguments["memory_bytes"])
    os.close(arguments["memory_fd"])
    requests = [SessionRequest.from_json(it) for it in arguments["sessions"]]
    opened = [_open(state, request, memory) for request in requests]
    state.batches = [batch for batch, _ in opened]
    for batch, request in zip(state.batches[1:], requests[1:], strict=True):
        _check_rows(state.batches[0], batch, request)
    gc.collect()
    gc.freeze()
    return {"sessions": [figures for _, figures in opened], "facts": facts_of(state.current)}


def infer_batch(state: State, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Have the session `index` infer what lies in the memory, and put its outputs there."""
    state.batches[arguments["index"]].infer()
    return {}


def _open(state: State, request: SessionRequest, memory: mmap.mmap) -> tuple[Batch, dict[str, Any]]:
    current, figures = open_one(state, request)
    reference = read_reference(request.reference)
    slots = slots_of(reference)
    batch = Batch(
        session=current.session,
        size=request.cell.batch,
        inputs={slot.name: slot.array(memory) for slot in slots.inputs},
        outputs={slot.name: slot.array(memory) for slot in slots.outputs},
        names=matched(
            current.session.infer(reference.inputs), reference.outputs, request.tolerance
        ),
    )
    batch.put(reference.inputs)
    batch.infer()
    # The fastest: what others do to this machine meanwhile is no part of what a batch costs.
    return batch, {**figures, "inference_ns": min(current.session.sample(_TIMED))}


def _check_rows(single: Batch, batch: Batch, request: SessionRequest) -> None:
    """Raise Unavailable where the rows of the request's batch aren't what they are one by one."""
    import numpy as np

    inputs = read_reference(request.reference).inputs
    batch.put(inputs)
    batch.infer()
    together = {name: array.copy() for name, array in batch.outputs.items()}
    rows = []
    for row in range(batch.size):
        single.put({name: array[row : row + 1] for name, array in inputs.items()})
        single.infer()
        rows.append({name: array.copy() for name, array in single.outputs.items()})
    alone = {name: np.concatenate([row[name] for row in rows]) for name in together}
    try:
        check_outputs(
            together, alone, 2 * request.tolerance
        )  # each of the two may be that far away
    except WrongOutput as wrong:
        raise Unavailable(
            f"a row of a batch of {batch.size} isn't what it is alone: {wrong.problem}",
            hint="serve this net without --max-batch: its answers would hang on other requests",
        ) from wrong
