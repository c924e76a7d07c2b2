"""How many of a net's weights and activations are subnormal: float32 below 1.2e-38, but not zero.

Many chips compute with them up to a hundred times slower, so latency depends on their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

Counts = dict[str, int]


def count(arrays: Iterable[Any]) -> int:
    """Return how many elements of the float32 ones among `arrays` are subnormal."""
    import numpy as np

    smallest = np.float32(np.finfo(np.float32).tiny)
    floats = (array for array in map(np.asarray, arrays) if array.dtype == np.float32)
    return sum(int(np.count_nonzero((array != 0) & (abs(array) < smallest))) for array in floats)


@contextmanager
def counted_activations(net: Any) -> Iterator[Counts]:
    """Yield a dict whose "activations" counts the outputs of `net`'s layers as they are run.

    What a layer computes between its sublayers isn't among them.
    """
    counts = {"activations": 0}

    def look(layer: Any, given: Any, output: Any) -> None:
        tensors = output if isinstance(output, list | tuple) else [output]
        arrays = (tensor.numpy() for tensor in tensors if hasattr(tensor, "numpy"))
        counts["activations"] += count(arrays)

    leaves = [layer for layer in net.sublayers(include_self=True) if not layer.sublayers()]
    hooks = [layer.register_forward_post_hook(look) for layer in leaves]
    try:
        yield counts
    finally:
        for hook in hooks:
            hook.remove()
