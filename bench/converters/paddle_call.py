"""A net of any inputs and outputs: how its forward() is called, and what comes out by name."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.core.errors import ArtifactError
from bench.core.tensors import Tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def arguments(net: Any, inputs: Mapping[str, Any]) -> list[Any]:
    """Return `inputs` as forward() takes them.

    Where it has parameters of those names, each goes to its own and those before the last one that
    aren't given get their defaults; else they go in order.
    """
    parameters = inspect.signature(net.forward).parameters
    places = [name for name, it in parameters.items() if it.kind in _BY_PLACE]
    if not set(inputs) <= set(places):
        return list(inputs.values())
    last = max(places.index(name) for name in inputs)
    given = [inputs.get(name, parameters[name].default) for name in places[: last + 1]]
    return list(inputs.values()) if inspect.Parameter.empty in given else given


def forward(net: Any, inputs: Tensors) -> dict[str, NDArray[Any]]:
    """Return the outputs of the dynamic graph by name; raises ArtifactError."""
    import paddle

    try:
        with paddle.no_grad():
            tensors = {name: paddle.to_tensor(array) for name, array in inputs.items()}
            given = net(*arguments(net, tensors))
    except Exception as error:
        shapes = ", ".join(f"{name} {list(it.shape)} {it.dtype}" for name, it in inputs.items())
        raise ArtifactError(
            f"the net can't take an input of {shapes} ({first_line(error)})",
            hint="give the model's input as channels x height x width, or each by its name",
        ) from error
    return _named(given)


def _named(given: object) -> dict[str, NDArray[Any]]:
    """Return the arrays of all tensors in `given`, each once.

    One in a dict bears its keys joined by '.', another one is out0, out1, ... What is no tensor is
    no output of the exported program either.
    """
    import paddle

    found: dict[str, Any] = {}
    for path, leaf in _leaves(given, ()):
        if not isinstance(leaf, paddle.Tensor) or any(leaf is it for it in found.values()):
            continue
        name = ".".join(map(str, path)) if any(isinstance(it, str) for it in path) else ""
        if leaf.dtype == paddle.bfloat16:
            raise ArtifactError(
                f"the net's output {name or len(found)} is bfloat16", hint="let forward() cast it"
            )
        found[name if name and name not in found else f"out{len(found)}"] = leaf
    if not found:
        raise ArtifactError(
            f"the net returns a {type(given).__name__} without a tensor",
            hint="its forward() must return tensors, alone or in lists, tuples and dicts",
        )
    return {name: leaf.numpy() for name, leaf in found.items()}


def _leaves(given: object, path: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], object]]:
    """Yield what is in nested lists, tuples and dicts, each with the keys and places of its way."""
    if isinstance(given, dict):
        for key, part in given.items():
            yield from _leaves(part, (*path, str(key)))
    elif isinstance(given, list | tuple):
        for index, part in enumerate(given):
            yield from _leaves(part, (*path, index))
    else:
        yield path, given


def as_fetched(outputs: Tensors, fetched: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the net's outputs in the order in which its exported program gives them.

    Each of `fetched` is the nearest output of its shape. Raises ArtifactError where there is none.
    """
    left, ordered = dict(outputs), {}
    for array in fetched:
        alike = [name for name, it in left.items() if it.shape == array.shape]
        if not alike:
            raise ArtifactError(
                f"the exported program gives an output of {list(array.shape)}, the net none such",
                hint="its forward() must do the same whenever it is called",
            )
        nearest = min(alike, key=lambda name: _distance(outputs[name], array))
        ordered[nearest] = left.pop(nearest)
    return ordered


def _distance(one: NDArray[Any], other: NDArray[Any]) -> float:
    import numpy as np

    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).sum())


def first_line(error: Exception) -> str:
    """Return an exception's type and the line of what it says that says most."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    # Paddle's converter heads a listing of code ("In transformed code:"); the error stands last.
    return f"{type(error).__name__}: {lines[-1 if lines[0].endswith(':') else 0]}"
