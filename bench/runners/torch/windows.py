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
    kernel = node.get("kernel_shape")
    if not kernel and node.constants[1] is None:
        refuse(node, what="weights that are computed and no kernel_shape")
    kernel = kernel or list(node.constants[1].shape[2:])
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
        axes, pads = len(kernel), _pads(node, len(kernel))
        own = pads is None or not _is_pytorchs(pads, kernel)
        refuse(node, outputs=1)
        if kind == "avg":
            refuse(node, what=_uncounted(node, own=own))
            more: dict[str, Any] = {"count_include_pad": bool(node.get("count_include_pad", 0))}
        else:
            more = {"dilation": node.get("dilations") or [1] * axes}
        pool = partial(
            getattr(torch.nn.functional, f"{kind}_pool{axes}d"),
            kernel_size=kernel,
            stride=node.get("strides") or [1] * axes,
            padding=[0] * axes if own or pads is None else pads[:axes],
            ceil_mode=not own and bool(node.get("ceil_mode", 0)),
            **more,
        )
        if not own:
            return pool
        pad, fill = torch.nn.functional.pad, float("-inf") if kind == "max" else 0.0
        return lambda x: pool(
            pad(x, last_axis_first(_around(x.shape, kernel, pads, node)), value=fill)
        )

    return bound


def _is_pytorchs(pads: Sequence[int], kernel: Sequence[int]) -> bool:
    """Return whether PyTorch's pools take these pads: alike on both sides, at most half a window"""
    axes = len(kernel)
    halves = (2 * pad <= width for pad, width in zip(pads, kernel, strict=False))
    return pads[:axes] == pads[axes:] and all(halves)


def _uncounted(node: Node, *, own: bool) -> str | None:
    """Return what of an AveragePool PyTorch counts otherwise, None where it counts the same."""
    ceil, counts = node.get("ceil_mode", 0), node.get("count_include_pad", 0)
    if max(node.get("dilations") or [1]) > 1:
        return "dilations"
    if own and (ceil or not counts):
        return "pads that differ on two sides or are beyond half a window"
    if ceil and counts and node.opset < _CEIL_COUNTS_THE_PADS_ALONE:
        return "both ceil_mode and count_include_pad"
    return None


_CEIL_COUNTS_THE_PADS_ALONE = 19  # before it, also what is beyond them


def _around(
    shape: Sequence[int], kernel: Sequence[int], pads: Sequence[int] | None, node: Node
) -> list[int]:
    """Return the pads with which whole windows alone make the output."""
    if pads is None:
        return _same(shape, kernel, node)
    axes = len(kernel)
    if not node.get("ceil_mode", 0):
        return list(pads)
    strides = node.get("strides") or [1] * axes
    dilations = node.get("dilations") or [1] * axes
    ends = []
    for axis, (size, width, stride, dilation) in enumerate(
        zip(shape[2:], kernel, strides, dilations, strict=True)
    ):
        begin, reach = size + pads[axis], (width - 1) * dilation + 1
        last = -(-(begin + pads[axes + axis] - reach) // stride)
        last -= last * stride >= begin  # no window begins within the pad at the end
        ends.append(last * stride + reach - begin)
    return [*pads[:axes], *ends]


WINDOWS: Mapping[str, Callable[[Any, Node], Compute]] = {
    "AveragePool": _pool("avg"), "Conv": _conv, "MaxPool": _pool("max"),
}  # fmt: skip
"""What binds each of these operators, by ONNX's name."""
