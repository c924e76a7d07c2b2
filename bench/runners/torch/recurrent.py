"""LSTM and GRU of one layer, whose weights ONNX and PyTorch have in other orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.runners.torch.node import ABSENT, Compute, Node, refuse

# The blocks of ONNX's weights in PyTorch's order: LSTM's i o f c as i f c o, GRU's z r h as r z h.
_ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2)}


def _recurrent(torch: Any, node: Node) -> Compute:
    direction = node.get("direction", "forward")
    if direction == "reverse" or node.get("layout", 0) or node.get("activations"):
        refuse(node, what="a reversed direction, another layout or other activations")
    if node.op == "GRU" and not node.get("linear_before_reset", 0):
        refuse(node, what="the reset before its matrix product")
    for index, what in ((4, "lengths of its sequences"), (7, "peepholes")):
        if len(node.constants) > index and node.constants[index] is not ABSENT:
            refuse(node, what=what)
    for name in ("clip", "input_forget"):
        if node.get(name, 0):
            refuse(node, what=name)
    layer, size = _layer(torch, node, both=direction == "bidirectional"), node.get("hidden_size")
    is_lstm = node.op == "LSTM"

    def compute(x: Any, *given: Any) -> Any:
        first, memory = [*given[4:6], None, None][:2]  # after the weights and the lengths
        known = memory if first is None else first
        if is_lstm and known is not None:  # PyTorch takes both or none
            known = [torch.zeros_like(known) if it is None else it for it in (first, memory)]
        steps, states = layer(x, known)
        y = steps.reshape(*steps.shape[:2], -1, size).permute(0, 2, 1, 3)
        return (y, *states) if is_lstm else (y, states)

    return compute


def _layer(torch: Any, node: Node, *, both: bool) -> Any:
    """Return PyTorch's layer with the weights of the node's constants."""
    weights, recurrent = node.constants[1], node.constants[2]
    if weights is None or recurrent is None:
        refuse(node, what="weights that are computed")
    size = node.get("hidden_size")
    layer = getattr(torch.nn, node.op)(weights.shape[2], size, bidirectional=both)
    has_bias = len(node.constants) > 3 and node.constants[3] is not ABSENT
    for index, end in enumerate(["", "_reverse"][: 1 + both]):
        bias = node.constants[3][index] if has_bias else weights[index][:, 0].repeat(2) * 0
        halves = bias.reshape(2, -1)
        for name, array in (
            ("weight_ih", weights[index]), ("weight_hh", recurrent[index]),
            ("bias_ih", halves[0]), ("bias_hh", halves[1]),
        ):  # fmt: skip
            tensor = torch.from_numpy(_ordered(array, _ORDERS[node.op]))
            setattr(layer, f"{name}_l0{end}", torch.nn.Parameter(tensor, requires_grad=False))
    layer.requires_grad_(requires_grad=False)
    return layer.to(node.device)


def _ordered(array: Any, order: tuple[int, ...]) -> Any:
    """Return the blocks of an array of weights in PyTorch's order."""
    blocks = array.reshape(len(order), -1, *array.shape[1:])[list(order)]
    return blocks.reshape(array.shape).copy()


RECURRENT: Mapping[str, Callable[[Any, Node], Compute]] = {"GRU": _recurrent, "LSTM": _recurrent}
"""What binds each of these operators, by ONNX's name."""
