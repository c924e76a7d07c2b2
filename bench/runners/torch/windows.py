"""Convolutions and pools: what slides a window over an input that may be padded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bench.runners.torch.node import Compute, Node, refuse


def _pads(node: Node, axes: int) -> list[int] | None:
    """Return ONNX's pads (all begins, then all ends); None: SAME, by the input's shape."""
    auto = node.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        return None
    return list(node.get("pads") or [0] * 2 * axes) if auto == "NOTSET" else [0] * 2 * axes


def _same(shape: Sequence[int], kernel: Sequence[int], node: Node) -> list[int]:
    """Return the pads with which the output has the input's size over the stride."""
    strides = node.get("strides") or [1] * len(kernel)
    dilations = node.get("dilations") or [1] * len(kernel)
    begins, ends = [], []
    sides = zip(shape[2:], kernel, strides, dilations, strict=True)
    for size, width, stride, dilation in sides:
        total = max((-(-size // stride) - 1) * stride + (width - 1) * dilation + 1 - size, 0)
        less, more = total // 2, total - total // 2
        upper = node.get("auto_pad") == "SAME_UPPER"
        begins.append(less if upper else more)
        ends.append(more if upper else less)
    return begins + ends


def last_axis_first(pads: Sequence[int]) -> list[int]:
    """Return ONNX's pads in the order of torch.nn.functional.pad: the last axis first."""
    axes = len(pads) // 2
    return [pads[axis + end * axes] for axis in reversed(range(axes)) for end in (0, 1)]


def _padded(
    torch: Any, node: Node, kernel: Sequence[int], value: float
) -> tuple[Compute | None, list[int]]:
    """Return what pads an input by itself, None where the operator can, and the operator's pads."""
    pads, axes = _pads(node, len(kernel)), len(kernel)
    pad = torch.nn.functional.pad
    if pads is None:
        return lambda x: pad(x, last_axis_first(_same(x.shape, kernel, node)), value=value), [
            0
        ] * axes
    if pads[:axes] == pads[axes:]:
        return None, pads[:axes]
    around = last_axis_first(pads)
    return lambda x: pad(x, around, value=value), [0] * axes


def _conv(torch: Any, node: Node) -> Compute:
    kernel = node.get("kernel_shape") or list(node.constants[1].shape[2:])
    axes = len(kernel)
    before, padding = _padded(torch, node, kernel, 0.0)
    convolve = partial(
        getattr(torch.nn.functional, f"conv{axes}d"),
        stride=node.get("strides") or [1] * axes,
        padding=padding,
        dilation=node.get("dilations") or [1] * axes,
        groups=node.get("group", 1),
    )
    if before is None:
        return lambda x, weight, bias=None: convolve(x, weight, bias)
    return lambda x, weight, bias=None: convolve(before(x), weight, bias)


def _pool(kind: str) -> Callable[[Any, Node], Compute]:
    def bound(torch: Any, node: Node) -> Compute:
        kernel = node.get("kernel_shape")
        refuse(node, outputs=1)
        fill = float("-inf") if kind == "max" else 0.0
        before, padding = _padded(torch, node, kernel, fill)
        more: dict[str, Any] = {"ceil_mode": bool(node.get("ceil_mode", 0))}
        if kind == "max":
            more["dilation"] = node.get("dilations") or [1] * len(kernel)
        else:
            counts = bool(node.get("count_include_pad", 0))
            if before is not None and not counts:
                refuse(node, what="pads that differ on two sides")
            more["count_include_pad"] = counts
        pool = partial(
            getattr(torch.nn.functional, f"{kind}_pool{len(kernel)}d"),
            kernel_size=kernel,
            stride=node.get("strides") or [1] * len(kernel),
            padding=padding,
            **more,
        )
        return pool if before is None else lambda x: pool(before(x))

    return bound


WINDOWS: Mapping[str, Callable[[Any, Node], Compute]] = {
    "AveragePool": _pool("avg"), "Conv": _conv, "MaxPool": _pool("max"),
}  # fmt: skip
"""What binds each of these operators, by ONNX's name."""
