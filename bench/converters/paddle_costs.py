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

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from bench.core.errors import ArtifactError

Shape = tuple[int, ...]
_OPEN = -1  # Paddle's sign for a dimension that is known at run time


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
        if _OPEN in shape:
            raise UnknownShape
        return shape

    def elements(self, value: Any) -> int:
        return prod(self.of(value))


def count(prefix: Path, image: Sequence[int] | None = None) -> dict[str, Any]:
    """Count the program `prefix`.json with weights `prefix`.pdiparams; operations are per image.

    "params" are all weights, "params_trainable" those but a batch norm's mean and variance. A
    dynamic batch counts as 1, and other open extents of the input are those of `image` (channels,
    height, width). "uncounted" names the ops that are neither counted nor known to be cheap, and
    those whose shapes stay open without an image: where it isn't empty, "macs" and "flops_paddle"
    are lower bounds. Paddle is in static mode meanwhile.
    """
    with _static_mode() as executor:
        # Held on to while its ops are in use: they dangle once it is gone.
        program = _load(prefix, executor)
        block = program.global_block()
        batch = _batch(block.ops)
        facts = _parameters(block.ops)
        shapes = Shapes(_run_for_shapes(program, executor, image))
        macs, flops, uncounted = _add_up(block.ops, shapes)
    return facts | {
        "macs": _per_image(macs, batch, prefix),
        "flops_paddle": _per_image(flops, batch, prefix),
        "uncounted": uncounted,
    }


def _add_up(ops: Iterable[Any], shapes: Shapes) -> tuple[int, int, list[str]]:
    """Return MACs and FLOPs of the whole batch, and the names of what isn't among them."""
    macs = flops = 0
    uncounted = set()
    for op in ops:
        cost = _cost(op, shapes)
        if cost is None:
            uncounted.add(op.name())
        else:
            macs += cost.macs
            flops += cost.flops_paddle
    return macs, flops, sorted(uncounted)


@contextmanager
def _static_mode() -> Iterator[Any]:
    """Put Paddle in static mode and yield an executor."""
    import paddle

    was_dynamic = paddle.in_dynamic_mode()
    paddle.enable_static()
    try:
        yield paddle.static.Executor(paddle.CPUPlace())
    finally:
        if was_dynamic:
            paddle.disable_static()


def _load(prefix: Path, executor: Any) -> Any:
    import paddle

    return paddle.static.load_inference_model(str(prefix), executor)[0]


def _run_for_shapes(program: Any, executor: Any, image: Sequence[int] | None) -> dict[str, Shape]:
    """Return the shapes that counted ops leave open, by value id, from one run on a batch of 1.

    Taking every open first dimension for the batch would be wrong: attention over windows folds
    the windows into it. Takes the program's fetch ops away. Empty where an input is open in
    another dimension that `image` doesn't close: there is nothing to run it on.
    """
    import numpy as np

    block = program.global_block()
    inputs = [op for op in block.ops if op.name() == "pd_op.data"]
    values = [value for op in block.ops for value in _looked_at(op) if _OPEN in value.shape]
    entries = {op.attrs()["name"]: _closed(op.results()[0].shape, image) for op in inputs}
    if not values or any(_OPEN in shape for shape in entries.values()):
        return {}
    for op in [op for op in block.ops if op.name() == "pd_op.fetch"]:
        block.remove_op(op)  # the executor can't fetch other values beside these
    zeros = {name: np.zeros(shape, dtype="float32") for name, shape in entries.items()}
    arrays = executor.run(program, feed=zeros, fetch_list=values)
    return {value.id: array.shape for value, array in zip(values, arrays, strict=True)}


def _closed(shape: Sequence[int], image: Sequence[int] | None) -> Shape:
    """Return an input's shape for a batch of 1, its other open extents as in `image`."""
    given = image if image is not None and len(image) == len(shape) - 1 else shape[1:]
    ends = zip(shape[1:], given, strict=True)
    return (1, *(extent if size == _OPEN else size for size, extent in ends))


def _looked_at(op: Any) -> list[Any]:
    """Return the operands and the result that counting `op` looks at; none if it isn't counted."""
    if _kind(op) not in _COUNTED:
        return []
    return [*op.operands_source()[:3], op.results()[0]]


def _batch(ops: Iterable[Any]) -> int:
    """Return the first dimension of the program's first input; 1 where it is dynamic."""
    sizes = [op.results()[0].shape[0] for op in ops if op.name() == "pd_op.data"]
    return max(1, sizes[0]) if sizes else 1


def _per_image(total: int, batch: int, prefix: Path) -> int:
    each, rest = divmod(total, batch)
    if rest:
        raise ArtifactError(
            f"{prefix}: its {total} operations don't divide by its batch of {batch}",
            hint="export it with batch 1 to count it",
        )
    return each


def _parameters(ops: Iterable[Any]) -> dict[str, int]:
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


def _cost(op: Any, shapes: Shapes) -> Cost | None:
    """Return what `op` costs, None where that isn't known."""
    kind = _kind(op)
    if kind not in _COUNTED:
        return Cost() if kind in _CHEAP or op.name().startswith("builtin.") else None
    try:
        return _COUNTED[kind](op, shapes)
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
    return Cost(macs, macs if _is_parameter(y.get_defining_op()) else 0)


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
    if "conv" in _kind(left) and _is_bias(right):
        return Cost(flops_paddle=shapes.elements(op.results()[0]))
    return Cost()


def _is_bias(op: Any) -> bool:
    if _kind(op) == "reshape":
        op = op.operands_source()[0].get_defining_op()
    return _is_parameter(op)


def _leaky_relu(op: Any, shapes: Shapes) -> Cost:
    return Cost(flops_paddle=shapes.elements(op.operands_source()[0]))


_COUNTED: dict[str, Callable[[Any, Shapes], Cost]] = {
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
_CHEAP = frozenset(_CHEAP_NAMES.split())
