"""What a runner is, and the one timed loop of all engines that run in the worker's process.

A new engine is one file beside this one and one line in `bench/runners/__init__.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.cell import Cell
from bench.units import Nanoseconds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]
else:
    Array = object


class Session(Protocol):
    """One engine, loaded with one artifact, ready to infer."""

    @property
    def facts(self) -> Mapping[str, str]:
        """Versions, and the threads, precision and settings really in force."""
        ...

    def infer(self, x: Array) -> Array:
        """Return the logits of `x`, untimed; `x` also becomes the input of `sample`."""
        ...

    def sample(self, count: int) -> list[Nanoseconds]:
        """Return one duration per inference, device work included; never an average."""
        ...


class Runner(Protocol):
    """An engine: opens sessions of cells that it can run."""

    def open(self, cell: Cell, artifact: Path) -> AbstractContextManager[Session]:
        """Load `artifact` with `cell`'s settings.

        Raises Unavailable where this machine or engine can't do what the cell asks.
        """
        ...


def time_calls(call: Callable[[], object], count: int) -> list[Nanoseconds]:
    """Return the duration of each of `count` calls; `call` returns only when its work is done."""
    clock = time.perf_counter_ns
    samples = [0] * count
    for index in range(count):
        started = clock()
        call()
        samples[index] = clock() - started
    return [Nanoseconds(sample) for sample in samples]
