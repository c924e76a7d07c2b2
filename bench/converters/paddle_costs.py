"""What a net costs: parameters and operations, counted over the ops of its exported PIR program.

Counting the exported program treats a zoo's net and a person's own file alike, needs no layer
classes, and leaves nothing behind on a model. Two conventions stand side by side:

    macs          multiply-accumulates of convolutions and matrix products, and nothing else
    flops_paddle  `paddle.flops`, the published tables' convention (hapi/dynamic_flops.py): the MACs
                  of layers with weights, one per bias element a convolution adds, two per element
                  of a batch norm, one per output element of average pooling and one per element
                  of leaky ReLU; adaptive pooling counts window + 1 per output element. Products
                  of two activations are none of it.

`paddle.flops` goes by exact layer class: what a custom layer, BatchNorm1D or a call of
`paddle.nn.functional` does is 0 there and counted here. For a transposed convolution it counts
kernel taps per output element, stride or no stride, and so does `flops_paddle`; `macs` doesn't.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from bench.errors import ArtifactError

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Operations of one op over the whole batch."""

    macs: int = 0
    flops_paddle: int = 0


class UnknownShape(Exception):
    """A dimension other than the batch isn't in the program."""


def count(prefix: Path) -> dict[str, Any]:
    """Count the program `prefix`.json with weights `prefix`.pdiparams; operations are per image.

    "params" are all weights, "params_trainable" those but a batch norm's mean and variance. A
    dynamic batch counts as 1. "uncounted" names the ops that are neither counted nor known to be
    cheap, and those whose shapes the program leaves open: where it isn't empty, "macs" and
    "flops_paddle" are lower bounds. Switches Paddle to static mode while it loads the program.
    """
    program = _load(prefix)  # held: its ops dangle once it is gone
    ops = list(program.global_block().ops)
    batch = _batch(ops)
    macs = flops = 0
    uncounted = set()
    for op in ops:
        try:
            cost = _cost(op)
        except UnknownShape:
            cost = None
        if cost is None:
            uncounted.add(op.name())
            continue
        macs += cost.macs
        flops += cost.flops_paddle
    return {
        **_parameters(ops),
        "macs": _per_image(macs, batch, prefix),
        "flops_paddle": _per_image(flops, batch, prefix),
        "uncounted": sorted(uncounted),
    }


def _load(prefix: Path) -> Any:
    import paddle

    was_dynamic = paddle.in_dynamic_mode()
    paddle.enable_static()
    try:
        executor = paddle.static.Executor(paddle.CPUPlace())
        program, _, _ = paddle.static.load_inference_model(str(prefix), executor)
    finally:
        if was_dynamic:
            paddle.disable_static()
    return program


def _batch(ops: list[Any]) -> int:
    """Return the first dimension of the program's input; 1 where it is dynamic."""
    inputs = [op for op in ops if op.name() == "pd_op.data"]
    return _shape(inputs[0].results()[0])[0] if inputs else 1


def _per_image(total: int, batch: int, prefix: Path) -> int:
    each, rest = divmod(total, batch)
    if rest:
        raise ArtifactError(
            f"{prefix}: its {total} operations don't divide by its batch of {batch}",
            hint="export it with batch 1 to count it",
        )
    return each


def _parameters(ops: list[Any]) -> dict[str, int]:
    sizes = {_name(op): prod(op.results()[0].shape) for op in ops if _is_parameter(op)}
    statistics = {
        _name(value.get_defining_op())
        for op in ops
        if _kind(op) == "batch_norm"
        for value in op.operands_source()[1:3]
        if _is_parameter(value.get_defining_op())
    }
    total = sum(sizes.values())
    return {"params": total, "params_trainable": total - sum(sizes[name] for name in statistics)}


def _is_parameter(op: Any) -> bool:
    return bool(op.name() == "builtin.parameter")


def _name(parameter: Any) -> str:
    return str(parameter.attrs()["parameter_name"])


def _kind(op: Any) -> str:
    """Return an op's name without its dialect and without the underscore of an in-place op."""
    return str(op.name()).partition(".")[2].rstrip("_")


def _cost(op: Any) -> Cost | None:
    """Return what `op` costs, None where that isn't known."""
    kind = _kind(op)
    if kind in _COUNTED:
        return _COUNTED[kind](op)
    return Cost() if kind in _CHEAP or op.name().startswith("builtin.") else None


def _shape(value: Any) -> Shape:
    """Return a value's shape with a dynamic batch as 1."""
    first, *others = value.shape if len(value.shape) else (1,)
    if any(size < 0 for size in others):
        raise UnknownShape
    return (abs(first), *others)


