"""ONNX's operators in PyTorch, each bound once to its attributes and constants.

A binder takes a Node and returns what computes its outputs from the tensors of its inputs. Shapes,
axes and the like have to be constants: graphs are folded and of one batch.
Source: ONNX's operator reference, opsets 11 to 21.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from bench.core.errors import Unavailable
from bench.runners.torch.node import Compute, Node, refuse
from bench.runners.torch.recurrent import RECURRENT
from bench.runners.torch.shapes import SHAPES
from bench.runners.torch.windows import WINDOWS


def bind(torch: Any, node: Node) -> Compute:
    """Return what computes `node`; raises Unavailable for an operator that isn't here."""
    binder = BINDERS.get(node.op)
    if binder is None:
        raise Unavailable(
            f"PyTorch's runner has no operator {node.op}", hint="measure it with another runner"
        )
    return binder(torch, node)


def _unary(name: str) -> Callable[[Any, Node], Compute]:
    return lambda torch, _: getattr(torch, name)


def _fold(name: str) -> Callable[[Any, Node], Compute]:
    """Bind what takes any number of inputs, two at a time."""

    def bound(torch: Any, node: Node) -> Compute:
        function = getattr(torch, name)
        if len(node.constants) == 2:
            return function  # type: ignore[no-any-return]

        def compute(first: Any, *others: Any) -> Any:
            for other in others:
                first = function(first, other)
            return first

        return compute

    return bound


def _global_pool(torch: Any, node: Node) -> Compute:
    reduce = torch.amax if node.op == "GlobalMaxPool" else torch.mean
    return lambda x: reduce(x, dim=tuple(range(2, x.dim())), keepdim=True)


def _reduce(name: str) -> Callable[[Any, Node], Compute]:
    def bound(torch: Any, node: Node) -> Compute:
        axes, keep = node.constant(1, "axes"), bool(node.get("keepdims", 1))
        if not axes and node.get("noop_with_empty_axes", 0):
            return _identity(torch, node)
        function = getattr(torch, name)

        def compute(x: Any, *_: Any) -> Any:
            # PyTorch sums small whole numbers as larger ones.
            return function(x, dim=tuple(axes or range(x.dim())), keepdim=keep).to(x.dtype)

        return compute

    return bound


def _batch_norm(torch: Any, node: Node) -> Compute:
    refuse(node, outputs=1)
    eps = node.get("epsilon", 1e-5)
    norm = torch.nn.functional.batch_norm
    return lambda x, scale, bias, mean, var: norm(x, mean, var, scale, bias, eps=eps)


def _layer_norm(torch: Any, node: Node) -> Compute:
    refuse(node, outputs=1)
    axis, eps = node.get("axis", -1), node.get("epsilon", 1e-5)
    norm = torch.nn.functional.layer_norm
    return lambda x, scale, bias=None: norm(x, x.shape[axis:], scale, bias, eps)


def _gemm(torch: Any, node: Node) -> Compute:
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    turned_a, turned_b = node.get("transA", 0), node.get("transB", 0)
    if alpha == beta == 1.0 and not turned_a and turned_b:
        return torch.nn.functional.linear  # type: ignore[no-any-return]

    def compute(a: Any, b: Any, c: Any = None) -> Any:
        product = (a.t() if turned_a else a) @ (b.t() if turned_b else b)
        product = product if alpha == 1.0 else product * alpha
        return product if c is None else product + (c if beta == 1.0 else c * beta)

    return compute


def _clip(torch: Any, node: Node) -> Compute:
    low, high = node.constant(1, "min"), node.constant(2, "max")
    if low is None and high is None:
        return _identity(torch, node)
    return lambda x, *_: torch.clamp(x, min=low, max=high)


def _softmax(torch: Any, node: Node) -> Compute:
    function = torch.log_softmax if node.op == "LogSoftmax" else torch.softmax
    if node.opset >= _SOFTMAX_OF_ONE_AXIS:
        return partial(function, dim=node.get("axis", -1))
    first = node.get("axis", 1)

    def compute(x: Any) -> Any:
        start = first % x.dim()
        return function(x.flatten(start), dim=start).reshape(x.shape)

    return compute


