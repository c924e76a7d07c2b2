"""The sessions of several batches in one worker, whose tensors lie in shared memory."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.core.cell import Cell
from bench.core.errors import Unavailable
from bench.core.protocol import SessionRequest
from bench.core.slots import slots_of
from bench.core.tensors import read_reference, write_reference
from bench.worker.batches import infer_batch, open_batches
from bench.worker.outputs import WrongOutput
from bench.worker.session import State
from tests.fakes.net import infer
from tests.fakes.serving import SHAPE, mixed

X = np.random.default_rng(1).standard_normal((4, *SHAPE), dtype=np.float32)


def session(folder: Path, runner: str, batch: int, name: str, y: Any) -> SessionRequest:
    reference = folder / f"{batch}.npz"
    write_reference(reference, {"x": X[:batch]}, {name: y})
    cell = Cell(variant="one", model_hash="0", runner="r", batch=batch, threads=1)
    path = f"tests.fakes.{runner}"
    return SessionRequest(
        runner=path, cell=cell, artifact=folder, reference=reference, tolerance=1e-5
    )


def opened(stack: ExitStack, requests: list[SessionRequest]) -> tuple[State, mmap.mmap]:
    """Open sessions as `bench serve` has them opened; return them and the memory."""
    length = max(slots_of(read_reference(it.reference)).size for it in requests)
    descriptor = os.memfd_create("test")
    os.ftruncate(descriptor, length)
    memory = mmap.mmap(descriptor, length)
    state = State(stack)
    answer = open_batches(
        state,
        {
            "sessions": [it.to_json() for it in requests],
            "memory_fd": descriptor,
            "memory_bytes": length,
        },
    )
    assert [it["inference_ns"] > 0 for it in answer["sessions"]] == [True] * len(requests)
    return state, memory


def of_batches(folder: Path, runner: str, name: str, net: Callable[[Any], Any]) -> Any:
    return [session(folder, runner, batch, name, net(X[:batch])) for batch in (1, 4)]


def test_each_batch_infers_what_lies_in_memory(tmp_path: Path) -> None:
    requests = of_batches(tmp_path, "runner:Ok", "logits", infer)
    with ExitStack() as stack:
        state, memory = opened(stack, requests)
        for index, (batch, request) in enumerate(zip((1, 4), requests, strict=True)):
            slots = slots_of(read_reference(request.reference))
            (into,), (out,) = slots.inputs, slots.outputs
            into.array(memory)[...] = X[-batch:] + 1
            assert infer_batch(state, {"index": index}) == {}
            np.testing.assert_array_equal(out.array(memory), infer(X[-batch:] + 1))


def test_a_net_whose_rows_hang_on_each_other_is_refused(tmp_path: Path) -> None:
    requests = of_batches(tmp_path, "serving:Mixes", "y", mixed)
    with ExitStack() as stack:
        opened(stack, requests[:1])
        with pytest.raises(Unavailable, match="a row of a batch of 4 isn't what it is alone"):
            opened(stack, requests)


def test_a_batch_whose_output_is_wrong_is_refused(tmp_path: Path) -> None:
    first, other = of_batches(tmp_path, "runner:Ok", "logits", infer)
    write_reference(other.reference, {"x": X}, {"logits": 2 * infer(X)})
    with ExitStack() as stack, pytest.raises(WrongOutput):
        opened(stack, [first, other])
