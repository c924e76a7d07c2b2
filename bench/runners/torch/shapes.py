"""What moves, cuts and joins tensors without computing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.runners.torch.node import Compute, Node, refuse
from bench.runners.torch.windows import last_axis_first


def _reshape(torch: Any, node: Node) -> Compute:
    shape, zero_stays = node.constant(1, "shape"), bool(node.get("allowzero", 0))
    if zero_stays or 0 not in shape:
        return lambda x, *_: x.reshape(shape)
    return lambda x, *_: x.reshape([side or x.shape[axis] for axis, side in enumerate(shape)])


def _flatten(torch: Any, node: Node) -> Compute:
    axis = node.get("axis", 1)
    return lambda x: x.reshape(x.shape[:axis].numel(), x.shape[axis:].numel())


def _transpose(torch: Any, node: Node) -> Compute:
    order = node.get("perm")
    return lambda x: x.permute(order or list(reversed(range(x.dim()))))


def _concat(torch: Any, node: Node) -> Compute:
    axis = node.get("axis")
    return lambda *tensors: torch.cat(tensors, dim=axis)


def _split(torch: Any, node: Node) -> Compute:
    sizes, axis = node.constant(1, "split"), node.get("axis", 0)
    if sizes is not None:
        return lambda x, *_: torch.split(x, sizes, dim=axis)
    count = node.outputs
    return lambda x, *_: torch.split(x, -(-x.shape[axis] // count), dim=axis)


def _slice(torch: Any, node: Node) -> Compute:
    starts, ends = node.constant(1, "starts"), node.constant(2, "ends")
    axes = node.constant(3, "axes") or list(range(len(starts)))
    steps = node.constant(4, "steps") or [1] * len(starts)
    if min(steps, default=1) < 1:
        refuse(node, what="a negative step")
    starts, ends = ([max(at, -_FAR) for at in some] for some in (starts, ends))
    cuts = list(zip(axes, starts, ends, steps, strict=True))

    def compute(x: Any, *_: Any) -> Any:
        index = [slice(None)] * x.dim()
        for axis, start, end, step in cuts:
            index[axis] = slice(start, end, step)
        return x[tuple(index)]

    return compute


_FAR = 1 << 62  # PyTorch takes the least of whole numbers for a sign of its own


def _squeeze(torch: Any, node: Node) -> Compute:
    axes = node.constant(1, "axes")

    def compute(x: Any, *_: Any) -> Any:
        dropped = {axis % x.dim() for axis in axes or _ones(x)}
        return x.reshape([side for axis, side in enumerate(x.shape) if axis not in dropped])

    return compute


def _ones(x: Any) -> list[int]:
    return [axis for axis, side in enumerate(x.shape) if side == 1]


def _unsqueeze(torch: Any, node: Node) -> Compute:
    axes = node.constant(1, "axes")

    def compute(x: Any, *_: Any) -> Any:
        for axis in sorted(it % (x.dim() + len(axes)) for it in axes):
            x = x.unsqueeze(axis)
        return x

    return compute


def _pad(torch: Any, node: Node) -> Compute:
    mode, pads = node.get("mode", "constant"), node.constant(1, "pads")
    if mode != "constant" or node.constant(3, "axes") is not None:
        refuse(node, what=f"mode {mode}" if mode != "constant" else "axes of its own")
    value = node.constant(2, "value", 0.0) or 0.0
    value = value[0] if isinstance(value, list) else value
    around = last_axis_first(pads)
    return lambda x, *_: torch.nn.functional.pad(x, around, value=value)


def _gather(torch: Any, node: Node) -> Compute:
    axis = node.get("axis", 0)

    def compute(x: Any, index: Any) -> Any:
        index = torch.where(index < 0, index + x.shape[axis], index)
        found = torch.index_select(x, axis, index.reshape(-1))
        at = axis % x.dim()
        return found.reshape([*x.shape[:at], *index.shape, *x.shape[at + 1 :]])

    return compute


def _expand(torch: Any, node: Node) -> Compute:
    shape = node.constant(1, "shape")
    return lambda x, *_: x.expand(torch.broadcast_shapes(x.shape, tuple(shape)))


SHAPES: Mapping[str, Callable[[Any, Node], Compute]] = {
    "Concat": _concat, "Expand": _expand, "Flatten": _flatten, "Gather": _gather, "Pad": _pad,
    "Reshape": _reshape, "Slice": _slice, "Split": _split, "Squeeze": _squeeze,
    "Transpose": _transpose, "Unsqueeze": _unsqueeze,
}  # fmt: skip
"""What binds each of these operators, by ONNX's name."""