_SOFTMAX_OF_ONE_AXIS = 13  # before it, over all axes from one on


def _hard_sigmoid(torch: Any, node: Node) -> Compute:
    alpha, beta = node.get("alpha", 0.2), node.get("beta", 0.5)
    return lambda x: torch.clamp(x * alpha + beta, 0.0, 1.0)


def _div(torch: Any, node: Node) -> Compute:
    def compute(one: Any, other: Any) -> Any:
        whole = not one.is_floating_point()
        return torch.div(one, other, rounding_mode="trunc" if whole else None)

    return compute


def _pow(torch: Any, node: Node) -> Compute:
    return lambda base, exponent: torch.pow(base, exponent).to(base.dtype)


def _leaky(torch: Any, node: Node) -> Compute:
    return partial(torch.nn.functional.leaky_relu, negative_slope=node.get("alpha", 0.01))


def _elu(torch: Any, node: Node) -> Compute:
    return partial(torch.nn.functional.elu, alpha=node.get("alpha", 1.0))


def _gelu(torch: Any, node: Node) -> Compute:
    return partial(torch.nn.functional.gelu, approximate=node.get("approximate", "none"))


# By ONNX's numbers of types.
_TYPES = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}


def _cast(torch: Any, node: Node) -> Compute:
    name = _TYPES.get(node.get("to"))
    if name is None:
        refuse(node, what=f"type {node.get('to')}")
    dtype = getattr(torch, name or "float32")
    return lambda x: x.to(dtype)


def _functional(name: str) -> Callable[[Any, Node], Compute]:
    return lambda torch, _: getattr(torch.nn.functional, name)


def _dropout(torch: Any, node: Node) -> Compute:
    refuse(node, outputs=1)
    if node.constant(2, "training_mode", default=False):
        refuse(node, what="its training mode")
    return _identity(torch, node)


def _identity(torch: Any, node: Node) -> Compute:
    return lambda x, *_: x


BINDERS: Mapping[str, Callable[[Any, Node], Compute]] = {
    **{op: _unary(name) for op, name in (
        ("Abs", "abs"), ("Ceil", "ceil"), ("Cos", "cos"), ("Erf", "erf"), ("Exp", "exp"),
        ("Floor", "floor"), ("Log", "log"), ("Neg", "neg"), ("Not", "logical_not"),
        ("Reciprocal", "reciprocal"), ("Relu", "relu"), ("Sigmoid", "sigmoid"), ("Sin", "sin"),
        ("Sqrt", "sqrt"), ("Tanh", "tanh"), ("Equal", "eq"), ("Greater", "gt"), ("Less", "lt"),
        ("Where", "where"), ("MatMul", "matmul"),
    )},
    **{op: _fold(name) for op, name in (
        ("Add", "add"), ("Max", "maximum"), ("Min", "minimum"), ("Mul", "mul"),
        ("Sub", "sub"), ("Sum", "add"), ("And", "logical_and"), ("Or", "logical_or"),
    )},
    "BatchNormalization": _batch_norm, "Cast": _cast, "Clip": _clip, "Div": _div,
    "Dropout": _dropout, "Elu": _elu, "Gelu": _gelu, "Gemm": _gemm,
    "GlobalAveragePool": _global_pool, "GlobalMaxPool": _global_pool, "HardSigmoid": _hard_sigmoid,
    "HardSwish": _functional("hardswish"), "Identity": _identity,
    "LayerNormalization": _layer_norm, "LeakyRelu": _leaky, "LogSoftmax": _softmax, "Pow": _pow,
    "ReduceMax": _reduce("amax"), "ReduceMean": _reduce("mean"), "ReduceSum": _reduce("sum"),
    "Softmax": _softmax, "Softplus": _functional("softplus"),
    **RECURRENT, **SHAPES, **WINDOWS,
}  # fmt: skip
"""What binds each operator, by ONNX's name."""
