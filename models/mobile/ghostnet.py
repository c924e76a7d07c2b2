"""GhostNet: Han et al., "GhostNet: More Features from Cheap Operations", 2020, table 1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import paddle
from paddle import nn

from mobile.parts import conv_norm, depthwise, divisible

STEM, LAST, HEAD = 16, 960, 1280
RATIO = 2  # maps to each map that isn't made cheaply, the paper's s


@dataclass(frozen=True)
class Row:
    """A row of the paper's table: one bottleneck."""

    kernel: int
    expanded: int
    outputs: int
    squeezes: int  # 1 or 0
    stride: int


ROWS = (
    Row(3, 16, 16, 0, 1),
    Row(3, 48, 24, 0, 2),
    Row(3, 72, 24, 0, 1),
    Row(5, 72, 40, 1, 2),
    Row(5, 120, 40, 1, 1),
    Row(3, 240, 80, 0, 2),
    Row(3, 200, 80, 0, 1),
    Row(3, 184, 80, 0, 1),
    Row(3, 184, 80, 0, 1),
    Row(3, 480, 112, 1, 1),
    Row(3, 672, 112, 1, 1),
    Row(5, 672, 160, 1, 2),
    Row(5, 960, 160, 0, 1),
    Row(5, 960, 160, 1, 1),
    Row(5, 960, 160, 0, 1),
    Row(5, 960, 160, 1, 1),
)


class SqueezeExcite(nn.Layer):
    """Scales each channel by what two products make of all channels' means, cut to 0..1.

    The gate and the matrix products are those of the authors' first code. Untrained, it is half
    open: closed ones would leave seeded weights little to compare engines by.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2D(1),
            nn.Flatten(),
            nn.Linear(channels, channels // 4),
            nn.ReLU(),
            nn.Linear(channels // 4, channels, bias_attr=nn.initializer.Constant(0.5)),
        )

    def forward(self, x: Any) -> Any:
        return x * paddle.clip(self.scale(x), 0.0, 1.0).unsqueeze([2, 3])


class Ghost(nn.Layer):
    """Half of the maps by a convolution, and from each of these another by a filter of its own."""

    def __init__(self, inputs: int, outputs: int, activation: type[nn.Layer] | None = None) -> None:
        super().__init__()
        made = -(-outputs // RATIO)
        self.primary = conv_norm(inputs, made, activation=activation)
        self.cheap = depthwise(made, 3, activation=activation)

    def forward(self, x: Any) -> Any:
        made = self.primary(x)
        return paddle.concat([made, self.cheap(made)], axis=1)


class Bottleneck(nn.Layer):
    """Two ghost modules, between them a stride and weighed channels where asked to."""

    def __init__(self, inputs: int, row: Row, scale: float) -> None:
        super().__init__()
        expanded, outputs = divisible(scale * row.expanded, 4), divisible(scale * row.outputs, 4)
        kernel, stride = row.kernel, row.stride
        self.body = nn.Sequential(
            Ghost(inputs, expanded, nn.ReLU),
            *([depthwise(expanded, kernel, stride=stride)] if stride > 1 else []),
            *([SqueezeExcite(expanded)] if row.squeezes else []),
            Ghost(expanded, outputs),
        )
        self.beside: nn.Layer = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.beside = nn.Sequential(
                depthwise(inputs, kernel, stride=stride), conv_norm(inputs, outputs)
            )

    def forward(self, x: Any) -> Any:
        return self.body(x) + self.beside(x)


def ghostnet(scale: float, num_classes: int = 1000) -> nn.Sequential:
    """Return the net with its widths scaled, but the head's."""
    widths = [divisible(scale * width, 4) for width in (STEM, *(row.outputs for row in ROWS))]
    blocks = [Bottleneck(inputs, row, scale) for inputs, row in zip(widths, ROWS, strict=False)]
    last = divisible(scale * LAST, 4)
    return nn.Sequential(
        conv_norm(3, widths[0], 3, stride=2, activation=nn.ReLU),
        *blocks,
        conv_norm(widths[-1], last, activation=nn.ReLU),
        nn.AdaptiveAvgPool2D(1),
        conv_norm(last, HEAD, activation=nn.ReLU),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(HEAD, num_classes),
    )


x0_5 = partial(ghostnet, 0.5)
x1_0 = partial(ghostnet, 1.0)
x1_3 = partial(ghostnet, 1.3)
