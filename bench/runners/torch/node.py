"""A node of a graph, as what binds it to PyTorch sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.core.errors import Unavailable

Compute = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node of a graph; `constants` has the array of each input that is a weight, or None.

    `opset` is the version of ONNX's operators: some have changed what they compute. `device` is
    where PyTorch's layers have their weights.
    """

    op: str
    attributes: Mapping[str, Any]
    constants: Sequence[Any]
    outputs: int
    opset: int
    device: str = "cpu"

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)

    def constant(self, index: int, name: str, default: Any = None) -> Any:
        """Return input `index` as a list, or the attribute `name` of older opsets.

        Raises Unavailable where it is computed when the net runs.
        """
        if index >= len(self.constants) or self.constants[index] is ABSENT:
            return self.attributes.get(name, default)
        if self.constants[index] is None:
            raise Unavailable(
                f"{self.op}'s {name} is computed while the net runs",
                hint="PyTorch's runner takes constant ones: measure with another runner",
            )
        return self.constants[index].tolist()


ABSENT = object()
"""Stands for an input that a node leaves out."""


def refuse(node: Node, *, outputs: int | None = None, what: str | None = None) -> None:
    """Raise Unavailable for what is told of `node`, or where it has more than `outputs`."""
    if what is None and outputs is not None and node.outputs > outputs:
        what = "a second output"
    if what is not None:
        raise Unavailable(
            f"PyTorch's runner has no {node.op} with {what}", hint="measure it with another runner"
        )
