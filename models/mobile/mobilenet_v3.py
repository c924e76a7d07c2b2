"""MobileNetV3: Howard et al., "Searching for MobileNetV3", 2019, tables 1 and 2.

The published nets have a head of 1,280 channels at every width, and squeeze to a quarter of the
channels, not rounded to a multiple of 8. paddle.vision's scale the head, the small one from 1,024,
and round.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from paddle import nn

from mobile.parts import SqueezeExcite, conv_norm, depthwise, divisible, wide_head

STEM = 16


@dataclass(frozen=True)
class Row:
    """A row of the paper's tables: one block; `SE` and `NL` are there."""

    kernel: int
    expanded: int
    outputs: int
    squeezes: int  # 1 or 0
    activation: type[nn.Layer]
    stride: int


RE, HS = nn.ReLU, nn.Hardswish
LARGE = (
    Row(3, 16, 16, 0, RE, 1),
    Row(3, 64, 24, 0, RE, 2),
    Row(3, 72, 24, 0, RE, 1),
    Row(5, 72, 40, 1, RE, 2),
    Row(5, 120, 40, 1, RE, 1),
    Row(5, 120, 40, 1, RE, 1),
    Row(3, 240, 80, 0, HS, 2),
    Row(3, 200, 80, 0, HS, 1),
    Row(3, 184, 80, 0, HS, 1),
    Row(3, 184, 80, 0, HS, 1),
    Row(3, 480, 112, 1, HS, 1),
    Row(3, 672, 112, 1, HS, 1),
    Row(5, 672, 160, 1, HS, 2),
    Row(5, 960, 160, 1, HS, 1),
    Row(5, 960, 160, 1, HS, 1),
)
SMALL = (
    Row(3, 16, 16, 1, RE, 2),
    Row(3, 72, 24, 0, RE, 2),
    Row(3, 88, 24, 0, RE, 1),
    Row(5, 96, 40, 1, HS, 2),
    Row(5, 240, 40, 1, HS, 1),
    Row(5, 240, 40, 1, HS, 1),
    Row(5, 120, 48, 1, HS, 1),
    Row(5, 144, 48, 1, HS, 1),
    Row(5, 288, 96, 1, HS, 2),
    Row(5, 576, 96, 1, HS, 1),
    Row(5, 576, 96, 1, HS, 1),
)


class Gate(nn.Layer):
    """The sigmoid of straight lines with the slope that Paddle had of old, 0.2 for 1/6."""

    def forward(self, x: Any) -> Any:
        return nn.functional.hardsigmoid(x, slope=0.2)


class Block(nn.Layer):
    """Expands, filters each channel, weighs the channels where asked to, and narrows again."""

    def __init__(self, inputs: int, row: Row, scale: float) -> None:
        super().__init__()
        expanded, outputs = divisible(scale * row.expanded), divisible(scale * row.outputs)
        squeeze = [SqueezeExcite(expanded, expanded // 4, Gate())] if row.squeezes else []
        self.body = nn.Sequential(
            conv_norm(inputs, expanded, activation=row.activation),
            depthwise(expanded, row.kernel, stride=row.stride, activation=row.activation),
            *squeeze,
            conv_norm(expanded, outputs),
        )
        self.adds = row.stride == 1 and inputs == outputs

    def forward(self, x: Any) -> Any:
        return x + self.body(x) if self.adds else self.body(x)


def mobilenet_v3(rows: tuple[Row, ...], scale: float, num_classes: int = 1000) -> nn.Sequential:
    """Return the net of a table, its widths scaled."""
    widths = [divisible(scale * width) for width in (STEM, *(row.outputs for row in rows))]
    blocks = [Block(inputs, row, scale) for inputs, row in zip(widths, rows, strict=False)]
    last = divisible(scale * rows[-1].expanded)
    return nn.Sequential(
        conv_norm(3, widths[0], 3, stride=2, activation=HS),
        *blocks,
        conv_norm(widths[-1], last, activation=HS),
        *wide_head(last, num_classes),
    )


large_x0_35 = partial(mobilenet_v3, LARGE, 0.35)
large_x0_5 = partial(mobilenet_v3, LARGE, 0.5)
large_x0_75 = partial(mobilenet_v3, LARGE, 0.75)
large_x1_0 = partial(mobilenet_v3, LARGE, 1.0)
large_x1_25 = partial(mobilenet_v3, LARGE, 1.25)
small_x0_35 = partial(mobilenet_v3, SMALL, 0.35)
small_x0_5 = partial(mobilenet_v3, SMALL, 0.5)
small_x0_75 = partial(mobilenet_v3, SMALL, 0.75)
small_x1_0 = partial(mobilenet_v3, SMALL, 1.0)
small_x1_25 = partial(mobilenet_v3, SMALL, 1.25)