def _elements(value: Any) -> int:
    return prod(_shape(value))


def _convolution(op: Any) -> Cost:
    weight = _shape(op.operands_source()[1])
    macs = _elements(op.results()[0]) * prod(weight[1:])
    return Cost(macs, macs)


def _transposed_convolution(op: Any) -> Cost:
    # The weight is (in, out / groups, *kernel); each input element meets all of weight[1:].
    x, weight = op.operands_source()[:2]
    inputs, outputs_per_group, *kernel = _shape(weight)
    taps = inputs // op.attrs()["groups"] * prod(kernel)
    macs = _elements(x) * outputs_per_group * prod(kernel)
    return Cost(macs, _elements(op.results()[0]) * taps)


def _product(op: Any) -> Cost:
    """A matrix product of the op's last two matrix operands, `transpose_x` heeded."""
    x, y = op.operands_source()[-2:]
    shape = _shape(x)
    transposed = op.attrs().get("transpose_x", False) and len(shape) > 1
    macs = _elements(op.results()[0]) * shape[-2 if transposed else -1]
    return Cost(macs, macs if _is_parameter(y.get_defining_op()) else 0)


def _batch_norm(op: Any) -> Cost:
    return Cost(flops_paddle=2 * _elements(op.operands_source()[0]))


def _pool(op: Any) -> Cost:
    attributes = op.attrs()
    if attributes["pooling_type"] != "avg":
        return Cost()
    outputs = _elements(op.results()[0])
    if not attributes["adaptive"]:
        return Cost(flops_paddle=outputs)
    spatial = slice(2, None) if attributes["data_format"].startswith("NC") else slice(1, -1)
    before, after = _shape(op.operands_source()[0])[spatial], _shape(op.results()[0])[spatial]
    window = prod(wide // narrow for wide, narrow in zip(before, after, strict=True))
    return Cost(flops_paddle=(window + 1) * outputs)


def _add(op: Any) -> Cost:
    """One per element where this is how an export writes a convolution's bias: conv + parameter."""
    left, right = (value.get_defining_op() for value in op.operands_source())
    if "conv" in _kind(left) and _is_bias(right):
        return Cost(flops_paddle=_elements(op.results()[0]))
    return Cost()


def _is_bias(op: Any) -> bool:
    if _kind(op) == "reshape":
        op = op.operands_source()[0].get_defining_op()
    return _is_parameter(op)


def _leaky_relu(op: Any) -> Cost:
    return Cost(flops_paddle=_elements(op.operands_source()[0]))


_COUNTED: dict[str, Callable[[Any], Cost]] = {
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
}

# Ops that do at most a few operations an element and that both conventions leave out.
_CHEAP = frozenset(
    ["abs", "add_n", "arange", "argmax", "argmin", "argsort", "assign", "assign_value", "bitwise_and", "bitwise_not", "bitwise_or", "cast", "ceil", "celu", "clip", "concat", "cos", "cumsum", "data", "diag", "dropout", "elu", "embedding", "equal", "erf", "exp", "expand", "expand_as", "feed", "fetch", "flatten", "flip", "floor", "floor_divide", "full", "full_int_array", "full_like", "full_with_tensor", "gather", "gather_nd", "gelu", "greater_equal", "greater_than", "group_norm", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "increment", "index_select", "instance_norm", "isnan", "label_smooth", "layer_norm", "less_equal", "less_than", "log", "log_softmax", "logical_and", "logical_not", "logical_or", "logsigmoid", "masked_fill", "max", "max_pool2d_with_index", "maximum", "mean", "min", "minimum", "mish", "multiply", "nearest_interp", "not_equal", "numel", "one_hot", "p_norm", "pad", "pad3d", "pixel_shuffle", "pixel_unshuffle", "pow", "prelu", "prod", "reciprocal", "relu", "relu6", "remainder", "repeat_interleave", "reshape", "roll", "round", "rsqrt", "scale", "scatter", "selu", "shadow_output", "shape", "shape64", "share_data", "shuffle_channel", "sigmoid", "sign", "silu", "sin", "slice", "softmax", "softplus", "softshrink", "softsign", "split", "split_with_num", "sqrt", "square", "squeeze", "stack", "strided_slice", "subtract", "sum", "swish", "take_along_axis", "tanh", "tanh_shrink", "temporal_shift", "thresholded_relu", "tile", "topk", "transpose", "tril", "triu", "unbind", "unsqueeze", "unstack", "where", "bilinear_interp", "bicubic_interp", "linear_interp", "divide", "channel_shuffle", "shadow_feed", "rms_norm"]
)
