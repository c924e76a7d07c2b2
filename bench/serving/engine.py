"""The engine behind a server: a worker with a session for each batch, started anew when it falls.

Everything here blocks: the server calls it in a thread of its own. Tensors go through memory that
this process and the worker share (`bench.core.slots`), words through the worker's pipes.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.core.protocol import is_duration, request_for
from bench.core.slots import Slot, slots_of
from bench.core.tensors import Reference
from bench.experiments.session import Start
from bench.launcher.client import OpenWorker, Worker, WorkerFailed, open_worker
from bench.serving.net import Net
from bench.serving.waiting import cheapest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.uint8]

_OPENS_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """A session of the worker, by its index, and the rows of its inputs and outputs in memory."""

    index: int
    inputs: Sequence[Rows]
    outputs: Sequence[Rows]


@dataclass(slots=True, kw_only=True)
class Engine:
    """Sessions of one net by their batch; `starts` and `references` have the same batches.

    `inference_ns` is the least that an inference took when the worker opened, by batch, and
    `batch_for` has the batch to infer next by how many rows wait. Used by one thread at a time, but
    for `pid`.
    """

    net: Net
    starts: Mapping[int, Start]
    references: Mapping[int, Reference]
    timeout_s: float
    opener: OpenWorker = open_worker
    inference_ns: Mapping[int, int] = field(default_factory=dict)
    batch_for: Sequence[int] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    pid: int | None = None
    _worker: Worker | None = None
    _places: Mapping[int, _Places] = field(default_factory=dict)
    _ends: ExitStack = field(default_factory=ExitStack)

    def start(self) -> None:
        """Start the worker, in the place of one that has fallen, and wait until it is right.

        Raises WorkerFailed, and Unavailable where its interpreter can't be started.
        """
        self._drop()
        try:
            self._start()
        except BaseException:
            self._drop()
            raise

    def _start(self) -> None:
        slots = {size: slots_of(it) for size, it in self.references.items()}
        length = max(it.size for it in slots.values())
        descriptor = _memory(length)
        with os.fdopen(descriptor, "rb", closefd=True):
            memory = mmap.mmap(descriptor, length)
            first = next(iter(self.starts.values()))
            request = request_for(
                "open_batches",
                sessions=[it.request.to_json() for it in self.starts.values()],
                memory_fd=descriptor,
                memory_bytes=length,
            )
            worker = self._ends.enter_context(
                self.opener(request, python=first.python, env=first.env, pass_fds=[descriptor])
            )
        opened = worker.first(timeout_s=_OPENS_WITHIN_S * len(slots))
        self.inference_ns = _durations(worker, opened, list(slots))
        self.batch_for = cheapest(self.net.most, self.inference_ns)
        self.facts = dict(opened.get("facts", {}))
        self._worker, self.pid = worker, worker.pid
        self._places = {
            size: _Places(
                index=index,
                inputs=self._rows(it.inputs, memory, size),
                outputs=self._rows(it.outputs, memory, size),
            )
            for index, (size, it) in enumerate(slots.items())
        }

    def _rows(self, slots: Sequence[Slot], memory: mmap.mmap, size: int) -> list[Rows]:
        """Return the rows of tensors in memory; without a batch a tensor is one row."""
        return [slot.rows(memory, size if self.net.most > 1 else 1) for slot in slots]

    def infer(self, size: int, inputs: Sequence[Sequence[Rows]]) -> list[Rows]:
        """Return the rows of each output for the rows of each input, which come in parts.

        A batch that they don't fill is filled with the last one. Raises WorkerFailed where the
        worker gives no answer; then it takes a `start`.
        """
        if self._worker is None:
            raise RuntimeError("the engine hasn't been started")
        places = self._places[size]
        rows = sum(map(len, inputs[0]))
        for place, parts in zip(places.inputs, inputs, strict=True):
            np.concatenate(parts, out=place[:rows])
            place[rows:] = place[rows - 1]
        self._worker.call("infer_batch", index=places.index, timeout_s=self.timeout_s)
        return [place[:rows].copy() for place in places.outputs]

    def close(self) -> None:
        """Have the worker leave, if there is one."""
        self._worker, self.pid, self._places = None, None, {}
        self._ends.close()

    def _drop(self) -> None:
        """End the worker at once: one that hangs hears nothing."""
        with suppress(_Dropped), self._ends:
            raise _Dropped
        self.close()


class _Dropped(Exception):
    """Tells what holds the worker that it isn't to wait for it."""


def _memory(length: int) -> int:
    """Return a descriptor of `length` bytes of memory; where there is none, of a nameless file."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("bench-tensors")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, length)
    return descriptor


def _durations(worker: Worker, opened: Mapping[str, Any], sizes: Sequence[int]) -> dict[int, int]:
    """Return what an inference of each batch took, in ns; raises WorkerFailed for no answer."""
    sessions = opened.get("sessions")
    if not isinstance(sessions, list) or len(sessions) != len(sizes):
        raise WorkerFailed(worker.garbage(f"it opened {sessions} for batches {list(sizes)}"))
    said = [it.get("inference_ns") if isinstance(it, dict) else None for it in sessions]
    took = [ns for ns in said if is_duration(ns)]
    if len(took) != len(sizes):
        raise WorkerFailed(worker.garbage(f"its inferences took {said} ns"))
    return dict(zip(sizes, took, strict=True))
