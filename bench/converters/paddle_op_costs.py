"""What one operator of a Paddle program costs; `bench.converters.paddle_costs` adds them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from bench.converters.paddle_program import OPEN

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Operations of one op over the whole batch."""

    macs: int = 0
    flops_paddle: int = 0


class UnknownShape(Exception):
    """A dimension that the count needs is known only at run time."""


class Shapes:
    """The shapes of a program's values: as written there, or as a run with batch 1 showed them."""

    def __init__(self, seen: Mapping[str, Shape]) -> None:
        self._seen = seen

    def of(self, value: Any) -> Shape:
        shape = self._seen.get(value.id) or tuple(value.shape)
        if OPEN in shape:
            raise UnknownShape
        return shape

    def elements(self, value: Any) -> int:
        return prod(self.of(value))


def is_parameter(op: Any) -> bool:
    """Return whether `op` stands for a weight."""
    return bool(op.name() == "builtin.parameter")


def name_of(parameter: Any) -> str:
    """Return the name of a weight."""
    return str(parameter.attrs()["parameter_name"])


def kind_of(op: Any) -> str:
    """Return an op's name without its dialect and without the underscore of an in-place op."""
    return str(op.name()).partition(".")[2].rstrip("_")


def cost_of(op: Any, shapes: Shapes) -> Cost | None:
    """Return what `op` costs, None where that isn't known."""
    kind = kind_of(op)
    if kind not in COUNTED:
        return Cost() if kind in CHEAP or op.name().startswith("builtin.") else None
    try:
        return COUNTED[kind](op, shapes)
    except UnknownShape:
        return None


def _convolution(op: Any, shapes: Shapes) -> Cost:
    weight = shapes.of(op.operands_source()[1])
    macs = shapes.elements(op.results()[0]) * prod(weight[1:])
    return Cost(macs, macs)


def _transposed_convolution(op: Any, shapes: Shapes) -> Cost:
    # The weight is (in, out / groups, *kernel); each input element meets all of weight[1:].
    x, weight = op.operands_source()[:2]
    inputs, outputs_per_group, *kernel = shapes.of(weight)
    taps = inputs // op.attrs()["groups"] * prod(kernel)
    macs = shapes.elements(x) * outputs_per_group * prod(kernel)
    return Cost(macs, shapes.elements(op.results()[0]) * taps)


def _product(op: Any, shapes: Shapes) -> Cost:
    """A matrix product of the op's last two matrix operands, `transpose_x` heeded."""
    x, y = op.operands_source()[-2:]
    shape = shapes.of(x)
    transposed = op.attrs().get("transpose_x", False) and len(shape) > 1
    macs = shapes.elements(op.results()[0]) * shape[-2 if transposed else -1]
    return Cost(macs, macs if is_parameter(y.get_defining_op()) else 0)


def _batch_norm(op: Any, shapes: Shapes) -> Cost:
    return Cost(flops_paddle=2 * shapes.elements(op.operands_source()[0]))


def _pool(op: Any, shapes: Shapes) -> Cost:
    attributes = op.attrs()
    if attributes["pooling_type"] != "avg":
        return Cost()
    outputs = shapes.elements(op.results()[0])
    if not attributes["adaptive"]:
        return Cost(flops_paddle=outputs)
    spatial = slice(2, None) if attributes["data_format"].startswith("NC") else slice(1, -1)
    before, after = shapes.of(op.operands_source()[0])[spatial], shapes.of(op.results()[0])[spatial]
    window = prod(wide // narrow for wide, narrow in zip(before, after, strict=True))
    return Cost(flops_paddle=(window + 1) * outputs)


def _add(op: Any, shapes: Shapes) -> Cost:
    """One per element where this is how an export writes a convolution's bias: conv + parameter."""
    left, right = (value.get_defining_op() for value in op.operands_source())
    if "conv" in kind_of(left) and _is_bias(right):
        return Cost(flops_paddle=shapes.elements(op.results()[0]))
    return Cost()


def _is_bias(op: Any) -> bool:
    if kind_of(op) == "reshape":
        op = op.operands_source()[0].get_defining_op()
    return is_parameter(op)


def _leaky_relu(op: Any, shapes: Shapes) -> Cost:
    return Cost(flops_paddle=shapes.elements(op.operands_source()[0]))


def _recurrent(op: Any, shapes: Shapes) -> Cost:
    """Each step of a sequence meets all matrices; `paddle.flops` doesn't know these layers."""
    steps, batch, *_ = shapes.of(op.operands_source()[0])
    sources = [it.get_defining_op() for it in op.operands_source()]
    lists = [it for it in sources if it is not None and kind_of(it) == "combine"]
    given = [it for each in lists for it in each.operands_source()]
    taps = sum(shapes.elements(it) for it in given if len(it.shape) == _MATRIX)
    return Cost(macs=steps * batch * taps)


_MATRIX = 2  # the axes of a weight; states and biases have others


COUNTED: dict[str, Callable[[Any, Shapes], Cost]] = {
    "conv2d": _convolution,
    "depthwise_conv2d": _convolution,
    "conv3d": _convolution,
    "conv2d_transpose": _transposed_convolution,
    "depthwise_conv2d_transpose": _transposed_convolution,
    "conv3d_transpose": _transposed_convolution,
    "matmul": _product,
    "bmm": _product,
    "mv": _product,
    "addmm": _product,
    "batch_norm": _batch_norm,
    "pool2d": _pool,
    "pool3d": _pool,
    "add": _add,
    "leaky_relu": _leaky_relu,
    "rnn": _recurrent,
}


# Ops that do at most a few operations an element and that both conventions leave out.
_CHEAP_NAMES = """
abs add_n arange argmax argmin argsort assign assign_value bicubic_interp bilinear_interp
bitwise_and bitwise_not bitwise_or cast ceil celu channel_shuffle clip concat cos cumsum data
diag divide dropout elu embedding equal erf exp expand expand_as feed fetch flatten flip floor
floor_divide full full_int_array full_like full_with_tensor gather gather_nd gelu greater_equal
greater_than group_norm hardshrink hardsigmoid hardswish hardtanh increment index_select
instance_norm isnan label_smooth layer_norm less_equal less_than linear_interp log log_softmax
logical_and logical_not logical_or logsigmoid masked_fill max max_pool2d_with_index maximum mean
min minimum mish multiply nearest_interp not_equal numel one_hot p_norm pad pad3d pixel_shuffle
pixel_unshuffle pow prelu prod reciprocal relu relu6 remainder repeat_interleave reshape
rms_norm roll round rsqrt scale scatter selu shadow_feed shadow_output shape shape64 share_data
shuffle_channel sigmoid sign silu sin slice softmax softplus softshrink softsign split
split_with_num sqrt square squeeze stack strided_slice subtract sum swish take_along_axis tanh
tanh_shrink temporal_shift thresholded_relu tile topk transpose tril triu unbind unsqueeze
unstack where
"""


CHEAP = frozenset(_CHEAP_NAMES.split())
