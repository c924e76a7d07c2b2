"""What an engine is fed: the reference's inputs by the engine's own names and in its types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.core.errors import ArtifactError, Unavailable
from bench.core.tensors import Tensors
from bench.runners.base import Array


def feeds_by(names: Sequence[str], feeds: Tensors) -> dict[str, Any]:
    """Return `feeds` by an engine's input names, in the engine's order.

    Those that an engine renamed are in the same order. Raises ArtifactError where it has more or
    fewer.
    """
    if len(names) != len(feeds):
        raise ArtifactError(
            f"the engine's inputs are {_listed(names)}, the net's {_listed(feeds)}",
            hint="the artifact isn't the net that was asked for, or lost an input on the way",
        )
    renamed = (array for name, array in feeds.items() if name not in names)
    return {name: feeds[name] if name in feeds else next(renamed) for name in names}


def cast(feeds: Tensors, dtypes: Mapping[str, str], engine: str) -> dict[str, Any]:
    """Return `feeds` in an engine's types; raises Unavailable for whole numbers beyond them."""
    import numpy as np

    arrays = {name: array.astype(dtypes[name], copy=False) for name, array in feeds.items()}
    for name, array in arrays.items():
        if array.dtype.kind in "iub" and not np.array_equal(array, feeds[name]):
            raise Unavailable(
                f"values of input '{name}' are beyond {array.dtype}, as which {engine} takes them",
                hint="give smaller ones, as in --input NAME=SHAPE:TYPE:LOW..HIGH",
            )
    return arrays


def one_image(feeds: Tensors, engine: str) -> Array:
    """Return the only input of a net; raises Unavailable unless it is one of float32."""
    if len(feeds) != 1 or (array := next(iter(feeds.values()))).dtype != "float32":
        kinds = ", ".join(f"{name} ({it.dtype})" for name, it in feeds.items())
        raise Unavailable(
            f"{engine} takes one input of float32 here, and this net's are {kinds}",
            hint="measure it with another runner",
        )
    image: Array = array
    return image


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
