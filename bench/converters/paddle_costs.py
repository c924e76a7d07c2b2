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

from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

from bench.converters.paddle_op_costs import (
    COUNTED,
    Shape,
    Shapes,
    cost_of,
    is_parameter,
    kind_of,
    name_of,
)
from bench.converters.paddle_program import OPEN, dtype_of, static_mode
from bench.core.tensors import TensorSpec


def count(
    prefix: Path, specs: Mapping[str, TensorSpec] | None = None, *, batch: int | None = None
) -> dict[str, Any]:
    """Count the program `prefix`.json with weights `prefix`.pdiparams; operations are per image.

    "params" are all weights, "params_trainable" those but a batch norm's mean and variance. Inputs
    that are open in their first extent count with a batch of 1, others are of `batch`, None: the
    first extent of the first one. Other open extents are those of `specs`, by input. "uncounted"
    names the ops that are neither counted nor known to be cheap, and those whose shapes stay open:
    where it isn't empty, "macs" and "flops_paddle" are lower bounds. Paddle is in static mode
    meanwhile.
    """
    with static_mode() as executor:
        # Held on to while its ops are in use: they dangle once it is gone.
        program = _load(prefix, executor)
        block = program.global_block()
        images = _images(block.ops, batch)
        shapes = _run_for_shapes(program, executor, specs or {})
        return _add_up(block.ops, Shapes(shapes), images)


def count_older(program: Any, specs: Mapping[str, TensorSpec], *, batch: int) -> dict[str, Any]:
    """Count an opened program of Paddle's older format, as `count` does; {} where that can't be.

    Its own shapes become those of `specs` with a batch of 1, or `batch` where it is fixed to that.
    """
    import paddle

    block, images = program.global_block(), batch
    try:
        for name, spec in specs.items():
            shape = block.var(name).shape
            images = 1 if shape[:1] == (OPEN,) else images
            block.var(name).desc.set_shape(_closed(shape, spec))
        for op in block.ops:
            if op.type not in ("feed", "fetch"):
                op.desc.infer_shape(block.desc)
        # Held on to while its ops are in use: they dangle once it is gone.
        translated = paddle.pir.translate_to_pir(program.desc)
    except Exception:  # noqa: BLE001 - of whatever class its operators raise
        return {}
    return _add_up(translated.global_block().ops, Shapes({}), images)


def _add_up(ops: Iterable[Any], shapes: Shapes, images: int) -> dict[str, Any]:
    """Return what the ops cost, per image, and the names of what isn't among it."""
    macs = flops = 0
    uncounted = set()
    for op in ops:
        cost = cost_of(op, shapes)
        if cost is None:
            uncounted.add(op.name())
        else:
            macs += cost.macs
            flops += cost.flops_paddle
    return _parameters(ops) | {
        "macs": round(macs / images),
        "flops_paddle": round(flops / images),
        "uncounted": sorted(uncounted),
    }


def _load(prefix: Path, executor: Any) -> Any:
    import paddle

    return paddle.static.load_inference_model(str(prefix), executor)[0]


def _run_for_shapes(
    program: Any, executor: Any, specs: Mapping[str, TensorSpec]
) -> dict[str, Shape]:
    """Return the shapes that counted ops leave open, by value id, from one run on a batch of 1.

    Taking every open first dimension for the batch would be wrong: attention over windows folds
    the windows into it. Takes the program's fetch ops away. Empty where an input is open in
    another dimension that `specs` don't close: there is nothing to run it on. So it is where the
    program doesn't run on zeros.
    """
    import numpy as np

    block = program.global_block()
    inputs = {op.attrs()["name"]: op.results()[0] for op in block.ops if op.name() == "pd_op.data"}
    values = [value for op in block.ops for value in _looked_at(op) if OPEN in value.shape]
    shapes = {name: _closed(it.shape, specs.get(name)) for name, it in inputs.items()}
    if not values or any(OPEN in shape for shape in shapes.values()):
        return {}
    for op in [op for op in block.ops if op.name() == "pd_op.fetch"]:
        block.remove_op(op)  # the executor can't fetch other values beside these
    zeros = {name: np.zeros(shape, dtype_of(inputs[name])) for name, shape in shapes.items()}
    try:
        arrays = executor.run(program, feed=zeros, fetch_list=values)
    except Exception:  # noqa: BLE001 - of whatever class its operators raise
        return {}
    return {value.id: array.shape for value, array in zip(values, arrays, strict=True)}


def _closed(shape: Iterable[int], spec: TensorSpec | None) -> Shape:
    """Return an input's shape for a batch of 1, its other open extents as in `spec`."""
    have = tuple(shape)
    want = spec.at(1) if spec and len(spec.shape) == len(have) else (1, *have[1:])
    return tuple(extent if size == OPEN else size for size, extent in zip(have, want, strict=False))


def _looked_at(op: Any) -> list[Any]:
    """Return the operands and the result that counting `op` looks at; none if it isn't counted."""
    if kind_of(op) not in COUNTED:
        return []
    values = [*op.operands_source()[:3], op.results()[0]]
    return [it for it in values if it.is_dense_tensor_type()]  # and not a list of weights


def _images(ops: Iterable[Any], batch: int | None) -> int:
    """Return for how many images the program's shapes are."""
    shapes = [tuple(op.results()[0].shape) for op in ops if op.name() == "pd_op.data"]
    if any(shape[:1] == (OPEN,) for shape in shapes):
        return 1
    return batch or next((shape[0] for shape in shapes if shape), 1)


def _parameters(ops: Iterable[Any]) -> dict[str, int]:
    sizes = {name_of(op): prod(op.results()[0].shape) for op in ops if is_parameter(op)}
    statistics = {
        name_of(value.get_defining_op())
        for op in ops
        if kind_of(op) == "batch_norm"
        for value in op.operands_source()[1:3]
        if is_parameter(value.get_defining_op())
    }
    total = sum(sizes.values())
    return {"params": total, "params_trainable": total - sum(sizes[name] for name in statistics)}
