"""Where a net's tensors lie in memory that two processes share. Standard library; numpy inside.

Both sides make the same slots of the same reference: what they say to each other has no tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any

from bench.core.tensors import Reference, Tensors

if TYPE_CHECKING:
    from mmap import mmap

    import numpy as np
    from numpy.typing import NDArray

_ALIGNED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A tensor's place: `offset` in bytes from the memory's start, aligned to a cache line."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def array(self, memory: mmap) -> NDArray[Any]:
        """Return the tensor, which is the memory itself and no copy of it."""
        import numpy as np

        tensor: NDArray[Any] = np.ndarray(self.shape, self.dtype, memory, self.offset)
        return tensor

    def rows(self, memory: mmap, count: int) -> NDArray[np.uint8]:
        """Return its bytes as `count` rows of the same length, no copy either."""
        import numpy as np

        length = prod(self.shape) * np.dtype(self.dtype).itemsize
        shape = (count, length // count)
        rows: NDArray[np.uint8] = np.ndarray(shape, np.uint8, memory, self.offset)
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """The places of a net's inputs and outputs; `size` is what all of them take, in bytes."""

    inputs: Sequence[Slot]
    outputs: Sequence[Slot]
    size: int


def slots_of(reference: Reference) -> Slots:
    """Return the slots of tensors such as those of `reference`."""
    arrays = [*reference.inputs.values(), *reference.outputs.values()]
    *offsets, size = accumulate((_aligned(it.nbytes) for it in arrays), initial=0)
    places = iter(offsets)

    def slots(tensors: Tensors) -> list[Slot]:
        return [
            Slot(name=name, dtype=it.dtype.name, shape=it.shape, offset=next(places))
            for name, it in tensors.items()
        ]

    return Slots(inputs=slots(reference.inputs), outputs=slots(reference.outputs), size=size)


def _aligned(count: int) -> int:
    return -(-count // _ALIGNED) * _ALIGNED
